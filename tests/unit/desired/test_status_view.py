"""A status on its way back to the ARM body, and what it has no member for."""

from __future__ import annotations

import pytest

from engine.desired.status import convert_status
from engine.desired.status_view import StatusView, body_of_status
from engine.model.path import ByKey
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind


def kind_of(group: str, version: str, name: str) -> Kind:
    """Return a kind that is there."""
    kind = lookup_kind(group, version, name)
    assert kind is not None
    return kind


STORAGE = kind_of("storage.azure.com", "v1api20230101", "StorageAccount")
EVENTS = kind_of("eventgrid.azure.com", "v1api20200601", "EventSubscription")


def test_members_go_back_to_their_place() -> None:
    """What a status shows of a body is that part of it; conditions and what it has no member for are left out."""
    body = {"location": "west", "properties": {"accessTier": "Hot", "brandNew": 1}, "tags": {"a": "b"}}

    shown = StatusView(STORAGE).project(body)

    assert shown == {"location": "west", "properties": {"accessTier": "Hot"}, "tags": {"a": "b"}}
    assert body_of_status(STORAGE, {**convert_status(STORAGE, body), "conditions": [{"type": "Ready"}]}) == shown


def test_variants_go_back_into_the_object() -> None:
    """The member that holds a union's variant is the object itself."""
    body = {"properties": {"destination": {"endpointType": "WebHook", "properties": {"maxEventsPerBatch": 3}}}}

    assert StatusView(EVENTS).project(body) == body


@pytest.mark.parametrize(
    ("place", "is_shown"),
    [
        (("properties",), True),
        (("properties", "accessTier"), True),
        (("Properties", "AccessTier"), True),
        (("properties", "brandNew"), False),
        (("properties", "accessTier", "deeper"), False),
        (("tags", "anything"), True),
        (("properties", "networkAcls", "ipRules", ByKey(0, "value", "1.2.3.4"), "action"), True),
        (("properties", "networkAcls", "ipRules", 0), True),
        (("conditions",), False),
    ],
)
def test_places_of_the_status_type(place: tuple[str, ...], is_shown: bool) -> None:
    """A place is shown when the status type has a member for it, or for something below it."""
    assert StatusView(STORAGE).shows(place) is is_shown


def test_every_variant_counts() -> None:
    """A place of any of a union's variants is shown: Azure may have changed which one it is."""
    view = StatusView(EVENTS)

    assert view.shows(("properties", "destination", "endpointType"))
    assert view.shows(("properties", "destination", "properties", "maxEventsPerBatch"))
    assert not view.shows(("properties", "destination", "properties", "nothing"))
