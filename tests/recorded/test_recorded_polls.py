"""Roles against recorded traffic: each write that Azure took, and each poll of its operation, is allowed."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.rights.needs import Mode, Subject, list_needs
from engine.rights.role import role_definition
from providers.emulator.address import parse_address
from providers.emulator.authorization import required_action

pytestmark = pytest.mark.shared


@cache
def allowed(arm_type: str) -> tuple[str, ...]:
    """Return what the role for one type allows, in lower case."""
    needs = list_needs([Subject(arm_type=arm_type)], Mode.MANAGE, registers=False)
    return tuple(action.lower() for action in role_definition("", "", needs, ())["Actions"])


def writes(shared: Path) -> Iterator[Any]:
    """Yield recorded writes of types that were taken."""
    with lzma.open(shared / "corpus" / "lro.jsonl.xz") as lines:
        for line in lines:
            row = orjson.loads(line)
            if row["code"] < 300 and row["type"] and row["method"] in ("PUT", "DELETE"):
                yield row


def test_roles_allow_what_was_recorded(shared: Path) -> None:
    """The smallest role of a type is enough for its writes and for every address that Azure gave to poll."""
    seen, missing = 0, set()
    for row in writes(shared):
        requests = [(row["method"], str(row["id"]))]
        if row["poll_path"] and row["poll_path"].startswith("/"):
            requests.append(("GET", str(row["poll_path"]).replace("{id}", "x")))
        for method, path in requests:
            action, _ = required_action(method, parse_address(path))
            seen += 1
            if not any(fnmatchcase(action.lower(), pattern) for pattern in allowed(row["type"].lower())):
                missing.add((row["type"], action, path))

    assert seen > 4_000
    assert missing == set()
