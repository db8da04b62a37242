"""Plans whose pages are big, hostile or typical; the browser's tests and the unit tests look at the same ones."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.model.change import Attribution, ChangeOrigin
from engine.model.plan import Action, Plan, Step
from tests.builders import build_change, build_diff, build_id, build_plan, build_step
from tests.report_cases import GROUPS

HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028\u2029 &lt; {{data}} ]]> \u202e"


def big_plan(resources: int, *, members: int = 24) -> Plan:
    """Return a plan of this many resources in groups of a hundred: creates, drift and changes of all origins."""
    steps: list[Step] = []
    for number in range(resources):
        group = f"group-{number // 100:04}"
        if number % 100 == 0:
            arm_id = build_id(group, arm_type=GROUPS)
            steps.append(build_step(Action.NOOP, f"web/ResourceGroup/{group}", id=arm_id, arm_type=GROUPS))
        else:
            steps.append(_member(number, group, members))
    return build_plan(steps)


def _member(number: int, group: str, members: int) -> Step:
    key = f"web/StorageAccount/store{number:05}"
    arm_id = build_id(f"store{number:05}", group=group)
    if number % 3 == 0:
        body = {"properties": {f"member{n:02}": f"value {n} of {number}" for n in range(members)}}
        return build_step(Action.CREATE, key, id=arm_id, body=body)
    origins = (ChangeOrigin.USER, ChangeOrigin.DRIFT, ChangeOrigin.BOTH)
    changes = [
        build_change(f"/properties/part{n}/setting", before=f"before {number}", after="after", origin=origins[n % 3])
        for n in range(members // 4)
    ]
    at = datetime(2026, 3, 1, number % 24, number % 60, tzinfo=UTC)
    author = Attribution(by=f"person{number % 7}@contoso.example", by_type="User", at=at)
    return build_step(Action.UPDATE, key, id=arm_id, diff=build_diff(*changes, last_modified=author))


def hostile_plan() -> Plan:
    """Return a plan with markup in every text that users or Azure choose."""
    change = build_change("/tags/" + HOSTILE.replace("/", "~1"), before=HOSTILE, after=f"{HOSTILE}\n{HOSTILE}")
    author = Attribution(by=HOSTILE, by_type=HOSTILE, at=datetime(2026, 3, 1, tzinfo=UTC))
    step = build_step(
        Action.UPDATE,
        f"default/StorageAccount/{HOSTILE.replace('/', '')}",
        diff=build_diff(change, last_modified=author),
        detail=HOSTILE,
        notes=(HOSTILE,),
        origin=HOSTILE,
    )
    return build_plan([step], problems=(HOSTILE,), allowed=(HOSTILE,))
