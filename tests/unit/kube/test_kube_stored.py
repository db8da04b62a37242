"""Specs as ASO stores them."""

from __future__ import annotations

import json

import pytest

from providers.kube.decode import Manager
from providers.kube.stored import as_written
from providers.kube.versions import spoken_version

GROUP = "storage.azure.com"


def test_a_spec_is_read_as_it_was_written() -> None:
    """The note of the version goes, members come back from their bags at any depth, what stands beside a bag wins."""
    stored = {
        "originalVersion": "v1api20230101",
        "$propertyBag": {"accessTier": '"Hot"', "kind": '"Other"'},
        "kind": "StorageV2",
        "rules": [{"$propertyBag": {"action": '{"type": "Allow"}'}, "name": "a"}],
    }

    read = json.loads(as_written(json.dumps(stored).encode()))

    assert read == {"accessTier": "Hot", "kind": "StorageV2", "rules": [{"action": {"type": "Allow"}, "name": "a"}]}


def test_other_specs_are_not_touched() -> None:
    """Where there is nothing of ASO's storage, the bytes stay what they are."""
    spec = b'{ "tags": {"a": "b"} }'

    assert as_written(spec) is spec


def applied(version: str, time: str) -> Manager:
    return Manager(manager="me", operation="Apply", api_version=f"{GROUP}/{version}", time=time)


ASO = Manager(manager="controller", operation="Update", api_version=f"{GROUP}/v20250601storage", time="2026-01-02")


@pytest.mark.parametrize(
    ("managers", "spoken"),
    [
        ([], "v20230101"),
        ([ASO], "v20230101"),
        ([applied("v20220901", "2026-01-01"), ASO], "v20230101"),
        ([applied("v20250601", "2026-01-03"), ASO], "v20250601"),
    ],
    ids=["noted", "written-by-aso", "applied-before", "applied-since"],
)
def test_the_version_an_object_speaks(managers: list[Manager], spoken: str) -> None:
    """What ASO noted counts until somebody applies the object anew."""
    assert spoken_version(managers, GROUP, b'{"originalVersion": "v20230101storage"}') == spoken


def test_without_a_note_the_applied_version_counts() -> None:
    """An object that ASO never stored speaks the version it was applied in."""
    assert spoken_version([applied("v20250601", "2026-01-03")], GROUP, b"{}") == "v20250601"
