"""What makes a user of a database as its object says: only what differs, each change once."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.account import (
    SERVER,
    CreateUser,
    FoundUser,
    Grant,
    Revoke,
    SetOptions,
    SetPassword,
    UserChange,
    WantedUser,
)


def plan_user(wanted: WantedUser, found: FoundUser | None, *, password_moved: bool) -> tuple[UserChange, ...]:
    """Return the changes, in the order they are to be made; none when nothing differs.

    Args:
        wanted: What the object asks for.
        found: What the server holds; None for nothing.
        password_moved: The password is not the one that was set last, or it is not known which one that was.
    """
    return tuple(_changes(wanted, found, password_moved=password_moved))


def _changes(wanted: WantedUser, found: FoundUser | None, *, password_moved: bool) -> Iterator[UserChange]:
    if found is None:
        yield CreateUser(wanted.password, dict(wanted.options))
        found = FoundUser()
    else:
        if password_moved and wanted.password is not None:
            yield SetPassword(wanted.password)
        options = {name: value for name, value in wanted.options.items() if found.options.get(name) != value}
        if options:
            yield SetOptions(options)
    yield from _rights(wanted, found)


def _rights(wanted: WantedUser, found: FoundUser) -> Iterator[UserChange]:
    for scope in sorted(wanted.rights.keys() | found.rights.keys() | wanted.has_all):
        asked, held = wanted.rights.get(scope, frozenset()), found.rights.get(scope, frozenset())
        if found.folds_names:
            asked = _as_held(asked, held)
        if scope in wanted.has_all:
            everything = found.all_on_server if scope == SERVER else found.all_on_database
            if not everything or not everything <= held:
                yield Grant(scope, ())
            asked |= held
        if missing := asked - held:
            yield Grant(scope, tuple(sorted(missing)))
        if extra := held - asked:
            yield Revoke(scope, tuple(sorted(extra)))


def _as_held(asked: frozenset[str], held: frozenset[str]) -> frozenset[str]:
    """Return names as the server spells them, where it holds them already; of two that are one there, one."""
    spelled = {name.casefold(): name for name in sorted(asked)} | {name.casefold(): name for name in held}
    return frozenset(spelled[name.casefold()] for name in asked)
