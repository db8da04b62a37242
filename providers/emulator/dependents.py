"""What stands in the way of a DELETE: resources inside, and resources that refer to it."""

from __future__ import annotations

from collections.abc import Mapping

from providers.emulator.address import Address
from providers.emulator.answer import RefusedError
from providers.emulator.inline import inline_lists
from providers.emulator.store import Record, Store

_NESTED = frozenset({"microsoft.network/privatednszones", "microsoft.network/dnsforwardingrulesets"})
_IN_USE: Mapping[str, tuple[str, str]] = {
    "microsoft.network/virtualnetworks/subnets": ("InUseSubnetCannotBeDeleted", "Subnet"),
    "microsoft.network/publicipaddresses": ("PublicIPAddressCannotBeDeleted", "Public IP address"),
    "microsoft.network/networksecuritygroups": ("InUseNetworkSecurityGroupCannotBeDeleted", "Network security group"),
    "microsoft.network/routetables": ("InUseRouteTableCannotBeDeleted", "Route table"),
    "microsoft.network/networkinterfaces": ("NicInUse", "Network interface"),
    "microsoft.network/natgateways": ("InUseNatGatewayCannotBeDeleted", "NAT gateway"),
}


def check_dependents(store: Store, address: Address, arm_type: str) -> None:
    """Check that nothing needs the resource that is to be deleted.

    Raises:
        RefusedError: 409 for nested resources, 400 for references, in the words of Azure's network provider.
    """
    folded = arm_type.lower()
    if folded in _NESTED:
        _check_nested(store, address)
    if folded in _IN_USE:
        _check_references(store, address, folded)
    for each in inline_lists(arm_type):
        child_type = f"{folded}/{each.child.lower()}"
        if child_type in _IN_USE:
            for child in store.collection(address.key, child_type):
                _refuse_if_referenced(store, child.key, child.id, child_type, own=address.key)


def _check_nested(store: Store, address: Address) -> None:
    nested = [c.id.partition("/providers/")[2] for c in store.children(address.key) if _is_link(c)]
    if nested:
        names = "', '".join(nested[:10])
        raise RefusedError(
            409,
            "CannotDeleteResource",
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: "
            f"'{names}'. Please delete all nested resources before deleting this resource.",
        )


def _is_link(record: Record) -> bool:
    return record.type.lower().endswith("links")


def _check_references(store: Store, address: Address, folded: str) -> None:
    own = address.parent_id.lower() if folded.count("/") > 1 else address.key
    _refuse_if_referenced(store, address.key, address.id, folded, own=own)


def _refuse_if_referenced(store: Store, key: str, resource_id: str, folded: str, *, own: str) -> None:
    user = store.referrer(key, own)
    if user is None:
        return
    code, noun = _IN_USE[folded]
    raise RefusedError(
        400,
        code,
        f"{noun} {resource_id} is in use by {user.id} and cannot be deleted. In order to delete it, remove that "
        "reference or delete the resource that uses it.",
    )
