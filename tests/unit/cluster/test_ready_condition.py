"""The Ready condition: which of two may replace the other, and what decisions and results say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.cluster import condition as ready
from engine.cluster.condition import Condition, choose_condition, other_conditions, read_condition
from engine.cluster.verdict import condition_of_result, condition_of_step
from engine.model.plan import Action, Reason
from engine.model.result import Outcome, StepResult
from engine.model.state import Wait
from tests.builders import build_key, build_step

THEN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
NOW = THEN + timedelta(seconds=90, microseconds=7)


def at(condition: Condition) -> Condition:
    return replace(condition, since=THEN)


def test_a_first_condition_is_written_with_whole_seconds() -> None:
    """Without a condition on the object any is taken, stamped with the second it was set in."""
    chosen = choose_condition(None, ready.reconciling(1), NOW)

    assert chosen == replace(ready.reconciling(1), since=NOW.replace(microsecond=0))


def test_the_same_news_keeps_its_time() -> None:
    """A condition that says what stands there already is the old one, so that nothing is written."""
    old = at(ready.succeeded(3))

    assert choose_condition(old, ready.succeeded(3), NOW) is old


@pytest.mark.parametrize(
    ("old", "new", "wins"),
    [
        (ready.succeeded(1), ready.reconciling(1), False),
        (ready.warning("Conflict", "busy", 1), ready.reconciling(1), False),
        (ready.error("InvalidTemplate", "no", 1), ready.reconciling(1), False),
        (ready.reconciling(1), ready.succeeded(1), True),
        (ready.succeeded(1), ready.warning("Conflict", "busy", 1), True),
        (ready.warning("Conflict", "busy", 1), ready.succeeded(1), True),
        (ready.succeeded(1), ready.reconciling(2), True),
        (ready.succeeded(2), ready.warning("Conflict", "busy", 1), False),
    ],
)
def test_news_of_work_under_way_never_replaces_a_result_of_its_generation(
    old: Condition, new: Condition, wins: bool
) -> None:
    """A newer generation wins, an older one never; within one, what is under way does not hide how it went."""
    chosen = choose_condition(at(old), new, NOW)

    assert replace(chosen, since=None) == (new if wins else old)


@pytest.mark.parametrize(("reason", "wins"), [("WaitingForOwner", True), ("SecretNotFound", True), ("Conflict", False)])
def test_a_request_about_to_be_sent_replaces_a_wait(reason: str, wins: bool) -> None:
    """Once what an object waited for is there, it says that work goes on; a problem of Azure's stays to be seen."""
    chosen = choose_condition(at(ready.warning(reason, "x", 1)), ready.reconciling(1), NOW, begins=True)

    assert (chosen.reason == "Reconciling") is wins


def test_conditions_survive_the_wire() -> None:
    """What is written is read back as it was; empty members are left out, as ASO leaves them out."""
    written = replace(ready.warning("Conflict", "busy", 4), since=THEN)

    assert read_condition([{"type": "Synced"}, written.to_wire()]) == written
    assert replace(ready.succeeded(4), since=THEN).to_wire() == {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
        "observedGeneration": 4,
        "reason": "Succeeded",
    }


@pytest.mark.parametrize("conditions", [None, "x", [None, 7], [{"type": "Other"}], {}])
def test_odd_conditions_are_none(conditions: object) -> None:
    """What somebody else left in the place of conditions never stops anything."""
    assert read_condition(conditions) is None


def test_conditions_of_others_are_kept() -> None:
    """Only Ready is ours."""
    other = {"type": "Synced", "status": "True"}

    assert other_conditions([other, {"type": "Ready", "status": "False"}]) == (other,)


def test_a_wait_for_the_owner_says_what_aso_says() -> None:
    """Alerting rules that match ASO's sentence go on working."""
    owner = build_key("default/ResourceGroup/rg", group="resources.azure.com")
    step = build_step(action=Action.WAIT, reason=Reason.WAITING_FOR_OWNER, waits=(Wait(text="known later", on=owner),))

    said = condition_of_step(step, 2, is_there=False)

    assert said == ready.warning(
        "WaitingForOwner",
        'Owner "rg, Group/Kind: resources.azure.com/ResourceGroup" cannot be found. '
        "Progress is blocked until the owner is created.",
        2,
    )


@pytest.mark.parametrize(
    ("action", "reason", "is_there", "expected"),
    [
        (Action.NOOP, Reason.IN_SYNC, True, "Succeeded"),
        (Action.CREATE, Reason.MISSING, False, "Reconciling"),
        (Action.UPDATE, Reason.SPEC_CHANGED, True, "Reconciling"),
        (Action.DELETE, Reason.OBJECT_DELETED, True, "Deleting"),
        (Action.SKIP, Reason.POLICY_SKIP, True, "Succeeded"),
        (Action.SKIP, Reason.POLICY_SKIP, False, "AzureResourceNotFound"),
        (Action.BLOCKED, Reason.GUARDED, True, "ReconciliationBlocked"),
        (Action.UNREADABLE, Reason.UNREADABLE, False, "UnknownError"),
        (Action.WAIT, Reason.WAITING_FOR_REFERENCE, False, "ReferenceNotFound"),
        (Action.WAIT, Reason.WAITING_FOR_INPUT, False, "ConfigMapNotFound"),
        (Action.WAIT, Reason.NOT_SETTLED, True, "ReconciliationBlocked"),
    ],
)
def test_decisions_have_the_reasons_users_know(action: Action, reason: Reason, is_there: bool, expected: str) -> None:
    """Each decision of a plan is one of ASO's reasons."""
    said = condition_of_step(build_step(action=action, reason=reason), 1, is_there=is_there)

    assert said is not None
    assert said.reason == expected


def test_a_missing_secret_is_named_as_such() -> None:
    """A wait for a Secret is told apart from one for a ConfigMap."""
    step = build_step(
        action=Action.WAIT, reason=Reason.WAITING_FOR_INPUT, waits=(Wait(text="no key", secret_only=True),)
    )

    said = condition_of_step(step, 1, is_there=False)

    assert said is not None
    assert said.reason == "SecretNotFound"


def test_a_failure_carries_its_cause() -> None:
    """A refused write is a warning with the reason and the words; what never began says nothing."""
    step = build_step(action=Action.CREATE)
    failed = StepResult(step=step, outcome=Outcome.FAILED, cause="quota", reason="QuotaExceeded")

    assert condition_of_result(failed, 5) == ready.warning("QuotaExceeded", "quota", 5)
    assert condition_of_result(StepResult(step=step, outcome=Outcome.SKIPPED), 5) is None
    assert condition_of_result(StepResult(step=step, outcome=Outcome.CREATED), 5) == ready.succeeded(5)


def test_waits_are_told_in_the_words_of_aso() -> None:
    """Where ASO has a sentence of its own the condition has it, whatever a plan says to people."""
    waits = (
        Wait(text="known after Secret web/db has the key 'p'", told='Secret "web/db" does not contain key "p"'),
        Wait(text="known after it is there"),
    )

    said = condition_of_step(
        build_step(action=Action.WAIT, reason=Reason.WAITING_FOR_INPUT, waits=waits), 1, is_there=False
    )

    assert said is not None
    assert said.message == 'Secret "web/db" does not contain key "p"; known after it is there'
