"""Which lock and which deny assignment holds which request back."""

from __future__ import annotations

import pytest

from engine.model.document import ABSENT
from engine.model.hold import Denial, HoldKind, Holds, Lock, Unread
from engine.model.ids import ArmId
from engine.model.plan import Action, Request
from engine.model.policy import Limits
from engine.planning.holds import action_of, guard_holds
from tests.builders import build_id, build_step

ID = build_id()
SUBSCRIPTION = ArmId("/" + "/".join(ID.segments[:2]))
GROUP = ArmId("/" + "/".join(ID.segments[:4]))
CHILD = ArmId(f"{ID}/blobServices/default")
BESIDE = build_id("beside")


@pytest.mark.parametrize(
    ("action", "scope", "read_only", "held"),
    [
        (Action.DELETE, SUBSCRIPTION, False, True),
        (Action.DELETE, GROUP, False, True),
        (Action.DELETE, ID, False, True),
        (Action.DELETE, CHILD, False, True),
        (Action.DELETE, BESIDE, True, False),
        (Action.REPLACE, CHILD, False, True),
        (Action.CREATE, GROUP, False, False),
        (Action.CREATE, GROUP, True, True),
        (Action.UPDATE, ID, True, True),
        (Action.UPDATE, ID, False, False),
        (Action.UPDATE, CHILD, True, False),
    ],
)
def test_locks_hold_for_what_they_cover(action: Action, scope: ArmId, *, read_only: bool, held: bool) -> None:
    """CanNotDelete holds deletes at, below and around it; ReadOnly holds every write at and below it."""
    lock = Lock(id=f"{scope}/providers/Microsoft.Authorization/locks/k", scope=scope, is_read_only=read_only)

    guards = guard_holds(build_step(action), Holds(locks=(lock,)), Limits())

    assert [g.blocks for g in guards] == ([True] if held else [])


@pytest.mark.parametrize(
    ("request_", "arm_type", "action"),
    [
        (
            ("DELETE", f"{ID}?api-version=1"),
            "Microsoft.Storage/storageAccounts",
            "microsoft.storage/storageaccounts/delete",
        ),
        (
            ("PATCH", f"{ID}?api-version=1"),
            "Microsoft.Storage/storageAccounts",
            "microsoft.storage/storageaccounts/write",
        ),
        (
            ("PATCH", f"{ID}/providers/Microsoft.Resources/tags/default?api-version=1"),
            "Microsoft.Storage/storageAccounts",
            "microsoft.resources/tags/write",
        ),
        (
            ("PUT", f"{GROUP}?api-version=1"),
            "Microsoft.Resources/resourceGroups",
            "microsoft.resources/subscriptions/resourcegroups/write",
        ),
        (
            ("POST", f"{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/x/deletedVaults/v/purge?api-version=1"),
            "Microsoft.KeyVault/vaults",
            "microsoft.keyvault/locations/deletedvaults/purge/action",
        ),
    ],
    ids=["delete", "patch", "tags", "group", "purge"],
)
def test_each_request_needs_its_action(request_: tuple[str, str], arm_type: str, action: str) -> None:
    """ARM checks one action per request: the type with write, delete, or the name of what is done."""
    method, path = request_

    assert action_of(Request(method=method, url=f"https://arm.example{path}", body=ABSENT), arm_type) == action


@pytest.mark.parametrize(
    ("scope", "children", "held"),
    [
        ("/", True, True),
        ("/providers/Microsoft.Management/managementGroups/top", True, True),
        (GROUP.text, True, True),
        (GROUP.text, False, False),
        (ID.text, False, True),
        (BESIDE.text, True, False),
    ],
)
def test_deny_assignments_hold_below_their_scope(scope: str, *, children: bool, held: bool) -> None:
    """A deny assignment holds for its scope, and below where it says so; that of a management group for all."""
    denial = Denial(id="/d", name="d", scope=ArmId(scope), actions=("*/write",), names_everyone=True, children=children)

    assert bool(guard_holds(build_step(Action.UPDATE), Holds(denials=(denial,)), Limits())) is held


def test_unread_locks_warn_of_what_destroys_alone() -> None:
    """That locks could not be read is said of deletes and replaces, not of every write."""
    holds = Holds(unread=(Unread(kind=HoldKind.LOCK, scope=SUBSCRIPTION, cause="403"),))

    found = {a: [g.blocks for g in guard_holds(build_step(a), holds, Limits())] for a in (Action.DELETE, Action.UPDATE)}

    assert found == {Action.DELETE: [False], Action.UPDATE: []}
