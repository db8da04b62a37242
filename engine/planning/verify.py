"""Laws of plans and results as checks; tests call the same functions."""

from __future__ import annotations

from engine.errors import InvariantError
from engine.model.plan import Action, Plan, Step
from engine.model.result import ApplyResult, Outcome

_WITH_REQUESTS = (Action.CREATE, Action.UPDATE, Action.REPLACE)


def check_plan(plan: Plan, *, resources: int) -> None:
    """Check a plan before anybody sees it.

    1. Every resource has exactly one step.
    2. A step sends requests only if its action writes, and every create, update and replace sends one.
    3. No step stands before one it depends on (steps of a cycle are blocked and exempt).
    4. A step that writes has an id.

    Raises:
        InvariantError: Naming the law and the step.
    """
    identities = [s.key.identity for s in plan.steps]
    if len(identities) != resources or len(set(identities)) != resources:
        raise InvariantError("law 1 of plans is broken", detail=f"{resources} resources, {len(plan.steps)} steps")
    seen: set[tuple[str, str, str, str]] = set()
    for step, identity in zip(plan.steps, identities, strict=True):
        _check_step(step)
        late = [k for k in step.depends_on if k.identity not in seen] if step.action.mutates else ()
        if late:
            raise InvariantError("law 3 of plans is broken", detail=f"{step.key} stands before {late[0]}")
        seen.add(identity)


def _check_step(step: Step) -> None:
    if step.requests and not step.action.mutates:
        raise InvariantError("law 2 of plans is broken", detail=f"{step.key} is {step.action} and sends requests")
    if step.action in _WITH_REQUESTS and not step.requests:
        raise InvariantError("law 2 of plans is broken", detail=f"{step.key} is {step.action} and sends nothing")
    if step.requests and step.id is None:
        raise InvariantError("law 4 of plans is broken", detail=f"{step.key} has no id")


def check_applied(result: ApplyResult) -> None:
    """Check what was done against what was planned.

    1. Every step has exactly one result.
    2. Nothing was sent for a step that plans no request.

    Raises:
        InvariantError: Naming the law and the step.
    """
    planned = {s.key.identity: s for s in result.plan.steps}
    if len(result.results) != len(planned) or {r.step.key.identity for r in result.results} != planned.keys():
        raise InvariantError(
            "law 1 of results is broken", detail=f"{len(planned)} steps, {len(result.results)} results"
        )
    for one in result.results:
        if one.requests and not planned[one.step.key.identity].requests:
            raise InvariantError("law 2 of results is broken", detail=f"{one.step.key} was {Outcome(one.outcome)}")
