"""Whether what a resource lies in exists, and whether a lock forbids touching it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from providers.emulator.address import Address, Place, parse_address
from providers.emulator.answer import RefusedError, gateway_error
from providers.emulator.denials import action_on, check_denials
from providers.emulator.facts import canonical_type, load_table
from providers.emulator.readback import state_of
from providers.emulator.store import Record, Store

_LOCKS = "microsoft.authorization/locks"
_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "POST": "action", "DELETE": "delete"}


class Scopes:
    """Looks up what lies above an address."""

    def __init__(self, store: Store, subscriptions: tuple[str, ...]) -> None:
        """Know the store and the subscriptions."""
        self._store = store
        self._subscriptions = frozenset(s.lower() for s in subscriptions)

    def check(self, address: Address, method: str) -> None:
        """Check that subscription, group and parents exist.

        Raises:
            RefusedError: 404 with ARM's code for what is missing; 409 while the group is being deleted.
        """
        self.check_subscription(address)
        if address.group and address.place is not Place.GROUP:
            self._check_group(address, method)
        if address.place in (Place.RESOURCE, Place.COLLECTION):
            self._check_parents(address, method)

    def check_subscription(self, address: Address) -> None:
        """Check the subscription alone.

        Raises:
            RefusedError: 404 SubscriptionNotFound.
        """
        if address.subscription and address.subscription.lower() not in self._subscriptions:
            raise gateway_error(
                404, "SubscriptionNotFound", f"The subscription '{address.subscription}' could not be found."
            )

    def exists(self, resource_id: str) -> bool:
        """Whether an id names something: a record, a scope, or a resource every parent has."""
        key = resource_id.lower()
        address = parse_address(key)
        return (
            not key
            or self._store.get(key) is not None
            or address.place is Place.SUBSCRIPTION
            or self.is_implicit(address)
        )

    def is_implicit(self, address: Address) -> bool:
        """Whether the resource comes with its parent and was never written."""
        if address.place is not Place.RESOURCE:
            return False
        names = implied().get(address.arm_type.lower())
        return names is not None and (names == "*" or address.name.lower() in names) and self.exists(address.parent_id)

    def check_locks(self, key: str, method: str, *, action: str = "") -> None:
        """Check deny assignments, then locks, at the resource and everything it lies in; for DELETE also inside it.

        Args:
            key: Id of the resource, in lower case.
            method: What is to be done.
            action: What ARM calls it, where it is not made from the type and the method.

        Raises:
            RefusedError: 403 DenyAssignmentAuthorizationFailed; 409 ScopeLocked.
        """
        verb = _VERBS[method]
        check_denials(self._store, key, action or action_on(canonical_type(parse_address(key).arm_type), verb))
        if _LOCKS in key:
            return
        locked = [lock.parent for lock in self._locks_above(key) if _forbids(lock, verb)]
        if verb == "delete":
            locked += [r.parent for r in self._store.descendants(key) if r.type.lower() == _LOCKS]
        if locked:
            raise gateway_error(
                409,
                "ScopeLocked",
                f"The scope '{key}' cannot perform {verb} operation because following scope(s) are locked: "
                f"'{','.join(sorted(set(locked)))}'. Please remove the lock and try again.",
            )

    def _locks_above(self, key: str) -> list[Record]:
        found = []
        while key:
            found += [r for r in self._store.collection(key, _LOCKS) if r.parent == key]
            key = parse_address(key).parent_id if key.count("/") > 2 else ""
        return found

    def _check_group(self, address: Address, method: str) -> None:
        group = self._store.get(f"/subscriptions/{address.subscription}/resourcegroups/{address.group}".lower())
        if group is None:
            raise gateway_error(404, "ResourceGroupNotFound", f"Resource group '{address.group}' could not be found.")
        if method in ("PUT", "PATCH") and state_of(group.value) == "Deleting":
            raise gateway_error(
                409,
                "ResourceGroupBeingDeleted",
                f"The resource group '{address.group}' is in deprovisioning state and cannot perform this operation.",
            )

    def _check_parents(self, address: Address, method: str) -> None:
        parent = address.parent_id
        if self.exists(parent):
            return
        if len(address.types) == 1:
            raise not_found(parse_address(parent))
        kind = "/".join(canonical_type(address.arm_type).split("/")[1:])
        raise gateway_error(
            404,
            "ParentResourceNotFound",
            f"Failed to perform '{_VERBS[method]}' on resource(s) of type '{kind}', because the parent resource "
            f"'{parent}' could not be found.",
        )


def not_found(address: Address) -> RefusedError:
    """Build ARM's refusal for a resource that does not exist."""
    if address.place is Place.GROUP:
        return gateway_error(404, "ResourceGroupNotFound", f"Resource group '{address.group}' could not be found.")
    path = "/".join(f"{t}/{n}" for t, n in zip(address.types, address.names, strict=False))
    where = f" under resource group '{address.group}'" if address.group else ""
    return gateway_error(
        404,
        "ResourceNotFound",
        f"The Resource '{address.namespace}/{path}'{where} was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def _forbids(lock: Record, verb: str) -> bool:
    level = str(lock.value.get("properties", {}).get("level", "")).lower()
    return verb == "delete" or (level == "readonly" and verb in ("write", "action"))


@cache
def implied() -> Mapping[str, Any]:
    """Return the types whose resources come with their parent: names in lower case, or ``*`` for any name."""
    return load_table("implied.json")
