"""The condition Drifted: there once something drifted, rewritten only when it says something else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from engine.drift.condition import drifted_of_step, not_drifted, put_drifted
from engine.model.policy import DriftPolicy, ObjectPolicy
from tests.builders import build_desired, build_step
from tests.drift_cases import NOON, drifted, missing, moved

THEIRS = {"type": "Synced", "status": "True"}


def test_drift_is_told_beside_what_others_say() -> None:
    """Conditions of others stay; the places that moved are in the message."""
    said = drifted_of_step(drifted("app", moved("/tags/a"), moved("/sku/name")), 3)

    others: tuple[Any, ...] = put_drifted((THEIRS,), said, NOON)

    assert others == (
        THEIRS,
        {
            "type": "Drifted",
            "status": "True",
            "severity": "Warning",
            "lastTransitionTime": "2026-11-23T12:00:00Z",
            "observedGeneration": 3,
            "reason": "DriftDetected",
            "message": "Azure was changed at tags.a, sku.name",
        },
    )


def test_an_object_that_never_drifted_has_no_such_condition() -> None:
    """In steady state there is nothing to write."""
    before = (THEIRS,)

    assert put_drifted(before, drifted_of_step(build_step(), 1), NOON) is before


def test_the_same_again_is_not_written() -> None:
    """Neither time nor generation alone is news; more places are, and keep the time of the transition."""
    first = put_drifted((), drifted_of_step(drifted(), 1), NOON)
    later = NOON + timedelta(hours=1)

    again = put_drifted(first, drifted_of_step(drifted(), 2), later)
    more = put_drifted(first, drifted_of_step(drifted("app", moved(), moved("/tags/a")), 1), later)

    assert again is first
    assert more[0]["message"].endswith("minimumTlsVersion, tags.a")
    assert more[0]["lastTransitionTime"] == "2026-11-23T12:00:00Z"


def test_the_end_of_drift_is_a_transition() -> None:
    """After the correction the condition is False, since then."""
    first = put_drifted((), drifted_of_step(missing(), 1), NOON)

    (ended,) = put_drifted(first, not_drifted(1), NOON + timedelta(hours=1))

    assert first[0]["message"] == "It was deleted in Azure"
    assert (ended["status"], ended["reason"], ended["lastTransitionTime"]) == (
        "False",
        "InSync",
        "2026-11-23T13:00:00Z",
    )


def test_ignored_drift_is_not_told() -> None:
    """Who wants no alarm has no condition either."""
    step = drifted("app", desired=build_desired(policy=ObjectPolicy(drift=DriftPolicy.IGNORE)))

    assert put_drifted((), drifted_of_step(step, 1), NOON) == ()
