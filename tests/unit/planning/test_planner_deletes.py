"""What is deleted, pruned and purged, and what keeps it from that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.model.plan import Action, Reason
from engine.model.policy import Limits, ObjectPolicy
from engine.model.state import ActualState, Baseline, Presence
from engine.planning.finding import Finding
from tests.builders import (
    ENDPOINT,
    SUBSCRIPTION,
    build_actual,
    build_baseline,
    build_desired,
    build_id,
    build_key,
)
from tests.planner_findings import BODY, GROUP_ID, find, group_finding, plan_of, step_of


def orphan(**more: Any) -> tuple[Baseline, ActualState]:
    memory = build_baseline(BODY, BODY, key=build_key(), **more)
    return memory, build_actual(BODY, id=memory.id)


def test_what_left_the_input_is_listed_and_deleted_only_when_asked() -> None:
    """An applied resource without an object is skipped with its reason; --prune deletes it."""
    listed = plan_of(orphans=(orphan(),))
    pruned = plan_of(orphans=(orphan(),), limits=Limits(prune=True, allow_data_loss=True))

    assert (listed.steps[0].action, listed.steps[0].reason) == (Action.SKIP, Reason.NO_LONGER_IN_INPUT)
    assert (pruned.steps[0].action, [r.method for r in pruned.steps[0].requests]) == (Action.DELETE, ["DELETE"])


def test_nothing_is_pruned_while_the_input_has_errors() -> None:
    """An object that could not be read must not look as if it had left."""
    plan = plan_of(orphans=(orphan(),), limits=Limits(prune=True, allow_data_loss=True), problems=("a.yaml:1: broken",))

    assert plan.steps[0].action is Action.BLOCKED


def test_data_is_not_deleted_without_a_word() -> None:
    """Deleting a type that holds data needs its own confirmation."""
    step = plan_of(orphans=(orphan(),), limits=Limits(prune=True)).steps[0]

    assert (step.action, step.reason, [g.name for g in step.guards]) == (
        Action.BLOCKED,
        Reason.GUARDED,
        ["data-bearing"],
    )


def test_a_protected_object_is_neither_deleted_nor_replaced() -> None:
    """The protect annotation blocks even what the run allows."""
    desired = build_desired(body=BODY, policy=ObjectPolicy(protect=True), deleting=True)

    step = step_of(find(BODY, BODY, desired=desired), limits=Limits(allow_data_loss=True))

    assert step.action is Action.BLOCKED
    assert [(g.name, g.blocks) for g in step.guards] == [("protect", True), ("data-bearing", False)]


def test_children_go_with_their_deleted_group() -> None:
    """Of a group and its members that are deleted together only the group sends a request."""
    child = build_desired(body=BODY, deleting=True)
    plan = plan_of(
        group_finding(deleting=True),
        find(BODY, BODY, desired=child),
        contents={GROUP_ID: (build_id(),)},
        limits=Limits(allow_data_loss=True),
    )

    assert [(s.key.kind, s.action, len(s.requests)) for s in plan.steps] == [
        ("ResourceGroup", Action.DELETE, 1),
        ("StorageAccount", Action.DELETE, 0),
    ]


def test_a_group_with_unowned_contents_is_not_deleted() -> None:
    """A resource group that holds what no object asks for is blocked, and says what it holds."""
    stranger = build_id("stranger")

    step = step_of(group_finding(deleting=True), contents={GROUP_ID: (stranger,)})
    unread = step_of(group_finding(deleting=True))

    assert (step.action, "stranger" in step.detail) == (Action.BLOCKED, True)
    assert (unread.action, [g.name for g in unread.guards]) == (Action.BLOCKED, ["unowned-contents"])


def test_a_group_is_not_deleted_under_a_child_that_stays() -> None:
    """A group whose member is blocked or still wanted is blocked too."""
    keep = find(BODY, BODY)

    plan = plan_of(group_finding(deleting=True), keep, contents={GROUP_ID: (build_id(),)})

    assert {s.key.kind: s.action for s in plan.steps} == {
        "ResourceGroup": Action.BLOCKED,
        "StorageAccount": Action.NOOP,
    }


def test_mass_deletes_wait_for_a_word() -> None:
    """Deleting twenty resources and half of what is managed trips the breaker; one less does not."""

    def removal(count: int, **limits: Any) -> set[Action]:
        gone = tuple(orphan(id=build_id(f"app{n}"), rules=str(n)) for n in range(count))
        named = tuple((replace(b, key=build_key(f"default/StorageAccount/app{n}")), a) for n, (b, a) in enumerate(gone))
        kept = find(BODY, BODY, desired=build_desired("default/StorageAccount/kept", body=BODY))
        plan = plan_of(kept, orphans=named, limits=Limits(prune=True, allow_data_loss=True, **limits))
        return {s.action for s in plan.steps} - {Action.NOOP}

    assert removal(19) == {Action.DELETE}
    assert removal(20) == {Action.BLOCKED}
    assert removal(20, allow_mass_delete=True) == {Action.DELETE}


def vault_finding(mode: str, *, soft_deleted: bool) -> Finding:
    desired = build_desired(
        "default/Vault/v1",
        arm_type="Microsoft.KeyVault/vaults",
        api_version="2023-07-01",
        body={"location": "westus2", "properties": {"createMode": mode, "tenantId": "t"}},
    )
    actual = ActualState(id=desired.id or build_id(), presence=Presence.ABSENT)
    return Finding(desired=desired, actual=actual, soft_deleted=soft_deleted)


@pytest.mark.parametrize(
    ("mode", "soft_deleted", "sent"),
    [
        ("createOrRecover", False, "default"),
        ("createOrRecover", True, "recover"),
        ("purgeThenCreate", False, "default"),
        ("default", True, "default"),
    ],
)
def test_a_vault_is_created_in_a_mode_azure_knows(mode: str, soft_deleted: bool, sent: str) -> None:
    """createOrRecover recovers a deleted vault of that name where there is one, and creates one where there is none."""
    step = step_of(vault_finding(mode, soft_deleted=soft_deleted))

    (request,) = step.requests
    assert request.body["properties"] == {"createMode": sent, "tenantId": "t"}


def test_a_deleted_vault_is_purged_only_with_a_word() -> None:
    """purgeThenCreate sends a purge first, for good: without a word the step is blocked."""
    blocked = step_of(vault_finding("purgeThenCreate", soft_deleted=True))
    allowed = step_of(vault_finding("purgeThenCreate", soft_deleted=True), limits=Limits(allow_data_loss=True))

    assert (blocked.action, [g.name for g in blocked.guards]) == (Action.BLOCKED, ["purge"])
    assert [r.method for r in allowed.requests] == ["POST", "PUT"]
    assert allowed.requests[0].url == (
        f"{ENDPOINT}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/v1/purge"
        "?api-version=2024-11-01"
    )
