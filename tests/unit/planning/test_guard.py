"""What speaks against one step: each guard says what was found, what would happen and how to allow it once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.document import ABSENT
from engine.model.plan import Action, Guard, Request, Step
from engine.model.policy import Limits, ObjectPolicy
from engine.planning.guard import Surroundings, block, guard_step
from tests.builders import build_id, build_step

ALIAS = "Microsoft.Subscription/aliases"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
PROTECTED = ObjectPolicy(protect=True)
ACCOUNT = "default/StorageAccount/app"


def posts(action: str) -> Request:
    """Return an action on a resource."""
    return Request(method="POST", url=f"https://arm.example/x/{action}?api-version=1", body=ABSENT)


def guards(step: Step, *, protect: bool = False, unowned: Any = (), **limits: Any) -> dict[str, Guard]:
    """Return the guards of a step by name."""
    policy = PROTECTED if protect else ObjectPolicy()
    return {g.name: g for g in guard_step(step, policy, Limits(**limits), Surroundings(unowned=unowned))}


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.NOOP, Action.ADOPT, Action.FORGET])
def test_what_destroys_nothing_has_no_guard(action: Action) -> None:
    """Only deletes, replaces and purges have guards of their own."""
    assert guards(build_step(action), protect=True) == {}


@pytest.mark.parametrize(
    ("step", "more", "name", "option", "limits"),
    [
        (
            build_step(Action.DELETE),
            {"protect": True},
            "protect",
            f"--allow-protected {ACCOUNT}",
            {"allow_protected": frozenset({ACCOUNT})},
        ),
        (build_step(Action.DELETE), {}, "data-bearing", "--allow-data-loss", {"allow_data_loss": True}),
        (build_step(Action.REPLACE), {}, "data-bearing", "--allow-data-loss", {"allow_data_loss": True}),
        (
            build_step(Action.CREATE, requests=(posts("purge"),)),
            {},
            "purge",
            "--allow-data-loss",
            {"allow_data_loss": True},
        ),
        (
            build_step(Action.DELETE, arm_type="Microsoft.Resources/resourceGroups"),
            {"unowned": (build_id("stranger"),)},
            "unowned-contents",
            "--allow-data-loss",
            {"allow_data_loss": True},
        ),
        (
            build_step(Action.DELETE, "default/Alias/sub", arm_type=ALIAS),
            {},
            "subscription",
            "--allow-subscription default/Alias/sub",
            {"allow_subscription": frozenset({"default/Alias/sub"})},
        ),
    ],
    ids=["protect", "delete data", "replace data", "purge", "contents", "subscription"],
)
def test_each_guard_names_the_option_that_lets_it_pass(
    step: Step, more: dict[str, Any], name: str, option: str, limits: dict[str, Any]
) -> None:
    """A guard blocks and names its option; with that option it is a warning that names who let it pass."""
    held, free = guards(step, **more)[name], guards(step, **more, **limits)[name]

    assert held.blocks
    assert option in held.allow
    assert held.text
    assert held.effect
    assert (free.blocks, free.allowed_by) == (False, option)


def test_option_for_one_object_lets_no_other_pass() -> None:
    """--allow-protected and --allow-subscription mean the object that they name."""
    step = build_step(Action.DELETE, arm_type=IDENTITY)

    assert guards(step, protect=True, allow_protected=frozenset({"default/StorageAccount/other"}))["protect"].blocks


def test_alias_says_what_becomes_of_the_subscription() -> None:
    """Whether the subscription is cancelled or only left alone is told from what would be sent."""
    alone = build_step(Action.DELETE, "default/Alias/sub", arm_type=ALIAS)
    cancelled = build_step(Action.DELETE, "default/Alias/sub", arm_type=ALIAS, requests=(posts("cancel"),))

    assert "only the alias would go" in guards(alone)["subscription"].effect
    assert "would be cancelled" in guards(cancelled)["subscription"].effect


def test_contents_that_cannot_be_read_are_not_nothing() -> None:
    """A group whose contents are not known is not deleted, whatever is allowed."""
    group = build_step(Action.DELETE, arm_type="Microsoft.Resources/resourceGroups")

    assert guards(group, unowned=None, allow_data_loss=True)["unowned-contents"].blocks


def test_blocked_step_sends_nothing_and_keeps_every_guard() -> None:
    """One guard that blocks is enough; warnings beside it stay to be read."""
    step = build_step(Action.DELETE)
    warning, blocking = Guard(name="a", text="x", blocks=False), Guard(name="b", text="y", allow="pass --b")

    held = block(step, (warning, blocking))

    assert (held.action, held.requests, [g.name for g in held.guards]) == (Action.BLOCKED, (), ["a", "b"])
    assert held.detail == "y; to allow it once: pass --b"
    assert block(step, (warning,)).action is Action.DELETE
