from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.compare.compare import compare
from engine.errors import InvalidSpecError
from engine.model.ids import ArmId
from engine.model.path import FieldPath
from engine.model.plan import Action, Plan, Step
from engine.model.policy import IgnoreRule, Limits, ObjectPolicy, ReconcilePolicy
from engine.model.state import ActualState, Baseline, DesiredState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan
from engine.planning.saved import restrict, seal
from tests.builders import (
    ENDPOINT,
    GROUP,
    SUBSCRIPTION,
    build_actual,
    build_baseline,
    build_desired,
    build_id,
    build_key,
)

IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
GROUP_ID = ArmId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")
GROUP_KEY = build_key("default/ResourceGroup/app-rg", group="resources.azure.com", version="v1api20200601")
BODY: dict[str, Any] = {"location": "westeurope"}


def plan_of(*findings: Finding, **more: Any) -> Plan:
    return build_plan(PlanInput(findings=findings, endpoint=ENDPOINT, **more))


def identity(name: str = "app", body: dict[str, Any] | None = None, **more: Any) -> DesiredState:
    fields = {"arm_type": IDENTITY, "api_version": "2023-01-31", "id": build_id(name, arm_type=IDENTITY)} | more
    return build_desired(f"default/UserAssignedIdentity/{name}", body=BODY if body is None else body, **fields)


def found(desired: DesiredState, held: dict[str, Any] | None = None) -> Finding:
    if held is None:
        return Finding(desired=desired, actual=ActualState(id=desired.id or build_id(), presence=Presence.ABSENT))
    actual = build_actual(held, id=desired.id)
    memory = build_baseline(held, held, id=desired.id)
    return Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory)


def group(**more: Any) -> Finding:
    held = more.pop("held", BODY)
    fields = {"arm_type": "Microsoft.Resources/resourceGroups", "id": GROUP_ID, "body": BODY} | more
    return found(build_desired(GROUP_KEY, **fields), held)


def orphan(name: str = "app", **more: Any) -> tuple[Baseline, ActualState]:
    resource = build_id(name, arm_type=IDENTITY)
    key = build_key(f"default/UserAssignedIdentity/{name}")
    return build_baseline(BODY, BODY, id=resource, key=key, **more), build_actual(BODY, id=resource)


def steps(plan: Plan) -> dict[str, Step]:
    return {s.key.name: s for s in plan.steps}


def test_an_object_that_moved_leaves_its_old_resource_alone() -> None:
    """An object with another name than it was applied with has two steps; the old resource is never pruned."""
    moved = found(identity("app", id=build_id("new", arm_type=IDENTITY)))

    plan = plan_of(moved, orphans=(orphan("app"),), limits=Limits(prune=True, allow_data_loss=True))

    assert [s.action for s in plan.steps] == [Action.SKIP, Action.CREATE] or [s.action for s in plan.steps] == [
        Action.CREATE,
        Action.SKIP,
    ]
    assert "stands for" in next(s.detail for s in plan.steps if s.action is Action.SKIP)


def test_a_replaced_group_with_unowned_contents_is_blocked() -> None:
    """Replacing a resource group deletes what it holds: what no object asks for stops it."""
    moved = group(body={"location": "northeurope"})
    limits = Limits(allow_replace=frozenset({"app-rg"}))

    held = plan_of(moved, contents={GROUP_ID: (build_id("stranger"),)}, limits=limits).steps[0]
    free = plan_of(moved, contents={GROUP_ID: ()}, limits=limits).steps[0]

    assert (held.action, [g.name for g in held.guards]) == (Action.BLOCKED, ["replace", "unowned-contents"])
    assert free.action is Action.REPLACE


