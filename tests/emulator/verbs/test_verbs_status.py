"""The status of an object as memory, where nothing else is remembered."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.verbs_desk import STORAGE_API, Desk, account, group

pytestmark = pytest.mark.loopback

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def put_in_azure(desk: Desk, tier: str) -> None:
    """Let Azure hold an account whose tier is not what was sent, and nobody remember it."""
    desk.write(group(desk.name), account("app", desk.name))
    desk.apply()
    shutil.rmtree(desk.state)
    set_tier(desk, tier)


def set_tier(desk: Desk, tier: str) -> None:
    """Let Azure hold another tier."""
    account_id = desk.id_of("account", "app")
    properties = desk.azure.get(account_id)["properties"]
    desk.azure.rewrite(account_id, api=STORAGE_API, properties={**properties, "accessTier": tier})


def dump(desk: Desk, *, tier: str, annotations: dict[str, str] | None = None, where: str = "", **spec: Any) -> None:
    """Write what ``kubectl get -o yaml`` shows of an account that ASO left with a tier, its spec edited since."""
    found = account("app", desk.name)
    applied = {LAST_APPLIED: json.dumps(found)}
    condition = {"type": "Ready", "status": "True", "observedGeneration": 2, "reason": "Succeeded"}
    found["metadata"] |= {"generation": 2, "annotations": {**applied, **(annotations or {})}}
    found["status"] = {"id": where or desk.id_of("account", "app"), "accessTier": tier, "conditions": [condition]}
    desk.write(group(desk.name), {**found, "spec": {**found["spec"], **spec}})


def tier_change(desk: Desk) -> list[str]:
    """Return who is said to have moved the tier, for each change of it."""
    return [c["origin"] for c in desk.plan().step("app")["changes"] if c["path"] == "/properties/accessTier"]


def test_what_aso_left_is_no_change(desk: Desk) -> None:
    """A value that Azure held right after ASO's write is a known difference on the very first read."""
    put_in_azure(desk, "Cool")
    without = tier_change(desk)
    dump(desk, tier="Cool")

    assert without == ["unknown"]
    assert desk.plan().actions["app"] == "noop"


def test_what_moved_since_is_drift(desk: Desk) -> None:
    """A value that Azure does not hold any more is drift on the very first read."""
    put_in_azure(desk, "Cool")
    dump(desk, tier="Hot")

    assert tier_change(desk) == ["drift"]


def test_a_skipped_object_remembers_nothing(desk: Desk) -> None:
    """Under the policy skip Ready says nothing about a write: the first read says what differs."""
    put_in_azure(desk, "Cool")
    dump(desk, tier="Cool", annotations={"serviceoperator.azure.com/reconcile-policy": "skip"})

    assert tier_change(desk) == ["unknown"]


def test_an_edited_dump_is_not_hidden(desk: Desk) -> None:
    """The edit of a file that carries an old status is a change, though status and Azure agree."""
    put_in_azure(desk, "Hot")
    dump(desk, tier="Hot", accessTier="Cool")

    assert tier_change(desk) == ["unknown"]


def test_own_memory_comes_first(desk: Desk) -> None:
    """What our own last write left behind counts more than the status."""
    put_in_azure(desk, "Hot")
    desk.apply()
    set_tier(desk, "Cool")
    dump(desk, tier="Cool")

    assert tier_change(desk) == ["drift"]


def test_a_status_of_another_resource_remembers_nothing(desk: Desk) -> None:
    """A dump of an object that stood for something else, in another subscription say, is no memory."""
    put_in_azure(desk, "Cool")
    dump(desk, tier="Cool", where=desk.id_of("account", "app").replace(desk.name, "elsewhere"))

    assert tier_change(desk) == ["unknown"]


def test_what_is_gone_was_deleted(desk: Desk) -> None:
    """A resource that the status shows and Azure does not was deleted since; without a status it never was there."""
    put_in_azure(desk, "Hot")
    desk.azure.edit("DELETE", desk.id_of("account", "app"))

    without = desk.plan().step("app")
    dump(desk, tier="Hot")
    found = desk.plan().step("app")

    assert (without["action"], without["reason"]) == ("create", "Missing")
    assert (found["action"], found["reason"]) == ("create", "Drifted")
