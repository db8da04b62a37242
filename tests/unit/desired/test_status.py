"""ARM answers as status."""

from __future__ import annotations

from engine.desired.status import convert_status
from schemas.kinds import lookup_kind


def test_members_come_from_their_place() -> None:
    """Members below properties come up, unknown ones and null are left out, values stay as Azure spells them."""
    kind = lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    assert kind is not None
    body = {
        "id": "/subscriptions/s",
        "sku": {"name": "standard_lrs"},
        "properties": {"accessTier": "HOT", "provisioningState": "Succeeded", "brandNew": 1},
        "tags": {"a": "b"},
        "zones": None,
    }

    assert convert_status(kind, body) == {
        "id": "/subscriptions/s",
        "sku": {"name": "standard_lrs"},
        "accessTier": "HOT",
        "provisioningState": "Succeeded",
        "tags": {"a": "b"},
    }


def test_variant_is_picked_by_its_discriminator() -> None:
    """A union's variant is the member its discriminator names, in any letter case."""
    kind = lookup_kind("eventgrid.azure.com", "v1api20200601", "EventSubscription")
    assert kind is not None
    body = {"properties": {"destination": {"endpointType": "webhook", "properties": {"maxEventsPerBatch": 3}}}}

    webhook = {"endpointType": "webhook", "maxEventsPerBatch": 3}
    assert convert_status(kind, body) == {"destination": {"webHook": webhook}}


def test_unexpected_types_are_kept() -> None:
    """An answer of another shape than the kind's is no error."""
    kind = lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    assert kind is not None

    status = convert_status(kind, {"sku": "text", "properties": [1], "tags": [], "location": 5})

    assert status == {"sku": "text", "tags": [], "location": 5}


def test_names_in_another_letter_case_count() -> None:
    """A member that Azure spells in another letter case is that member; one spelled exactly wins."""
    kind = lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    assert kind is not None

    status = convert_status(kind, {"Location": "west", "Properties": {"AccessTier": "Hot"}, "properties": {}})
    other = convert_status(kind, {"LOCATION": "west", "PROPERTIES": {"AccessTier": "Hot"}})

    assert status == {"location": "west"}
    assert other == {"location": "west", "accessTier": "Hot"}
