"""Places in the spec and places in the ARM body."""

from __future__ import annotations

import pytest

from engine.desired.places import body_path_of, spec_path_of
from engine.model.path import ByKey, FieldPath
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind


def _kind(name: str, group: str, version: str) -> Kind:
    kind = lookup_kind(f"{group}.azure.com", version, name)
    assert kind is not None
    return kind


ACCOUNT = _kind("StorageAccount", "storage", "v1api20230101")
SUBSCRIPTION = _kind("EventSubscription", "eventgrid", "v1api20200601")
NETWORK = _kind("VirtualNetwork", "network", "v1api20201101")


@pytest.mark.parametrize(
    ("kind", "spec", "body"),
    [
        (ACCOUNT, "/spec/accessTier", "/properties/accessTier"),
        (ACCOUNT, "/spec/sku/name", "/sku/name"),
        (ACCOUNT, "/spec/tags/a~1b", "/tags/a~1b"),
        (ACCOUNT, "/spec/identity/userAssignedIdentities/0/reference", "/identity/userAssignedIdentities"),
        (NETWORK, "/spec/addressSpace/addressPrefixes/1", "/properties/addressSpace/addressPrefixes/1"),
        (
            SUBSCRIPTION,
            "/spec/destination/webHook/maxEventsPerBatch",
            "/properties/destination/properties/maxEventsPerBatch",
        ),
    ],
)
def test_from_spec_to_body(kind: Kind, spec: str, body: str) -> None:
    """A place in the spec has its place in the body, hoisted variants and id maps included."""
    assert body_path_of(kind, FieldPath.parse_pointer(spec)) == FieldPath.parse_pointer(body)


@pytest.mark.parametrize("spec", ["/spec/owner/name", "/spec/operatorSpec/secrets", "/spec/none"])
def test_what_is_not_sent_has_no_place(spec: str) -> None:
    """Members that are not sent, and unknown ones, have no place in the body."""
    assert body_path_of(ACCOUNT, FieldPath.parse_pointer(spec)) is None


@pytest.mark.parametrize(
    ("kind", "body", "spec"),
    [
        (ACCOUNT, ("properties", "accessTier"), "/spec/accessTier"),
        (ACCOUNT, ("PROPERTIES", "AccessTier"), "/spec/accessTier"),
        (ACCOUNT, ("properties",), "/spec"),
        (ACCOUNT, ("tags", "x"), "/spec/tags/x"),
        (ACCOUNT, ("identity", "userAssignedIdentities", "/subscriptions/s"), "/spec/identity/userAssignedIdentities"),
        (NETWORK, ("properties", "addressSpace", "addressPrefixes", 1), "/spec/addressSpace/addressPrefixes/1"),
        (
            NETWORK,
            ("properties", "addressSpace", "addressPrefixes", ByKey(2, "x", "y")),
            "/spec/addressSpace/addressPrefixes/2",
        ),
    ],
)
def test_from_body_to_spec(kind: Kind, body: tuple[str | int | ByKey, ...], spec: str) -> None:
    """A place in the body has its place in the object, whatever its letter case."""
    found = spec_path_of(kind, {}, FieldPath(body))

    assert found is not None
    assert found.pointer == spec


@pytest.mark.parametrize(
    "body", [("properties", "provisioningState"), ("etag",), ("properties", "destination", "none")]
)
def test_what_the_spec_cannot_say(body: tuple[str, ...]) -> None:
    """A place that the spec has no member for has no place in the object."""
    assert spec_path_of(SUBSCRIPTION, {}, FieldPath(body)) is None


def test_variant_that_is_set_decides() -> None:
    """A place inside a union belongs to the variant that the spec has."""
    path = FieldPath(("properties", "destination", "properties", "maxEventsPerBatch"))

    for variant in ("azureFunction", "webHook"):
        found = spec_path_of(SUBSCRIPTION, {"destination": {variant: {"maxEventsPerBatch": 1}}}, path)
        assert found == FieldPath(("spec", "destination", variant, "maxEventsPerBatch"))


def test_alternative_that_is_set_decides() -> None:
    """A place that two members speak of belongs to the one that the spec has."""
    role = _kind("RoleAssignment", "authorization", "v1api20220401")
    path = FieldPath(("properties", "principalId"))

    assert spec_path_of(role, {"principalIdFromConfig": {}}, path) == FieldPath(("spec", "principalIdFromConfig"))
    assert spec_path_of(role, {"principalId": "p"}, path) == FieldPath(("spec", "principalId"))
