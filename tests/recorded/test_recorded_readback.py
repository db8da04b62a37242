"""The emulator against recorded Azure traffic: it refuses nothing Azure took, and answers much as Azure did."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.emulator.address import parse_address
from providers.emulator.facts import type_facts
from providers.emulator.invent import Context
from providers.emulator.readback import clean_body, complete_body
from providers.emulator.validation import check_body

pytestmark = pytest.mark.shared
TENANT = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def pairs(shared: Path) -> list[dict[str, Any]]:
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz") as lines:
        return [pair for line in lines if isinstance((pair := json.loads(line))["actual"], dict)]


def test_every_recorded_body_is_accepted(pairs: list[dict[str, Any]]) -> None:
    """A body that Azure accepted passes the emulator's checks."""
    refused = []
    for pair in pairs:
        address = parse_address(pair["id"])
        try:
            check_body(address, type_facts(address.arm_type, pair["api"]), pair["desired"])
        except Exception as exc:
            refused.append(f"{pair['type']}@{pair['api']}: {exc}")

    assert refused == []


def test_what_was_sent_reads_back_as_recorded(pairs: list[dict[str, Any]]) -> None:
    """In at least 93 of 100 pairs every member that was sent reads back exactly as Azure answered it."""
    exact = sum(not list(_mismatches(_read_back(p), p["actual"], p["desired"])) for p in pairs)

    assert exact >= 0.93 * len(pairs)


def test_defaults_are_there_as_recorded(pairs: list[dict[str, Any]]) -> None:
    """Most members that Azure added are added: at least 80 of 100 leaves of the recorded answers exist.

    Etags, states and authors are stamped later and count as missing here.
    """
    wanted = have = 0
    for pair in pairs:
        paths = set(_paths(pair["actual"]))
        wanted += len(paths)
        have += len(paths & set(_paths(_read_back(pair))))

    assert have >= 0.8 * wanted


def _read_back(pair: dict[str, Any]) -> dict[str, Any]:
    address = parse_address(pair["id"])
    facts = type_facts(address.arm_type, pair["api"])
    context = Context(address, pair["id"], pair["desired"].get("location", "westus2"), TENANT, "2001-02-03T04:05:06Z")
    return complete_body(facts, clean_body(facts, pair["desired"]), context)


def _mismatches(made: Any, actual: Any, desired: Any) -> Iterator[str]:
    """Yield places of the desired body where the emulator's answer is not the recorded one; invented ids aside."""
    if isinstance(desired, dict) and desired and isinstance(made, dict) and isinstance(actual, dict):
        for key, value in desired.items():
            if "userAssignedIdentities" not in key and (value is not None or key == "tags"):
                yield from _mismatches(_member(made, key), _member(actual, key), value)
    elif isinstance(desired, list) and isinstance(made, list) and isinstance(actual, list) and len(made) == len(actual):
        for m, a, d in zip(made, actual, desired, strict=False):
            yield from _mismatches(m, a, d)
    elif made != actual and not (isinstance(desired, dict) and isinstance(made, dict)):
        yield str(desired)


def _member(value: dict[str, Any], key: str) -> Any:
    return next((v for k, v in value.items() if k.lower() == key.lower()), None)


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    else:
        yield path
