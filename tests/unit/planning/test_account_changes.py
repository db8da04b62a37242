"""What makes a user of a database as its object says."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.account import (
    SERVER,
    Account,
    CreateUser,
    FoundUser,
    Grant,
    Revoke,
    SetOptions,
    SetPassword,
    UserChange,
    WantedUser,
)
from engine.model.document import Secret
from engine.planning.accounts import plan_user

PASSWORD = Secret("x")


def wanted(**members: Any) -> WantedUser:
    return WantedUser(account=Account(name="app"), password=PASSWORD, **members)


def rights(**scopes: str) -> dict[str, frozenset[str]]:
    return {(SERVER if scope == "server" else scope): frozenset(names.split()) for scope, names in scopes.items()}


CASES: dict[str, tuple[WantedUser, FoundUser | None, bool, tuple[UserChange, ...]]] = {
    "names in another letter case, where that means nothing": (
        wanted(rights=rights(server="Reader READER writer")),
        FoundUser(rights=rights(server="reader Old"), folds_names=True),
        False,
        (Grant(SERVER, ("writer",)), Revoke(SERVER, ("Old",))),
    ),
    "names in another letter case, where that means something": (
        wanted(rights=rights(server="Reader")),
        FoundUser(rights=rights(server="reader")),
        False,
        (Grant(SERVER, ("Reader",)), Revoke(SERVER, ("reader",))),
    ),
    "nothing there": (
        wanted(options={"login": True}, rights=rights(server="b a")),
        None,
        True,
        (CreateUser(PASSWORD, {"login": True}), Grant(SERVER, ("a", "b"))),
    ),
    "all as wanted": (wanted(rights=rights(shop="A")), FoundUser(rights=rights(shop="A")), False, ()),
    "another password": (wanted(), FoundUser(), True, (SetPassword(PASSWORD),)),
    "another option": (
        wanted(options={"login": True, "createDb": True}),
        FoundUser(options={"login": True, "createDb": False}),
        False,
        (SetOptions({"createDb": True}),),
    ),
    "missing and extra": (
        wanted(rights=rights(server="A B")),
        FoundUser(rights=rights(server="B C", old="D")),
        False,
        (Grant(SERVER, ("A",)), Revoke(SERVER, ("C",)), Revoke("old", ("D",))),
    ),
    "all takes nothing away": (
        wanted(has_all=frozenset({"shop"})),
        FoundUser(rights=rights(shop="OTHER"), all_on_database=frozenset("A")),
        False,
        (Grant("shop", ()),),
    ),
    "all is there": (
        wanted(has_all=frozenset({SERVER})),
        FoundUser(rights=rights(server="A B"), all_on_server=frozenset("AB")),
        False,
        (),
    ),
}


@pytest.mark.parametrize(("asked", "found", "moved", "changes"), CASES.values(), ids=CASES.keys())
def test_only_what_differs_is_changed(
    asked: WantedUser, found: FoundUser | None, moved: bool, changes: tuple[UserChange, ...]
) -> None:
    """Each difference is one change, and what is as wanted is left alone."""
    assert plan_user(asked, found, password_moved=moved) == changes


def test_passwords_are_not_printed() -> None:
    """No form of a change shows its password."""
    shown = repr((CreateUser(Secret("pass-1"), {}), SetPassword(Secret("pass-1")), wanted()))

    assert "pass-1" not in shown
