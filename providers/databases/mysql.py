"""MySQL through PyMySQL; MariaDB speaks the same language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.errors import EngineError
from engine.model.account import SERVER, Account, FoundUser, Login, UserChange
from providers.databases.errors import refused, refused_login, unreachable
from providers.databases.secrets import secrets_of
from providers.databases.statements import mysql
from providers.databases.tls import build_context

if TYPE_CHECKING:
    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

TIMEOUT_S: Final = 30
_MODE: Final = "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'"
_NOT_OURS: Final = frozenset({"USAGE", "GRANT OPTION", "PROXY"})
_GRANT_OPTION: Final = "GRANT OPTION"
_LETS_NOBODY_IN: Final = frozenset({1044, 1045, 1698, 1130, 3118})
_NOBODY_ANSWERS: Final = frozenset({1040, 1053, 2002, 2003, 2006, 2013, 2026})
_ON_SERVER: Final = "SELECT '', privilege_type, is_grantable FROM information_schema.user_privileges WHERE grantee = %s"
_ON_DATABASES: Final = (
    "SELECT table_schema, privilege_type, is_grantable FROM information_schema.schema_privileges WHERE grantee = %s"
)
ALL_ON_DATABASE: Final = frozenset(
    {
        "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "EXECUTE", "EVENT",
        "TRIGGER", "CREATE TEMPORARY TABLES", "LOCK TABLES", "CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE",
        "ALTER ROUTINE",
    }
)  # fmt: skip
"""What a database knows of privileges (https://dev.mysql.com/doc/refman/8.0/en/privileges-provided.html)."""


def find(login: Login, account: Account, ca_file: str) -> FoundUser | None:
    """Return a user with its rights; None when there is none. Blocking."""
    with _session(login, ca_file, ()) as cursor:
        cursor.execute("SELECT 1 FROM mysql.user WHERE user = %s AND host = %s", (account.name, account.host))
        if cursor.fetchone() is None:
            return None
        cursor.execute("SELECT CURRENT_USER()")
        name, _, host = str(_rows(cursor)[0][0]).rpartition("@")
        rights = _rights(cursor, account.name, account.host)
        own = _rights(cursor, name, host).get(SERVER, frozenset())
        return FoundUser(rights=rights, all_on_server=own - _NOT_OURS, all_on_database=ALL_ON_DATABASE)


def apply(login: Login, account: Account, changes: Sequence[UserChange], ca_file: str) -> None:
    """Make changes; each is final when the server took it. Blocking."""
    with _session(login, ca_file, secrets_of(changes)) as cursor:
        for change in changes:
            for statement in mysql(account, change, lambda password: password.reveal()):
                cursor.execute(statement)


def _rights(cursor: Cursor, name: str, host: str) -> dict[str, frozenset[str]]:
    """Return rights by scope; a grantee is listed as name and host between signs that are not doubled."""
    found: dict[str, set[str]] = {}
    for query in (_ON_SERVER, _ON_DATABASES):
        cursor.execute(query, (f"'{name}'@'{host}'",))
        for scope, privilege, is_grantable in _rows(cursor):
            held = found.setdefault(str(scope), set())
            held |= {str(privilege)} | ({_GRANT_OPTION} if is_grantable == "YES" else set())
    return {scope: frozenset(held - {"USAGE"}) for scope, held in found.items()}


def _rows(cursor: Cursor) -> Sequence[tuple[Any, ...]]:
    return list(cursor.fetchall())


@contextmanager
def _session(login: Login, ca_file: str, secrets: Sequence[Any]) -> Iterator[Cursor]:
    import pymysql

    connection = _connect(login, ca_file)
    try:
        with connection.cursor() as cursor:
            yield cursor
    except pymysql.MySQLError as exc:
        raise _error(exc, login, secrets) from None
    finally:
        connection.close()


def _connect(login: Login, ca_file: str) -> Connection[Cursor]:
    import pymysql

    try:
        return pymysql.connect(
            host=login.host,
            port=login.port,
            user=login.user,
            password=login.password.reveal().encode(),
            database=login.database,
            charset="utf8mb4",
            autocommit=True,
            init_command=_MODE,
            ssl=build_context(ca_file),
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            write_timeout=TIMEOUT_S,
        )
    except (pymysql.MySQLError, OSError) as exc:
        raise _error(exc, login, ()) from None


def _error(exc: Exception, login: Login, secrets: Sequence[Any]) -> EngineError:
    code, text = (exc.args[0], str(exc.args[1])) if len(exc.args) > 1 else (0, str(exc))
    if code in _LETS_NOBODY_IN:
        return refused_login(login, text)
    if code in _NOBODY_ANSWERS or isinstance(exc, OSError):
        return unreachable(login, text, secrets)
    return refused(login, text, secrets)