@pytest.mark.parametrize("policy", [ReconcilePolicy.DETACH_ON_DELETE, ReconcilePolicy.SKIP])
def test_a_detached_resource_is_not_deleted_with_its_group(policy: ReconcilePolicy) -> None:
    """A resource that is to be forgotten keeps its group from being pruned."""
    gone = (build_baseline(BODY, BODY, id=GROUP_ID, key=GROUP_KEY), build_actual(BODY, id=GROUP_ID))
    kept = orphan("app", reconcile=policy)
    live = found(
        identity("other", id=ArmId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/b/providers/{IDENTITY}/x")), BODY
    )

    plan = plan_of(live, orphans=(gone, kept), contents={GROUP_ID: (kept[0].id,)}, limits=Limits(prune=True))

    assert {n: s.action for n, s in steps(plan).items() if n != "other"} == {
        "app-rg": Action.BLOCKED,
        "app": Action.FORGET,
    }


def test_an_object_without_a_step_keeps_its_parent() -> None:
    """A resource that the run was told to leave out is not deleted with what holds it."""
    left_out = {build_id("app", arm_type=IDENTITY): build_key("default/UserAssignedIdentity/app")}

    plan = plan_of(group(deleting=True), contents={GROUP_ID: tuple(left_out)}, others=left_out)

    assert (plan.steps[0].action, "UserAssignedIdentity/app" in plan.steps[0].detail) == (Action.BLOCKED, True)


def test_nothing_is_created_in_what_is_being_deleted() -> None:
    """A new object in a group that is being deleted is blocked and says so."""
    child = found(identity("app", owner=GROUP_KEY))

    plan = plan_of(group(deleting=True), child, contents={GROUP_ID: ()})

    assert (steps(plan)["app-rg"].action, steps(plan)["app"].action) == (Action.DELETE, Action.BLOCKED)
    assert "being deleted" in steps(plan)["app"].detail


def test_a_deleting_resource_is_not_in_sync() -> None:
    """What Azure is deleting is waited for, whatever its values are."""
    finding = replace(found(identity(), BODY), provisioning="Deleting", settled=False)

    assert plan_of(finding).steps[0].action is Action.WAIT


def test_an_ignored_value_in_a_list_is_not_overwritten_by_a_patch() -> None:
    """A merge patch replaces lists as a whole: where one holds an ignored value, the PUT carries Azure's."""
    rules = [
        {"tenantId": "a", "resourceId": "/subscriptions/s/x"},
        {"tenantId": "b", "resourceId": "/subscriptions/s/y"},
    ]
    asked = {"properties": {"networkAcls": {"defaultAction": "Deny", "resourceAccessRules": rules}}}
    held = {
        "properties": {
            "networkAcls": {
                "defaultAction": "Deny",
                "resourceAccessRules": [{**rules[0], "tenantId": "live"}, rules[1]],
            }
        }
    }
    wanted = {
        "properties": {
            "networkAcls": {"defaultAction": "Deny", "resourceAccessRules": [rules[0], {**rules[1], "tenantId": "new"}]}
        }
    }
    ignored = IgnoreRule(path=FieldPath.parse_pointer("/properties/networkAcls/resourceAccessRules/0/tenantId"))
    desired = build_desired(body=wanted, policy=ObjectPolicy(ignore=(ignored,)))
    actual = build_actual(held, id=desired.id)
    memory = build_baseline(asked, asked)

    step = plan_of(
        Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory)
    ).steps[0]

    (request,) = step.requests
    tenants = [r["tenantId"] for r in request.body["properties"]["networkAcls"]["resourceAccessRules"]]
    assert (request.method, tenants) == ("PUT", ["live", "new"])


def test_a_saved_delete_is_stale_when_azure_moved() -> None:
    """The delete of a saved plan is not carried out on a resource that is not what it was."""
    live = found(identity("kept"), BODY)
    limits = Limits(prune=True)
    saved = seal(plan_of(live, orphans=(orphan(),), limits=limits))
    memory, _ = orphan()
    moved = (memory, build_actual({**BODY, "tags": {"a": "b"}}, id=memory.id))

    plan, stale = restrict(plan_of(live, orphans=(moved,), limits=limits), saved)

    assert (steps(plan)["app"].action, [s.key.name for s in stale]) == (Action.BLOCKED, ["app"])


@pytest.mark.parametrize(
    ("name", "text"),
    [("app", "means 2 objects"), ("nosuch", "means no object"), ("StorageAccount/app", "means no object")],
)
def test_an_approval_of_a_replace_names_one_object(name: str, text: str) -> None:
    """A name that means none or several objects is refused: an approval to delete is never guessed."""
    first = found(identity("app"), BODY)
    second = found(replace(identity("app2"), key=replace(first.desired.key, namespace="other")), BODY)

    with pytest.raises(InvalidSpecError, match=text):
        plan_of(first, second, limits=Limits(allow_replace=frozenset({name})))


def test_an_empty_input_deletes_nothing_without_a_word() -> None:
    """Pruning everything because the input is empty needs its own confirmation."""
    gone = (orphan("a"), orphan("b"))

    held = plan_of(orphans=gone, limits=Limits(prune=True))
    meant = plan_of(orphans=gone, limits=Limits(prune=True, allow_mass_delete=True))

    assert {s.action for s in held.steps} == {Action.BLOCKED}
    assert {s.action for s in meant.steps} == {Action.DELETE}
