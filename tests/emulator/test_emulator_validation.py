"""What ARM refuses, in its words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator_driver import NETWORK, STORAGE, Arm

GOOD = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


DENY = {"defaultAction": "Deny"}


def with_rules(rules: Any) -> dict[str, Any]:
    return {**GOOD, "properties": {"networkAcls": rules}}


@pytest.fixture
def account(arm: Arm) -> str:
    return f"{arm.make_group()}/providers/Microsoft.Storage/storageAccounts/account1"


@pytest.mark.parametrize(
    ("body", "code", "target"),
    [
        ({k: v for k, v in GOOD.items() if k != "location"}, "LocationRequired", None),
        ({k: v for k, v in GOOD.items() if k != "sku"}, "MissingRequiredParameter", "sku"),
        ({**GOOD, "sku": {}}, "MissingRequiredParameter", "sku.name"),
        ({**GOOD, "sku": "Standard_LRS"}, "InvalidRequestContent", "sku"),
        ({**GOOD, "properties": {"isHnsEnabled": "yes"}}, "InvalidRequestContent", "properties.isHnsEnabled"),
        ({**GOOD, "properties": {"accessTier": "Lukewarm"}}, "InvalidParameterValue", "properties.accessTier"),
        (with_rules({}), "MissingRequiredParameter", "properties.networkAcls.defaultAction"),
        (with_rules({**DENY, "ipRules": "x"}), "InvalidRequestContent", "properties.networkAcls.ipRules"),
        (with_rules({**DENY, "ipRules": [7]}), "InvalidRequestContent", "properties.networkAcls.ipRules[0]"),
        ({**GOOD, "tags": {"a": 1}}, "InvalidTags", "tags"),
        ({**GOOD, "name": "other"}, "InvalidRequestContent", "name"),
        ({**GOOD, "id": "/subscriptions/x/resourceGroups/y"}, "LinkedInvalidPropertyId", "id"),
    ],
)
def test_body_that_does_not_fit_is_refused(arm: Arm, account: str, body: Any, code: str, target: str | None) -> None:
    """A 400 has the code of the first problem and the member it is about; nothing is stored."""
    reply = arm.put(account, body, api=STORAGE)

    assert (reply.status, reply.code, reply.body["error"].get("target")) == (400, code, target)
    assert arm.get(account, api=STORAGE).status == 404


def test_closed_enum_is_taken_in_any_letter_case(arm: Arm, account: str) -> None:
    """Services compare enum values without letter case."""
    reply = arm.put(account, {**GOOD, "properties": {"accessTier": "cool"}}, api=STORAGE)

    assert reply.status == 202


def test_all_problems_are_details(arm: Arm, account: str) -> None:
    """Every problem is listed under details."""
    reply = arm.put(account, {"location": "westus2", "sku": {}}, api=STORAGE)

    assert [d["target"] for d in reply.body["error"]["details"]] == ["sku.name", "kind"]


@pytest.mark.parametrize("raw", [b"{", b"[]", b"", b'{"a":NaN}', b"\xff", b'{"a":' * 200 + b"1" + b"}" * 200], ids=str)
def test_what_is_no_json_object_is_refused(arm: Arm, account: str, raw: bytes) -> None:
    """A body that cannot be read, or is nested without end, is InvalidRequestContent."""
    reply = arm.send("PUT", account, raw, api=STORAGE)

    assert (reply.status, reply.code) == (400, "InvalidRequestContent")


def test_api_version_is_checked(arm: Arm, account: str) -> None:
    """Missing, malformed and unknown api-versions are three refusals; the last lists what is supported."""
    missing = arm.get(account, api="")
    malformed = arm.get(account, api="latest")
    unknown = arm.get(account, api="2099-01-01")
    own = arm.get(f"{arm.subscription}/resourceGroups", api="2099-01-01")

    assert (missing.status, missing.code) == (400, "MissingApiVersionParameter")
    assert (malformed.status, malformed.code) == (400, "InvalidApiVersionParameter")
    assert (unknown.status, unknown.code) == (400, "NoRegisteredProviderFound")
    assert "2023-01-01" in unknown.body["error"]["message"]
    assert (own.status, own.code) == (400, "InvalidApiVersionParameter")


def test_unknown_types_and_namespaces_are_refused(arm: Arm) -> None:
    """An unknown type and an unknown namespace have codes of their own."""
    group = arm.make_group()

    kind = arm.get(f"{group}/providers/Microsoft.Storage/storageAccountz/a", api=STORAGE)
    namespace = arm.get(f"{group}/providers/Contoso.Nothing/things/a", api=STORAGE)

    assert (kind.status, kind.code) == (404, "InvalidResourceType")
    assert (namespace.status, namespace.code) == (404, "InvalidResourceNamespace")


def test_tags_have_limits(arm: Arm) -> None:
    """More than 50 tags and values over 256 characters are refused."""
    group = f"{arm.subscription}/resourceGroups/rg"

    many = arm.put(group, {"location": "westus2", "tags": {str(i): "" for i in range(51)}})
    long = arm.put(group, {"location": "westus2", "tags": {"a": "x" * 257}})

    assert many.status == long.status == 400


def test_locks_forbid(arm: Arm) -> None:
    """CanNotDelete stops deletes below it, ReadOnly writes too; without the lock both work."""
    group = arm.make_group()
    network = arm.make_network(group)
    lock = f"{group}/providers/Microsoft.Authorization/locks/keep"

    arm.put(lock, {"properties": {"level": "CanNotDelete"}}, api="2020-05-01")
    inside = arm.delete(network, api=NETWORK)
    whole = arm.delete(group)
    arm.put(lock, {"properties": {"level": "ReadOnly"}}, api="2020-05-01")
    write = arm.put(group, {"location": "westus2"})
    arm.delete(lock, api="2020-05-01")

    assert (inside.status, inside.code) == (409, "ScopeLocked")
    assert (whole.status, whole.code) == (409, "ScopeLocked")
    assert (write.status, write.code) == (409, "ScopeLocked")
    assert arm.delete(network, api=NETWORK).status == 202


def test_what_is_in_use_cannot_be_deleted(arm: Arm) -> None:
    """A subnet that an interface refers to cannot go, nor can its network; a zone with links neither."""
    group = arm.make_group()
    network = arm.make_network(group, subnets=("a",))
    interface = f"{group}/providers/Microsoft.Network/networkInterfaces/nic"
    configuration = {"name": "ip", "properties": {"subnet": {"id": f"{network}/subnets/a"}}}
    arm.put(interface, {"location": "westus2", "properties": {"ipConfigurations": [configuration]}}, api=NETWORK)
    zone = f"{group}/providers/Microsoft.Network/privateDnsZones/a.example"
    arm.put(zone, {"location": "global"}, api="2020-06-01")
    link = {"location": "global", "properties": {"virtualNetwork": {"id": network}, "registrationEnabled": False}}
    arm.put(f"{zone}/virtualNetworkLinks/l", link, api="2020-06-01")

    subnet = arm.delete(f"{network}/subnets/a", api=NETWORK)
    parent = arm.delete(network, api=NETWORK)
    linked = arm.delete(zone, api="2020-06-01")

    assert (subnet.status, subnet.code) == (400, "InUseSubnetCannotBeDeleted")
    assert (parent.status, parent.code) == (400, "InUseSubnetCannotBeDeleted")
    assert (linked.status, linked.code) == (409, "CannotDeleteResource")
