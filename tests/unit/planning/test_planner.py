"""What the planner decides for what differs, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.compare.compare import compare
from engine.model.document import UNKNOWN, Secret
from engine.model.ids import Generation
from engine.model.path import FieldPath
from engine.model.plan import Action, Plan, Reason
from engine.model.policy import DriftPolicy, Limits, ObjectPolicy, ReconcilePolicy
from engine.model.state import ActualState, Presence, Wait
from engine.planning.finding import Finding
from tests.builders import (
    ENDPOINT,
    build_actual,
    build_baseline,
    build_desired,
    build_id,
)
from tests.planner_findings import BODY, body_with, find, plan_of, step_of


def test_what_is_as_asked_needs_nothing() -> None:
    """A resource in sync is a noop without a request."""
    step = step_of(find(BODY, BODY))

    assert (step.action, step.reason, step.requests) == (Action.NOOP, Reason.IN_SYNC, ())


def test_what_is_missing_is_created_by_put_of_the_whole_body() -> None:
    """A resource that was never applied and is absent gets one PUT of the desired body."""
    step = step_of(find(BODY, None, baseline=None))

    assert (step.action, step.reason) == (Action.CREATE, Reason.MISSING)
    assert [(r.method, r.url, r.body) for r in step.requests] == [
        ("PUT", f"{ENDPOINT}{build_id()}?api-version=2023-01-01", BODY)
    ]


def test_what_was_deleted_in_azure_is_drift() -> None:
    """A resource that was applied and is absent now is created again, because it drifted."""
    step = step_of(find(BODY, None))

    assert (step.action, step.reason) == (Action.CREATE, Reason.DRIFTED)


@pytest.mark.parametrize(
    ("desired_tags", "actual_tags", "operation", "tags"),
    [
        pytest.param({"app": "shop"}, {"app": "other"}, "Merge", {"app": "shop"}, id="changed"),
        pytest.param({"app": "shop", "team": "x"}, {"app": "shop"}, "Merge", {"team": "x"}, id="added"),
        pytest.param({"app": "shop"}, {"app": "shop", "who": "me"}, "Delete", {"who": "me"}, id="one too many"),
        pytest.param({"app": "shop"}, {"app": "x", "who": "me"}, "Replace", {"app": "shop"}, id="both"),
    ],
)
def test_tags_alone_go_through_the_tags_api(
    desired_tags: dict[str, str], actual_tags: dict[str, str], operation: str, tags: dict[str, str]
) -> None:
    """When only tags differ, the tags API gets the smallest operation that mends them."""
    step = step_of(find(body_with(tags=desired_tags), body_with(tags=actual_tags)))

    (request,) = step.requests
    assert request.method == "PATCH"
    assert request.url == f"{ENDPOINT}{build_id()}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
    assert request.body == {"operation": operation, "properties": {"tags": tags}}


def test_members_that_patch_takes_are_patched_alone() -> None:
    """A merge patch holds the changed members and nothing else; the PUT is kept for a refusal."""
    step = step_of(find(BODY, body_with(properties={"minimumTlsVersion": "TLS1_0"})))

    assert (step.action, step.reason) == (Action.UPDATE, Reason.DRIFTED)
    assert [(r.method, r.body) for r in step.requests] == [("PATCH", {"properties": {"minimumTlsVersion": "TLS1_2"}})]
    assert step.fallback is not None
    assert (step.fallback.method, step.fallback.body) == ("PUT", BODY)


def test_a_member_removed_from_the_manifest_is_null_in_the_patch() -> None:
    """What the user took out of the manifest is removed by an explicit null."""
    without = {**BODY, "properties": {"minimumTlsVersion": "TLS1_2"}}

    step = step_of(find(without, BODY))

    assert step.requests[0].body == {"properties": {"allowBlobPublicAccess": None}}


def test_a_type_without_patch_is_put() -> None:
    """Where nothing proves that PATCH takes the member, the whole body is PUT."""
    kind = "Microsoft.Network/virtualNetworks/subnets"
    desired = build_desired(
        arm_type=kind, api_version="2024-03-01", body={"properties": {"addressPrefix": "10.0.0.0/24"}}
    )
    actual = build_actual({"properties": {"addressPrefix": "10.0.9.0/24"}}, id=desired.id)
    memory = build_baseline(desired.body, desired.body)

    step = step_of(Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory))

    assert [(r.method, r.body) for r in step.requests] == [("PUT", desired.body)]


def test_children_in_the_parents_body_survive_its_put() -> None:
    """A virtual network is PUT with the subnets Azure holds: without them they would be deleted."""
    kind = "Microsoft.Network/virtualNetworks"
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    subnets = [{"name": "web", "properties": {"addressPrefix": "10.0.0.0/24"}}]
    held = {**body, "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}, "subnets": subnets}}
    desired = build_desired(arm_type=kind, api_version="2024-03-01", body=body)
    actual = build_actual(held, id=desired.id)
    memory = build_baseline(body, {**held, **body})

    step = step_of(Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory))

    assert step.requests[0].method == "PUT"
    assert step.requests[0].body["properties"]["subnets"] == subnets
    assert "subnets" not in desired.body["properties"]


def test_what_exists_and_was_never_applied_is_only_shown() -> None:
    """A resource that differs and that nothing remembers is adopted only when that was asked for."""
    finding = find(BODY, body_with(properties={"minimumTlsVersion": "TLS1_0"}), baseline=None)

    shown = plan_of(finding, limits=Limits(adopt=False))
    asked = plan_of(finding, limits=Limits(adopt=True))

    assert (shown.steps[0].action, shown.steps[0].requests, shown.appliable) == (Action.ADOPT, (), False)
    assert asked.steps[0].action is Action.UPDATE


def test_create_only_members_block_until_a_replace_is_allowed() -> None:
    """A change of a member that is set once is blocked; with approval it is a DELETE and a PUT."""
    finding = find(body_with(location="northeurope"), BODY)

    blocked = step_of(finding)
    allowed = step_of(
        finding, limits=Limits(allow_replace=frozenset({"default/StorageAccount/app"}), allow_data_loss=True)
    )

    assert (blocked.action, blocked.reason, blocked.requests) == (Action.BLOCKED, Reason.IMMUTABLE_CHANGE, ())
    assert "location" in blocked.detail
    assert [r.method for r in allowed.requests] == ["DELETE", "PUT"]


def test_a_replace_approved_for_another_generation_stays_blocked() -> None:
    """The annotation approves one generation of the object, not those that follow."""
    policy = ObjectPolicy(allow_replace=3)
    desired = build_desired(body=body_with(location="northeurope"), policy=policy, generation=Generation(4))

    assert step_of(find(BODY, BODY, desired=desired)).action is Action.BLOCKED


@pytest.mark.parametrize(
    ("policy", "action", "reason"),
    [
        (ObjectPolicy(reconcile=ReconcilePolicy.SKIP), Action.SKIP, Reason.POLICY_SKIP),
        (ObjectPolicy(drift=DriftPolicy.REPORT), Action.SKIP, Reason.DRIFT_POLICY),
        (ObjectPolicy(drift=DriftPolicy.IGNORE), Action.SKIP, Reason.DRIFT_POLICY),
        (ObjectPolicy(), Action.UPDATE, Reason.DRIFTED),
    ],
)
def test_policies_decide_what_happens_to_drift(policy: ObjectPolicy, action: Action, reason: Reason) -> None:
    """Drift is corrected unless the object's policies say that it is only reported."""
    desired = build_desired(body=BODY, policy=policy)

    step = step_of(find(BODY, body_with(properties={"minimumTlsVersion": "TLS1_0"}), desired=desired))

    assert (step.action, step.reason, bool(step.changes)) == (action, reason, True)


