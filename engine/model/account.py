"""Users of a database server: what an object asks for, what the server holds, and what leads from one to the other."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.model.document import Secret

SERVER: str = ""
"""The scope of rights that hold on the whole server (SQL Server: in the whole database)."""
Rights: TypeAlias = Mapping[str, frozenset[str]]
"""Privileges or roles by scope: ``SERVER``, or the name of a database."""


class DatabaseEngine(enum.StrEnum):
    """Which language a server speaks."""

    MYSQL = "MySQL"
    POSTGRESQL = "PostgreSQL"
    SQL_SERVER = "SQL Server"


DEFAULT_PORTS: Mapping[DatabaseEngine, int] = {
    DatabaseEngine.MYSQL: 3306,
    DatabaseEngine.POSTGRESQL: 5432,
    DatabaseEngine.SQL_SERVER: 1433,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A server, and who speaks to it.

    Attributes:
        database: The database of the session.
        is_token: The password is a token of Microsoft Entra, which the server takes in clear text over TLS.
    """

    engine: DatabaseEngine
    host: str
    port: int
    database: str
    user: str
    password: Secret = field(repr=False)
    is_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What names a user on its server.

    Attributes:
        host: MySQL: where the user may come from; empty elsewhere.
        entra_name: The Entra identity behind the user; empty for users with a password.
    """

    name: str
    host: str = ""
    entra_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedUser:
    """What an object asks for.

    Attributes:
        password: None for users that Entra vouches for.
        options: PostgreSQL: attributes of the role.
        has_all: Scopes on which every privilege is asked for: nothing is taken away there.
    """

    account: Account
    password: Secret | None = field(default=None, repr=False)
    options: Mapping[str, bool] = field(default_factory=dict)
    rights: Rights = field(default_factory=dict)
    has_all: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundUser:
    """What a server holds.

    Attributes:
        all_on_server, all_on_database: What every privilege means there, as far as the one who looks can grant it.
        folds_names: Names that differ in letter case alone are the same one.
    """

    options: Mapping[str, bool] = field(default_factory=dict)
    rights: Rights = field(default_factory=dict)
    all_on_server: frozenset[str] = frozenset()
    all_on_database: frozenset[str] = frozenset()
    folds_names: bool = False


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make the user; its rights come after."""

    password: Secret | None = field(repr=False)
    options: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class SetPassword:
    """Give the user another password."""

    password: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetOptions:
    """Change these attributes, and no others."""

    options: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Grant:
    """Give rights, sorted by name; none of them: every privilege there is."""

    scope: str
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take rights away."""

    scope: str
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DropUser:
    """Take the user away."""


UserChange: TypeAlias = CreateUser | SetPassword | SetOptions | Grant | Revoke | DropUser
