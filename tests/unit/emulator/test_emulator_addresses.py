"""What a path names."""

from __future__ import annotations

import pytest

from providers.emulator.address import Place, parse_address

SUBSCRIPTION = "/subscriptions/s"
GROUP = f"{SUBSCRIPTION}/resourceGroups/g"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/subscriptions", Place.SUBSCRIPTIONS),
        ("/tenants", Place.TENANTS),
        (SUBSCRIPTION, Place.SUBSCRIPTION),
        (f"{SUBSCRIPTION}/locations", Place.LOCATIONS),
        (f"{SUBSCRIPTION}/providers", Place.PROVIDERS),
        (f"{SUBSCRIPTION}/providers/Microsoft.Cache", Place.PROVIDER),
        (f"{SUBSCRIPTION}/providers/Microsoft.Cache/register", Place.PROVIDER_ACTION),
        (f"{SUBSCRIPTION}/RESOURCEGROUPS/", Place.GROUPS),
        (GROUP, Place.GROUP),
        (f"{GROUP}/resources", Place.RESOURCES),
        (NETWORK, Place.RESOURCE),
        (f"{NETWORK}/subnets", Place.COLLECTION),
        (f"{NETWORK}/subnets/a", Place.RESOURCE),
        ("/providers/Microsoft.Subscription/aliases/a", Place.RESOURCE),
        (f"{SUBSCRIPTION}/nothing", Place.UNKNOWN),
        ("/", Place.UNKNOWN),
    ],
)
def test_place(path: str, place: Place) -> None:
    """Each form of path names one kind of thing, in any letter case."""
    assert parse_address(path).place is place


@pytest.mark.parametrize(
    ("path", "parent", "arm_type"),
    [
        (GROUP, SUBSCRIPTION, "Microsoft.Resources/resourceGroups"),
        (NETWORK, GROUP, "Microsoft.Network/virtualNetworks"),
        (f"{NETWORK}/subnets/a", NETWORK, "Microsoft.Network/virtualNetworks/subnets"),
        (f"{NETWORK}/subnets", NETWORK, "Microsoft.Network/virtualNetworks/subnets"),
        (
            f"{NETWORK}/providers/Microsoft.Authorization/locks/l",
            NETWORK,
            "Microsoft.Authorization/locks",
        ),
        ("/providers/Microsoft.Subscription/aliases/a", "", "Microsoft.Subscription/aliases"),
    ],
)
def test_parent_and_type(path: str, parent: str, arm_type: str) -> None:
    """The parent of an extension resource is its target, of a resource its group."""
    address = parse_address(path)

    assert (address.parent_id, address.arm_type) == (parent, arm_type)


def test_names_are_decoded() -> None:
    """Percent-encoded names are names."""
    assert parse_address(f"{NETWORK}/subnets/a%20b").name == "a b"
