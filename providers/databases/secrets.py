"""Which passwords travel with changes, so that no error repeats them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.account import CreateUser, SetPassword, UserChange
from engine.model.document import Secret


def secrets_of(changes: Iterable[UserChange]) -> tuple[Secret, ...]:
    """Return the passwords that changes hold."""
    held = (c.password for c in changes if isinstance(c, CreateUser | SetPassword))
    return tuple(password for password in held if password is not None)
