"""What an ARM path names: a scope, a resource, a list of resources, an action."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from urllib.parse import unquote

GROUP_TYPE = "Microsoft.Resources/resourceGroups"
SUBSCRIPTION_TYPE = "Microsoft.Resources/subscriptions"


class Place(enum.Enum):
    """The kinds of things a path can name."""

    SUBSCRIPTIONS = enum.auto()
    TENANTS = enum.auto()
    SUBSCRIPTION = enum.auto()
    LOCATIONS = enum.auto()
    PROVIDERS = enum.auto()
    PROVIDER = enum.auto()
    PROVIDER_ACTION = enum.auto()
    GROUPS = enum.auto()
    GROUP = enum.auto()
    RESOURCES = enum.auto()
    RESOURCE = enum.auto()
    COLLECTION = enum.auto()
    UNKNOWN = enum.auto()


@dataclass(frozen=True, slots=True)
class Address:
    """One parsed path.

    Attributes:
        id: The id as the client spelled it, without trailing slash.
        scope: What lies before the last ``/providers/``; empty at tenant scope.
        namespace: Provider of the last ``/providers/``; empty where there is none.
        types: Type segments after it.
        names: Name segments; as many as ``types`` for a resource, one less for a collection.
        word: Last segment of a place that has a verb: register, unregister.
    """

    place: Place
    id: str
    scope: str = ""
    namespace: str = ""
    types: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    subscription: str = ""
    group: str = ""
    word: str = ""

    @property
    def key(self) -> str:
        """Return the form that two equal ids share."""
        return self.id.lower()

    @property
    def arm_type(self) -> str:
        """Return ``Namespace/type/subtype`` as the client spelled it."""
        if self.place is Place.GROUP:
            return GROUP_TYPE
        return "/".join((self.namespace, *self.types))

    @property
    def name(self) -> str:
        """Return the resource's own name."""
        return self.names[-1] if self.names else self.group

    @property
    def parent_id(self) -> str:
        """Return the id of what the resource or list lies in."""
        if self.place is Place.GROUP:
            return f"/subscriptions/{self.subscription}"
        depth = len(self.types) - 1
        if depth == 0:
            return self.scope
        pairs = zip(self.types[:depth], self.names[:depth], strict=True)
        return f"{self.scope}/providers/{self.namespace}/" + "/".join(f"{t}/{n}" for t, n in pairs)


def parse_address(path: str) -> Address:
    """Read a path as it came over the wire (still percent-encoded)."""
    segments = [unquote(s) for s in path.strip("/").split("/") if s]
    folded = [s.lower() for s in segments]
    text = "/" + "/".join(segments)
    subscription, group, after = _root(segments, folded)
    if "providers" in folded:
        last = len(folded) - 1 - folded[::-1].index("providers")
        if len(segments) > last + 2 and not _is_provider_verb(folded, last):
            return _within_provider(segments, last, subscription, group)
    return _above_providers(text, folded, subscription, group, after)


def _root(segments: list[str], folded: list[str]) -> tuple[str, str, int]:
    if len(segments) >= 2 and folded[0] == "subscriptions":
        if len(segments) >= 4 and folded[2] == "resourcegroups":
            return segments[1], segments[3], 4
        return segments[1], "", 2
    return "", "", 0


def _is_provider_verb(folded: list[str], last: int) -> bool:
    return last == 2 and len(folded) == 5 and folded[-1] in ("register", "unregister")


def _within_provider(segments: list[str], last: int, subscription: str, group: str) -> Address:
    rest = segments[last + 2 :]
    scope = "/" + "/".join(segments[:last]) if last else ""
    types, names = tuple(rest[0::2]), tuple(rest[1::2])
    place = Place.RESOURCE if len(types) == len(names) else Place.COLLECTION
    text = "/" + "/".join(segments)
    return Address(place, text, scope, segments[last + 1], types, names, subscription, group)


def _above_providers(text: str, folded: list[str], subscription: str, group: str, after: int) -> Address:
    rest = tuple(folded[after:])
    place = _PLACES.get((bool(subscription), bool(group), rest[:1], len(rest)), Place.UNKNOWN)
    word = folded[-1] if place is Place.PROVIDER_ACTION else ""
    namespace = text.strip("/").split("/")[after + 1] if rest[:1] == ("providers",) and len(rest) > 1 else ""
    names = (group,) if place is Place.GROUP else ()
    return Address(place, text, "", namespace, (), names, subscription, group, word)


_PLACES = {
    (False, False, ("subscriptions",), 1): Place.SUBSCRIPTIONS,
    (False, False, ("tenants",), 1): Place.TENANTS,
    (False, False, ("providers",), 1): Place.PROVIDERS,
    (False, False, ("providers",), 2): Place.PROVIDER,
    (True, False, (), 0): Place.SUBSCRIPTION,
    (True, False, ("locations",), 1): Place.LOCATIONS,
    (True, False, ("providers",), 1): Place.PROVIDERS,
    (True, False, ("providers",), 2): Place.PROVIDER,
    (True, False, ("providers",), 3): Place.PROVIDER_ACTION,
    (True, False, ("resourcegroups",), 1): Place.GROUPS,
    (True, False, ("resources",), 1): Place.RESOURCES,
    (True, True, (), 0): Place.GROUP,
    (True, True, ("resources",), 1): Place.RESOURCES,
}
