"""Deleted key vaults."""

from __future__ import annotations

import pytest

from tests.emulator_driver import Arm

API = "2023-07-01"


@pytest.fixture
def deleted(arm: Arm) -> str:
    """Return the id of a vault that was made and deleted."""
    vault = f"{arm.make_group()}/providers/Microsoft.KeyVault/vaults/kv1"
    arm.put(vault, body(arm, tags={"a": "1"}), api=API)
    arm.settle(vault, api=API)
    arm.settle_delete(vault, api=API)
    return vault


def body(arm: Arm, mode: str = "default", **members: object) -> dict[str, object]:
    properties = {
        "tenantId": arm.emulator.identity.tenant,
        "sku": {"family": "A", "name": "standard"},
        "createMode": mode,
    }
    return {"location": "westus2", "properties": properties, **members}


def test_deleted_vault_keeps_its_name(arm: Arm, deleted: str) -> None:
    """A new vault of a deleted one's name is refused, and the deleted one can be read."""
    refused = arm.put(deleted, body(arm), api=API)
    shown = arm.get(f"{arm.subscription}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/kv1", api=API)

    assert (refused.status, refused.code) == (409, "ConflictError")
    assert shown.body["properties"]["vaultId"] == deleted


def test_recover_brings_it_back_as_it_was(arm: Arm, deleted: str) -> None:
    """createMode recover restores the old vault and ignores the body."""
    recovered = arm.put(deleted, body(arm, "recover", tags={"b": "2"}), api=API)
    again = arm.put(f"{deleted}x", body(arm, "recover"), api=API)

    assert recovered.body["tags"] == {"a": "1"}
    assert (again.status, again.code) == (404, "DeletedVaultNotFound")


def test_purged_vault_frees_its_name(arm: Arm, deleted: str) -> None:
    """After a purge, which is an operation, the name can be used again."""
    place = f"{arm.subscription}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/kv1"

    purge = arm.send("POST", f"{place}/purge", api=API)
    while arm.get(purge.headers["Location"]).status == 202:
        pass

    assert purge.status == 202
    assert arm.get(place, api=API).code == "DeletedVaultNotFound"
    assert arm.put(deleted, body(arm), api=API).status == 200
