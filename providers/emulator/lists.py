"""Lists: pages joined from bodies that are already encoded."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

import orjson

from providers.emulator.address import GROUP_TYPE, Address, parse_address
from providers.emulator.answer import Answer, RefusedError, encode, gateway_error
from providers.emulator.call import Call
from providers.emulator.denials import DENIALS
from providers.emulator.facts import TypeFacts, canonical_type, check_own_version, type_facts
from providers.emulator.operations import Operations
from providers.emulator.regions import region_code
from providers.emulator.scopes import Scopes
from providers.emulator.store import Collection, Record, Store
from schemas.operations import ListEndpoint, lookup_operations

_PAGE = 1000
_SUMMARY = ("id", "name", "type", "kind", "location", "tags", "sku", "identity", "managedBy", "zones")
_TAG_FILTER = re.compile(r"tagName eq '([^']*)'(?: and tagValue eq '([^']*)')?", re.IGNORECASE)
_TYPE_FILTER = re.compile(r"resourceType eq '([^']*)'", re.IGNORECASE)
_UPWARD = frozenset({"microsoft.authorization/roleassignments", "microsoft.authorization/locks", DENIALS})


class Lists:
    """Answers GET of every collection."""

    def __init__(self, store: Store, operations: Operations, scopes: Scopes, page_size: int) -> None:
        """Page by ``page_size`` items; 0 means 1,000."""
        self._store = store
        self._operations = operations
        self._scopes = scopes
        self._page_size = page_size or _PAGE

    def of_type(self, call: Call) -> Answer:
        """Answer the list of a type at a subscription, group, parent, target or location."""
        address = call.address
        mixed = self._mixed_types(address)
        if mixed:
            self._scopes.check(address, call.method)
            return self._page(call, _merge(self._store.collection(address.parent_id.lower(), t) for t in mixed))
        address, location = _without_location(address)
        facts = type_facts(address.arm_type, call.api)
        self._scopes.check(address, call.method)
        endpoint = _endpoint(address, facts, location)
        for operation in self._operations.running_below(address.parent_id.lower()):
            self._operations.look(operation, call.now)
        collection = self._collection(address, facts)
        if location:
            collection = _filtered(collection, lambda r: region_code(str(r.value.get("location", ""))) == location)
        return self._page(call, collection, _thin if endpoint and not endpoint.full_bodies else None)

    def groups(self, call: Call) -> Answer:
        """Answer the list of resource groups."""
        check_own_version(call.api)
        self._scopes.check_subscription(call.address)
        scope = f"/subscriptions/{call.address.subscription}".lower()
        collection = self._store.collection(scope, GROUP_TYPE)
        return self._page(call, _by_tags(collection, call.query.get("$filter", "")))

    def resources(self, call: Call) -> Answer:
        """Answer the generic list: everything with a location, without ``properties``."""
        check_own_version(call.api)
        self._scopes.check(call.address, call.method)
        root = call.address.id[: -len("/resources")].lower()
        wanted = _TYPE_FILTER.search(call.query.get("$filter", ""))
        everything = _merge([_collect(r for r in self._store.descendants(root) if _is_listed(r))])
        if wanted:
            folded = wanted[1].lower()
            everything = _filtered(everything, lambda r: r.type.lower() == folded)
        return self._page(call, _by_tags(everything, call.query.get("$filter", "")), _summary)

    def _collection(self, address: Address, facts: TypeFacts) -> Collection:
        scope = address.parent_id.lower()
        collection = self._store.collection(scope, facts.name)
        if facts.name.lower() not in _UPWARD:
            return collection
        above = []
        while scope.count("/") > 2:
            scope = parse_address(scope).parent_id
            above.append(_collect(r for r in self._store.collection(scope, facts.name) if r.parent == scope))
        return _merge([collection, *above])

    def _mixed_types(self, address: Address) -> list[str]:
        """Return the sibling types that a list such as ``dnsZones/x/all`` holds; none for other lists."""
        if len(address.types) < 2:
            return []
        word, prefix = address.types[-1].lower(), "/".join((address.namespace, *address.types[:-1])).lower() + "/"
        return [t for t in _types_below(prefix) if any(_ends_with(e, word) for e in _mixed_endpoints(t))]

    def _page(self, call: Call, collection: Collection, shorten: Callable[[Record], bytes] | None = None) -> Answer:
        after = _read_token(call.query.get("$skiptoken", ""))
        records, more = collection.page(after, self._size(call))
        bodies = [shorten(r) for r in records] if shorten else [r.body for r in records]
        end = b"]}"
        if more:
            end = b'],"nextLink":' + orjson.dumps(_next_link(call, records[-1].key)) + b"}"
        return Answer(200, b'{"value":[' + b",".join(bodies) + end)

    def _size(self, call: Call) -> int:
        top = call.query.get("$top", "")
        return min(max(1, int(top)), self._page_size) if top.isdecimal() else self._page_size


def _endpoint(address: Address, facts: TypeFacts, location: str) -> ListEndpoint | None:
    """Return the list endpoint that is asked; None when nothing is known of the type.

    Raises:
        RefusedError: 404; the type has no list there.
    """
    known = facts.operations
    if known is None:
        return None
    kind = _scope_kind(address, location)
    fitting = [e for e in known.lists if e.scope in kind]
    if fitting:
        return fitting[0]
    raise gateway_error(
        404,
        "InvalidResourceType",
        f"The resource type '{facts.name.partition('/')[2]}' has no list at '{address.parent_id or '/'}' for api "
        f"version '{facts.api}'.",
    )


def _scope_kind(address: Address, location: str) -> tuple[str, ...]:
    if location:
        return ("location",)
    if len(address.types) > 1:
        return ("parent", "parentMixed", "scope", "resource")
    slashes = address.scope.count("/")
    if "/providers/" in address.scope.lower():
        return ("scope", "resource", "parent")
    return {0: ("tenant", "scope"), 2: ("subscription", "scope"), 4: ("resourceGroup", "scope")}.get(
        slashes, ("scope",)
    )


def _without_location(address: Address) -> tuple[Address, str]:
    """Take ``locations/westus2`` out of ``…/Microsoft.Compute/locations/westus2/virtualMachines``."""
    if len(address.types) != 2 or address.types[0].lower() != "locations":
        return address, ""
    plain = f"{address.namespace}/{address.types[1]}"
    known = lookup_operations(plain)
    if known is None or not any(e.scope == "location" for e in known.lists):
        return address, ""
    return parse_address(f"{address.scope}/providers/{plain}"), region_code(address.names[0])


def _mixed_endpoints(arm_type: str) -> list[ListEndpoint]:
    known = lookup_operations(arm_type)
    return [e for e in known.lists if e.scope == "parentMixed"] if known else []


def _types_below(prefix: str) -> list[str]:
    from schemas.operations import known_types

    return [t for t in known_types() if t.lower().startswith(prefix) and t.count("/") == prefix.count("/")]


def _ends_with(endpoint: ListEndpoint, word: str) -> bool:
    return endpoint.url.rpartition("/")[2].lower() == word


def _collect(records: Iterator[Record]) -> Collection:
    collection = Collection()
    for record in records:
        collection.add(record)
    return collection


def _merge(parts: Iterator[Collection] | list[Collection]) -> Collection:
    return _collect(r for part in parts for r in part)


def _filtered(collection: Collection, keep: Callable[[Record], bool]) -> Collection:
    return _collect(r for r in collection if keep(r))


def _by_tags(collection: Collection, text: str) -> Collection:
    wanted = _TAG_FILTER.search(text)
    if wanted is None:
        return collection

    def keep(record: Record) -> bool:
        tags = {k.lower(): v for k, v in (record.value.get("tags") or {}).items()}
        return wanted[1].lower() in tags and wanted[2] in (None, tags[wanted[1].lower()])

    return _filtered(collection, keep)


def _is_listed(record: Record) -> bool:
    return record.type != GROUP_TYPE and b'"location":' in record.body and "location" in record.value


def _summary(record: Record) -> bytes:
    value = record.value
    short = {k: value[k] for k in _SUMMARY if k in value}
    short["type"] = canonical_type(record.type)
    return encode(short)


def _thin(record: Record) -> bytes:
    """Return the smaller model that some lists answer: what GET has, without most of ``properties``."""
    value = record.value
    properties = value.get("properties")
    if isinstance(properties, dict):
        value["properties"] = {k: v for k, v in properties.items() if not isinstance(v, dict | list)}
    return encode(value)


def _next_link(call: Call, last_key: str) -> str:
    kept = {k: v for k, v in call.query.items() if k != "$skiptoken"}
    token = base64.urlsafe_b64encode(last_key.encode()).decode()
    query = "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in kept.items())
    return f"{call.base}{quote(call.address.id)}?{query}&$skiptoken={quote(token, safe='')}"


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError) as exc:
        raise RefusedError(400, "InvalidSkipToken", "The skip token provided in the request is invalid.") from exc