def test_unreadable_is_never_absent() -> None:
    """What could not be read is neither created nor changed, and the plan is not complete."""
    actual = ActualState(id=build_id(), presence=Presence.UNREADABLE, cause="403 AuthorizationFailed")

    plan = plan_of(Finding(desired=build_desired(body=BODY), actual=actual))

    assert (plan.steps[0].action, plan.steps[0].detail) == (Action.UNREADABLE, "403 AuthorizationFailed")
    assert (plan.complete, plan.appliable) == (False, False)


def test_a_value_that_is_not_known_makes_the_step_wait() -> None:
    """A create whose body is not known yet waits and says for what."""
    wait = Wait(text="known after ConfigMap default/settings is there", path=FieldPath(("properties", "x")))
    desired = build_desired(
        body={"properties": {"x": UNKNOWN}}, waits=(wait,), unknown=(FieldPath(("properties", "x")),)
    )

    step = step_of(find(desired=desired, baseline=None))

    assert (step.action, step.reason, step.detail) == (Action.WAIT, Reason.WAITING_FOR_INPUT, wait.text)


def test_a_resource_whose_last_operation_failed_is_written_again() -> None:
    """Equal values are not enough: a resource in state Failed is PUT again."""
    step = step_of(find(BODY, BODY, provisioning="Failed", settled=False))

    assert (step.action, step.reason, [r.method for r in step.requests]) == (Action.UPDATE, Reason.NOT_SETTLED, ["PUT"])


