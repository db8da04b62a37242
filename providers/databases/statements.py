"""From changes of a user to the statements that make them, per kind of server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, assert_never

from engine.model.account import (
    SERVER,
    Account,
    CreateUser,
    DatabaseEngine,
    DropUser,
    Grant,
    Revoke,
    SetOptions,
    SetPassword,
    UserChange,
)
from engine.model.document import Secret
from providers.databases.quoting import quote_name, quote_text

Conceal = Callable[[Secret], str]
"""Returns what stands for a password in a statement: the text itself, or what the server would keep of it."""

_MY, _PG, _MS = DatabaseEngine.MYSQL, DatabaseEngine.POSTGRESQL, DatabaseEngine.SQL_SERVER
_ATTRIBUTES: Final[Mapping[str, str]] = {
    "login": "LOGIN",
    "createRole": "CREATEROLE",
    "createDb": "CREATEDB",
    "replication": "REPLICATION",
}


def mysql(account: Account, change: UserChange, conceal: Conceal) -> Iterable[str]:
    """Return MySQL's statements; MariaDB takes the same, but for users of Entra."""
    user = f"{quote_name(_MY, account.name)}@{quote_name(_MY, account.host)}"
    match change:
        case CreateUser(password):
            yield _create_mysql(account, user, conceal(password) if password is not None else None)
        case SetPassword(password):
            yield f"ALTER USER {user} IDENTIFIED BY {quote_text(conceal(password))}"
        case Grant(scope, rights):
            yield f"GRANT {', '.join(rights) or 'ALL PRIVILEGES'} ON {_mysql_scope(scope)} TO {user}"
        case Revoke(scope, rights):
            yield f"REVOKE {', '.join(rights)} ON {_mysql_scope(scope)} FROM {user}"
        case DropUser():
            yield f"DROP USER IF EXISTS {user}"
        case SetOptions():
            return
        case _:
            assert_never(change)


def _create_mysql(account: Account, user: str, password: str | None) -> str:
    if password is not None:
        return f"CREATE USER IF NOT EXISTS {user} IDENTIFIED BY {quote_text(password)}"
    alias = f" AS {quote_text(account.name)}" if account.name != account.entra_name else ""
    return f"CREATE AADUSER IF NOT EXISTS {quote_text(account.entra_name)}{alias}"


def _mysql_scope(scope: str) -> str:
    return "*.*" if scope == SERVER else f"{quote_name(_MY, scope)}.*"


def postgresql(account: Account, change: UserChange, conceal: Conceal) -> Iterable[str]:
    """Return PostgreSQL's statements; attributes that are not to change are not named: some need a superuser."""
    user = quote_name(_PG, account.name)
    match change:
        case CreateUser(password, options):
            words = _attributes({name: value for name, value in options.items() if value or name == "login"})
            secret = f" PASSWORD {quote_text(conceal(password))}" if password is not None else ""
            yield f"CREATE USER {user} WITH {words}{secret}"
        case SetPassword(password):
            yield f"ALTER USER {user} WITH PASSWORD {quote_text(conceal(password))}"
        case SetOptions(options):
            yield f"ALTER USER {user} WITH {_attributes(options)}"
        case Grant(_, rights):
            yield f"GRANT {_names(rights)} TO {user}"
        case Revoke(_, rights):
            yield f"REVOKE {_names(rights)} FROM {user}"
        case DropUser():
            yield f"DROP USER IF EXISTS {user}"
        case _:
            assert_never(change)


def sqlserver(account: Account, change: UserChange, conceal: Conceal) -> Iterable[str]:
    """Return SQL Server's statements, about users whose password stands in the database itself."""
    user = quote_name(_MS, account.name)
    match change:
        case CreateUser(password):
            secret = f" WITH PASSWORD = N{quote_text(conceal(password))}" if password is not None else ""
            yield f"CREATE USER {user}{secret}"
        case SetPassword(password):
            yield f"ALTER USER {user} WITH PASSWORD = N{quote_text(conceal(password))}"
        case Grant(_, rights):
            yield from (f"ALTER ROLE {quote_name(_MS, role)} ADD MEMBER {user}" for role in rights)
        case Revoke(_, rights):
            yield from (f"ALTER ROLE {quote_name(_MS, role)} DROP MEMBER {user}" for role in rights)
        case DropUser():
            yield f"DROP USER IF EXISTS {user}"
        case SetOptions():
            return
        case _:
            assert_never(change)


def _attributes(options: Mapping[str, bool]) -> str:
    return " ".join(("" if value else "NO") + _ATTRIBUTES[name] for name, value in sorted(options.items()))


def _names(names: Iterable[str]) -> str:
    return ", ".join(quote_name(_PG, name) for name in names)
