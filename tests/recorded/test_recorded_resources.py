"""Every recorded type lives a life in the emulator: put, read, put again, listed, deleted."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.emulator.address import Place, parse_address
from providers.emulator.facts import supported_versions, type_facts
from providers.emulator.options import EmulatorOptions
from providers.emulator.scopes import implied
from tests.emulator_driver import Arm, Reply

pytestmark = pytest.mark.shared
ZERO = "00000000-0000-0000-0000-000000000000"
LOOKS = 4
VOLATILE = frozenset({"etag", "eTag", "systemData"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arm]:
    arm = Arm(EmulatorOptions(state=tmp_path_factory.mktemp("world")))
    yield arm
    arm.close()


def test_every_recorded_resource_lives_its_life(world: Arm, shared: Path) -> None:
    """A recorded body is accepted, settles, reads back the same after the same PUT, is listed, and can be deleted."""
    trouble = [f"{p['type']}@{p['api']}: {said}" for p in _pairs(shared, world) for said in _live(world, p)]

    assert trouble == []


def _pairs(shared: Path, world: Arm) -> Iterator[dict[str, Any]]:
    """Yield one recorded pair per type and api-version, moved to the emulator's subscription."""
    seen = set()
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rt") as lines:
        for line in lines:
            pair = json.loads(
                line.replace(ZERO, world.emulator.identity.subscription).replace('"recover"', '"default"')
            )
            kind = (pair["type"].lower(), pair["api"])
            if kind not in seen and isinstance(pair["actual"], dict) and "/quotas/" not in pair["id"]:
                seen.add(kind)
                yield pair


def _live(arm: Arm, pair: dict[str, Any]) -> Iterator[str]:
    resource, api, body = pair["id"], pair["api"], pair["desired"]
    address = parse_address(resource)
    _ensure(arm, address.parent_id)
    facts = type_facts(address.arm_type, api)
    made = arm.put(resource, body, api=api)
    if made.status >= 300:
        yield f"PUT {made.status} {made.body}"
        return
    if facts.operations is not None and facts.operations.is_head_only:
        return
    first = _settled(arm, resource, api)
    again = arm.put(resource, body, api=api)
    second = _settled(arm, resource, api)
    if again.status >= 300 or _lasting(first.body) != _lasting(second.body):
        yield f"the same PUT again: {again.status}, {_lasting(second.body)}"
    yield from _listed(arm, resource, api)
    yield from _deleted(arm, resource, api)


def _listed(arm: Arm, resource: str, api: str) -> Iterator[str]:
    address = parse_address(resource)
    facts = type_facts(address.arm_type, api)
    if address.place is Place.GROUP or facts.operations is None:
        return
    if any(e.scope in ("parent", "resourceGroup") for e in facts.operations.lists):
        reply = arm.get(resource.rpartition("/")[0], api=api)
        items = reply.body.get("value", [])
        if resource.lower() not in [i["id"].lower() for i in items]:
            yield f"not in its list: {reply.status} {reply.body}"


def _deleted(arm: Arm, resource: str, api: str) -> Iterator[str]:
    reply = arm.send("DELETE", resource, api=api, headers={"If-Match": "*"})
    if reply.status == 405:
        return
    after = [arm.get(resource, api=api).status for _ in range(LOOKS)][-1]
    comes_with_parent = parse_address(resource).arm_type.lower() in implied()
    if reply.status >= 300 or (after != 404 and not comes_with_parent):
        yield f"DELETE {reply.status}, then {after}"


def _settled(arm: Arm, resource: str, api: str) -> Reply:
    replies = [arm.get(resource, api=api) for _ in range(LOOKS)]
    return replies[-1]


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _lasting(v) for k, v in value.items() if k not in VOLATILE}
    return [_lasting(v) for v in value] if isinstance(value, list) else value


def _ensure(arm: Arm, resource: str) -> None:
    """Make what a resource lies in, as far as it is not there."""
    address = parse_address(resource)
    if not resource or address.place is Place.SUBSCRIPTION or arm.emulator._store.get(address.key):
        return
    _ensure(arm, address.parent_id)
    api = supported_versions(address.arm_type)[0]
    line = {"id": resource, "api": api, "desired": True, "body": {"location": "westus2", "properties": {}}}
    arm.control("POST", "bulk", json.dumps(line).encode())
