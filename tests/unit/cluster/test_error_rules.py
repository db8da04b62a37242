"""Every rule of ASO's about errors of one kind, with what the object says and when it is tried again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.cluster.condition import Severity
from engine.cluster.verdict import condition_of_result
from engine.model.plan import Action
from engine.model.result import Outcome, StepResult
from engine.runtime.controller.pace import pace_of
from engine.runtime.controller.queue import FAST, SLOW, VERY_SLOW
from providers.arm.errors import Fault, error_from_fault
from schemas.behaviours import lookup_kind_behaviour
from tests.builders import build_step

pytestmark = pytest.mark.shared


def told(arm_type: str, code: str, message: str, status: int) -> tuple[Severity, timedelta]:
    """Return severity and pace of a refused write."""
    error = error_from_fault(Fault(status=status, code=code, message=message), what="PUT it", arm_type=arm_type)
    result = StepResult(
        step=build_step(Action.CREATE),
        outcome=Outcome.FAILED,
        cause=str(error),
        reason=error.reason,
        code=error.code,
        said=error.said,
        remedy=error.remedy,
        retry_after=getattr(error, "retry_after", None),
    )
    said = condition_of_result(result, 1)
    assert said is not None
    assert (said.reason, said.message) == (code, message)
    return said.severity, pace_of(result, said)[0]


def example(match: Any) -> str:
    """Return a message that a rule is about."""
    pattern = match.get("message_regex", "").removeprefix("(?i)").replace(".*", " one ")
    return " and ".join([*match.get("message_contains_all", ()), *([pattern] if pattern else [])]) or "No."


def test_every_error_rule_has_its_effect(shared: Path) -> None:
    """What a rule calls fatal is an error; all else is a warning that is tried again within ASO's longest wait."""
    found = yaml.safe_load((shared / "aso" / "extensions.yaml").read_text(encoding="utf-8"))["resources"]
    rules = [(r, rule) for r in found for rule in r.get("error_classifier", {}).get("rules", ())]
    checked = []
    for entry, rule in rules:
        behaviour = lookup_kind_behaviour(entry["group"], entry["kind"])
        assert behaviour is not None
        code = rule["match"]["code"].replace("*", "AnyCode")
        status = 400 if code == "BadRequest" else 409
        severity, pace = told(behaviour.arm_type, code, example(rule["match"]), status)
        checked.append((entry["kind"], code, severity))
        if rule["set"].get("classification") == "fatal":
            assert severity is Severity.ERROR, checked[-1]
        else:
            is_slow = rule["set"].get("retry") == "Slow" or status != 400
            assert (severity, pace in (FAST, SLOW) if is_slow else pace == VERY_SLOW) == (
                Severity.WARNING,
                True,
            ), checked[-1]

    assert len(checked) == 35
    assert sum(severity is Severity.ERROR for *_, severity in checked) == 2