def test_a_resource_azure_is_working_on_is_left_alone() -> None:
    """While an operation runs nothing is written."""
    busy = find(BODY, body_with(properties={"minimumTlsVersion": "TLS1_0"}), provisioning="Updating", settled=False)

    assert (step_of(busy).action, step_of(busy).reason) == (Action.WAIT, Reason.NOT_SETTLED)


def test_owners_come_first_and_blocked_owners_hold_their_children() -> None:
    """A create stands after its owner; when the owner cannot be written, the child waits with it."""
    parent = build_desired("default/StorageAccount/parent", body=BODY, policy=ObjectPolicy())
    child = build_desired("default/StorageAccount/child", body=BODY, owner=parent.key)
    waiting = replace(parent, id=None, waits=(Wait(text="its owner is not known"),))

    free = plan_of(find(baseline=None, desired=child), find(baseline=None, desired=parent))
    held = plan_of(find(baseline=None, desired=child), Finding(desired=waiting, actual=None))

    assert [s.key.name for s in free.steps] == ["parent", "child"]
    assert {s.key.name: s.action for s in held.steps} == {"parent": Action.WAIT, "child": Action.WAIT}


def test_a_cycle_of_references_is_blocked_and_named() -> None:
    """Objects that refer to each other in a circle are blocked; the message names all of them."""
    a = build_desired("default/StorageAccount/a", body=BODY)
    b = build_desired("default/StorageAccount/b", body=BODY, references=(a.key,))
    a = replace(a, references=(b.key,))

    plan = plan_of(find(baseline=None, desired=a), find(baseline=None, desired=b))

    assert {s.action for s in plan.steps} == {Action.BLOCKED}
    assert "default/StorageAccount/a -> default/StorageAccount/b" in plan.problems[0]


def test_secrets_stay_out_of_the_plans_id_and_out_of_print() -> None:
    """Two plans that differ only in a secret's value have the same id, and neither shows it."""

    def plan_with(secret: str) -> Plan:
        desired = build_desired(body={"properties": {"administratorLoginPassword": Secret(secret)}})
        return plan_of(find(baseline=None, desired=desired))

    assert plan_with("canary-1").id == plan_with("canary-2").id
    assert "canary" not in repr(plan_with("canary-1"))


@given(
    st.permutations(range(6)), st.lists(st.sampled_from(["absent", "same", "drift", "tags"]), min_size=6, max_size=6)
)
def test_the_order_of_the_input_does_not_matter(order: list[int], kinds: list[str]) -> None:
    """Whatever order objects come in, the plan is the same."""
    bodies = {
        "absent": None,
        "same": BODY,
        "drift": body_with(properties={"minimumTlsVersion": "TLS1_0"}),
        "tags": body_with(tags={}),
    }
    findings = [
        find(BODY, bodies[kind], desired=build_desired(f"default/StorageAccount/app{n}", body=BODY))
        for n, kind in enumerate(kinds)
    ]

    assert plan_of(*(findings[i] for i in order)) == plan_of(*findings)


def test_a_type_that_refuses_changes_in_its_state_waits() -> None:
    """A stopped database server is not written to before it runs again."""
    desired = build_desired(
        arm_type="Microsoft.DBforPostgreSQL/flexibleServers",
        api_version="2022-12-01",
        body={"properties": {"version": "14"}},
    )
    actual = build_actual({"properties": {"version": "13", "state": "Stopped"}}, id=desired.id)
    memory = build_baseline(desired.body, desired.body)

    step = step_of(Finding(desired=desired, actual=actual, diff=compare(desired, actual, memory), baseline=memory))

    assert (step.action, "Stopped" in step.detail) == (Action.WAIT, True)
