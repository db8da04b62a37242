"""Which version of an object counts."""

from __future__ import annotations

import itertools

import pytest

from providers.kube.decode import Manager
from providers.kube.versions import applied_version, newest, version_rank

GROUP = "storage.azure.com"
OLD_TO_NEW = (
    "v20260101preview",
    "v1api20210401",
    "v20210401",
    "v1api20230101",
    "v20250601",
)


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(OLD_TO_NEW)))
def test_versions_sort_by_date_with_previews_below_all_stable_ones(older: str, newer: str) -> None:
    """A stable version beats every preview, a later date an earlier one, the new spelling the legacy one."""
    assert version_rank(older) < version_rank(newer)


def test_newest_falls_back_to_previews() -> None:
    """A kind that has only previews is listed in its newest preview."""
    assert newest(["v1api20230315preview", "v20251002preview"]) == "v20251002preview"


def entry(version: str, time: str, *, manager: str = "me", operation: str = "Apply", subresource: str = "") -> Manager:
    return Manager(manager, operation, f"{GROUP}/{version}", f"2026-01-{time}T00:00:00Z", subresource)


@pytest.mark.parametrize(
    ("managers", "expected"),
    [
        pytest.param([], "", id="nobody"),
        pytest.param([entry("v2", "02"), entry("v1", "01")], "v2", id="newest-apply-wins"),
        pytest.param(
            [entry("v1", "01"), entry("v2", "02", manager="kubectl-patch", operation="Update")], "v1", id="patch-no"
        ),
        pytest.param([entry("v1", "01", manager="kubectl-edit", operation="Update")], "", id="edit-no"),
        pytest.param(
            [entry("v1", "01", manager="kubectl-client-side-apply", operation="Update")], "v1", id="client-side-apply"
        ),
        pytest.param([entry("v1", "01", manager="kubectl-create", operation="Update")], "v1", id="create"),
        pytest.param([entry("v1", "01"), entry("v2", "02", subresource="status")], "v1", id="status-no"),
        pytest.param([entry("v1", "01"), entry("v2storage", "02")], "v1", id="storage-no"),
    ],
)
def test_the_version_last_applied_counts(managers: list[Manager], expected: str) -> None:
    """Only applying and creating choose the version; patches, edits and status writers do not."""
    assert applied_version(managers, GROUP) == expected


def test_entries_of_another_group_do_not_count() -> None:
    """A version is one of the object's own group."""
    foreign = Manager("me", "Apply", "other.azure.com/v9", "2026-01-01T00:00:00Z", "")

    assert applied_version([foreign], GROUP) == ""
