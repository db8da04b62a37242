"""A delete sees what is in sync below it."""

from __future__ import annotations

from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.plan import Action, Reason, Request, Step
from engine.planning.removal import cascade_deletes

GROUP = "/subscriptions/s/resourceGroups/app"


def build_step(resource: str, action: Action) -> Step:
    return Step(
        key=ResourceKey(namespace="default", group="g", kind="K", name=resource.rsplit("/", 1)[1]),
        id=ArmId(resource),
        arm_type="Microsoft.Resources/resourceGroups",
        api_version=ApiVersion("2020-06-01"),
        action=action,
        reason=Reason.OBJECT_DELETED,
        requests=(Request(method="DELETE", url=resource, body=None),) if action is Action.DELETE else (),
    )


def test_a_group_is_not_deleted_over_a_child_that_is_in_sync() -> None:
    """A resource that did not move since an earlier pass still holds its group back."""
    child = build_step(f"{GROUP}/providers/Microsoft.Cache/redis/kept", Action.NOOP)

    (step,) = cascade_deletes([build_step(GROUP, Action.DELETE)], settled=[child])

    assert (step.action, step.requests) == (Action.BLOCKED, ())
    assert "kept" in step.detail
