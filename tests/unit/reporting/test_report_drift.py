"""What a drift report selects from a plan, and how its last line counts it."""

from __future__ import annotations

import pytest

from engine.model.change import ChangeOrigin, DiffState
from engine.model.document import ABSENT
from engine.model.plan import Action, Reason
from engine.model.policy import DriftPolicy, ObjectPolicy
from engine.reporting.drift import as_moved, drift_line, drift_report
from engine.reporting.text_results import render_drift
from tests.builders import (
    build_change,
    build_desired,
    build_diff,
    build_plan,
    build_step,
)


def test_drift_reads_from_the_last_apply_to_now() -> None:
    """A change that would mend is turned into the move that happened."""
    edited = as_moved(build_change(before="now", after="wanted", baseline="left", origin=ChangeOrigin.DRIFT))
    added = as_moved(build_change(before="now", after=ABSENT, origin=ChangeOrigin.DRIFT))
    removed = as_moved(build_change(before=ABSENT, after="wanted", origin=ChangeOrigin.DRIFT))

    assert (edited.before, edited.after, edited.kind) == ("left", "now", "change")
    assert (added.before, added.after, added.kind) == (ABSENT, "now", "add")
    assert (removed.before, removed.after, removed.kind) == ("wanted", ABSENT, "remove")


def test_drift_leaves_out_what_the_manifest_changed() -> None:
    """What only the user moved is no drift; it is counted as pending."""
    pending = build_step(Action.UPDATE, changes=(build_change(),))
    mixed = build_step(
        Action.UPDATE,
        "default/StorageAccount/b",
        changes=(build_change("/a"), build_change("/b", origin=ChangeOrigin.DRIFT)),
    )

    report = drift_report(build_plan([pending, mixed]))

    assert [c.path.pointer for row in report.drifted for c in row.changes] == ["/b"]
    assert drift_line(report) == "Drift: 2 checked, 1 drifted, 1 changed in the manifests only."


def test_what_was_never_there_is_no_drift_but_is_counted() -> None:
    """Resources that no apply made and Azure does not have are counted beside what did not drift."""
    report = drift_report(build_plan([build_step(Action.CREATE)]))

    assert drift_line(report) == "No drift. 1 resource checked; 1 not in Azure yet."


def test_deleted_in_azure_is_drift() -> None:
    """A resource that would be created again because Azure lost it is reported as deleted."""
    step = build_step(Action.CREATE, reason=Reason.DRIFTED, diff=build_diff(state=DiffState.DRIFTED))

    assert "deleted in Azure" in render_drift(build_plan([step]))


@pytest.mark.parametrize("action", [Action.CREATE, Action.WAIT, Action.SKIP])
def test_deleted_in_azure_is_drift_whatever_follows(action: Action) -> None:
    """A lost resource is reported also where a policy or a wait keeps apply from making it again."""
    step = build_step(action, diff=build_diff(state=DiffState.DRIFTED))

    assert [row.gone for row in drift_report(build_plan([step])).drifted] == [True]


@pytest.mark.parametrize("action", [Action.DELETE, Action.FORGET])
def test_what_is_to_go_cannot_drift(action: Action) -> None:
    """Differences of a resource that is being deleted or released are nobody's drift."""
    step = build_step(action, changes=(build_change(origin=ChangeOrigin.DRIFT),))

    assert drift_line(drift_report(build_plan([step]))).startswith("No drift. 1 resource checked")


def test_ignored_drift_raises_no_alarm() -> None:
    """An object whose drift policy is ignore is left out of the drift report."""
    desired = build_desired(policy=ObjectPolicy(drift=DriftPolicy.IGNORE))
    step = build_step(Action.SKIP, changes=(build_change(origin=ChangeOrigin.DRIFT),), desired=desired)

    assert drift_line(drift_report(build_plan([step]))) == "No drift. 1 resource checked, 1 ignored."


def test_no_drift() -> None:
    """A clean drift report is one sentence, and tells what is still to be applied."""
    assert (
        render_drift(build_plan([build_step(Action.NOOP, f"default/StorageAccount/s{n}") for n in range(3)]))
        == "No drift. 3 resources checked.\n"
    )
    assert drift_line(drift_report(build_plan([build_step(Action.UPDATE, changes=(build_change(),))]))) == (
        "No drift. 1 resource checked; 1 changed in the manifests, not yet applied."
    )


def test_unreadable_is_not_free_of_drift() -> None:
    """What could not be read is never reported as free of drift."""
    assert "No drift" not in render_drift(build_plan([build_step(Action.UNREADABLE)]))
