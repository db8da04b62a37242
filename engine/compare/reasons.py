"""Why a generic rule or habit excuses a difference: the words a receipt shows. Facts per type bring their own."""

from __future__ import annotations

from typing import Final

RULES: Final = {
    "number": "1 and 1.0 are one JSON number (RFC 8259 section 6)",
    "region": "Azure returns a region by display name or code: West US 2 is westus2 (az account list-locations)",
    "arm-id": "ARM resource ids are compared without letter case and trailing slash (ARM RPC, resource ids)",
    "enum-case": "the type definition lists the allowed values; ARM compares them without letter case",
    "boolean-text": "true and True, enabled and Enabled are one switch held as text",
    "duration": "both texts are one length of time (ISO 8601 durations: PT60M is PT1H)",
    "version-completed": "a version sent without its minor parts comes back with those that Azure runs (6 is 6.0)",
    "relative-id": "an id relative to something above this resource comes back whole (ARM RPC, resource ids)",
    "guid-case": "GUIDs are hexadecimal: letter case carries nothing (RFC 9562 section 4)",
    "empty": "null, empty and absent are one value here: ARM drops what holds nothing",
    "no-opinion": "null on a collection says nothing about its contents (ASO sends null for collections not set)",
    "write-only": "reads leave this member out, blank or mask it (write-only or sensitive in the type definition, "
    "or a Secret's value)",
    "identity": "name, id and type are in the URL; what the body repeats of them is no setting",
    "location-not-returned": "a child resource takes a location and lives with its parent: compared only when returned",
    "server-owned": "read-only in the type definition: Azure ignores what is sent",
    "key-case": "ARM reads member names without letter case",
    "map-key-id": "the key is an ARM resource id, compared without letter case",
    "tag-name-case": "tag names are compared without letter case (Azure Resource Manager, tags)",
    "list-order": "elements have identifiers or form a set by fact: their order carries nothing",
    "owned": "the element is a resource of its own that another object manages",
    "shared-list": "others put elements of their own into this list; only those of the manifest are its business",
    "ignore": "the annotation trueup.dev/ignore names this place",
    "known-difference": "it differed in the same way right after our last settled write; neither side moved since",
    "key-not-known": "a key of this map is not known yet, so keys only Azure has may be it",
    "timestamp": "both texts name the same instant (RFC 3339)",
    "secret-not-compared": "the Secret's value is not available here",
}
"""Names of all rules that are certain, and of the marks that a walk sets."""

HABITS: Final = {
    "term-case": "one word that names a type, mode or character set: services return their own spelling of it",
    "word-list": "a list of words in one text, spaced or ordered anew",
    "xml-layout": "both texts are one XML document, laid out anew",
    "json-layout": "both texts are one JSON document, laid out anew",
    "line-ends": "both texts have the same lines; only line ends or blanks around them differ",
    "path-slash": "a path with or without the slash at its beginning",
    "url-form": "both texts are one URL: port of the scheme, letter case of the host or a last slash (RFC 3986)",
    "url-signature": "a URL was sent with a signature and comes back without it",
    "masked": "Azure shows asterisks for the text, or for the secret part of a connection string",
    "key-version": "a key or secret named without version comes back with the version in use",
    "version-label": "a version or revision with or without the v before it",
    "host-name": "host names carry no letter case and may end in a dot (RFC 4343, RFC 1034)",
    "ip-form": "both texts are one address or network (RFC 4632, RFC 5952): host bits, length or spelling differ",
    "time-span": "both texts are one length of time, as ISO 8601 duration or as days.hours:minutes:seconds",
    "time-zone": "a time without zone comes back in UTC",
    "thumbprint": "a hash written in hexadecimal digits: letter case, colons and blanks carry nothing",
    "certificate-layout": "both texts are one base64 text, with or without PEM lines",
    "spelled-as-text": "a number or switch, once as text and once as value",
    "key-camel-case": "a serializer writes keys with a small first letter; the value is the same",
    "identity-elsewhere": "the identity asked for comes back under another member",
    "secret-container": "an object that holds a secret comes back as null",
    "capacity-not-scaled": "an SKU that does not scale has no capacity (ARM common types: Sku.capacity may be omitted)",
}
"""Names of all habits of ``conventions``: probable, so they hold until somebody moves."""

WHY: Final = RULES | HABITS
