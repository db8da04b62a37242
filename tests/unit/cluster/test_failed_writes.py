"""What a failed write says on its object, and when it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.cluster.condition import Severity
from engine.cluster.verdict import condition_of_result
from engine.model.plan import Action
from engine.model.result import Outcome, StepResult
from engine.runtime.controller.pace import pace_of
from engine.runtime.controller.queue import FAST, SLOW, VERY_SLOW
from providers.arm.errors import Fault, error_from_fault
from tests.builders import build_step

SECONDS = timedelta(seconds=1)


def failed(status: int, code: str, retry_after: timedelta | None = None) -> StepResult:
    fault = Fault(status=status, code=code, message="In Azure's words.", retry_after=retry_after)
    error = error_from_fault(fault, what="PUT it")
    return StepResult(
        step=build_step(Action.CREATE),
        outcome=Outcome.FAILED,
        cause=str(error),
        reason=error.reason,
        code=error.code,
        said=error.said,
        remedy=error.remedy,
        retry_after=getattr(error, "retry_after", None),
    )


@pytest.mark.parametrize(
    ("result", "severity", "pace"),
    [
        (failed(404, "ParentResourceNotFound"), Severity.WARNING, (FAST, None)),
        (failed(409, "AnotherOperationInProgress", 7 * SECONDS), Severity.WARNING, (SLOW, 7 * SECONDS)),
        (failed(403, "AuthorizationFailed"), Severity.WARNING, (SLOW, None)),
        (failed(400, "BadRequest"), Severity.WARNING, (VERY_SLOW, None)),
        (failed(404, "SubscriptionNotFound"), Severity.ERROR, (VERY_SLOW, None)),
    ],
)
def test_the_class_of_a_refusal_decides_severity_and_pace(
    result: StepResult, severity: Severity, pace: tuple[timedelta, timedelta | None]
) -> None:
    """The condition has ARM's code and message as they came; what a person must mend is tried once an hour at most."""
    said = condition_of_result(result, 1)

    assert said is not None
    assert (said.reason, said.message) == (result.code, "In Azure's words.")
    assert (said.severity, pace_of(result, said)) == (severity, pace)
