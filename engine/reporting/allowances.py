"""Which ``--allow-…`` options a run was given, and which guards each let pass."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.ids import ResourceKey
from engine.model.plan import Plan
from engine.reporting.values import printable

_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One option, or one annotation that does the same.

    Attributes:
        passed: Guards that it let pass: (name, object), in the order of the plan; empty when there was no need of it.
    """

    option: str
    passed: tuple[tuple[str, ResourceKey], ...]


def allowances(plan: Plan) -> tuple[Allowance, ...]:
    """Return every option that was given, then every annotation that let a guard pass."""
    passed: dict[str, list[tuple[str, ResourceKey]]] = {option: [] for option in plan.allowed}
    for step in plan.steps:
        for guard in step.guards:
            if guard.allowed_by:
                passed.setdefault(guard.allowed_by, []).append((guard.name, step.key))
    return tuple(Allowance(option=option, passed=tuple(found)) for option, found in passed.items())


def allowance_lines(plan: Plan) -> list[str]:
    """Return one printable sentence per option."""
    return [_line(one) for one in allowances(plan)]


def _line(one: Allowance) -> str:
    if not one.passed:
        return printable(f"{one.option}: no guard needed it.")
    named = [f"{name} of {key}" for name, key in one.passed[:_NAMED]]
    more = f" and {len(one.passed) - _NAMED} more" if len(one.passed) > _NAMED else ""
    return printable(f"{one.option} let pass: {', '.join(named)}{more}.")


def block_of_allowances(plan: Plan) -> list[list[str]]:
    """Return one block of lines; no block when nothing was allowed."""
    lines = allowance_lines(plan)
    return [["Allowed for this run:", *(f"  {line}" for line in lines)]] if lines else []
