"""SQL Server and Azure SQL through python-tds: users that live in one database, and its roles."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.errors import EngineError
from engine.model.account import SERVER, Account, FoundUser, Login, UserChange
from engine.model.document import Secret
from providers.databases.errors import refused, refused_login, unreachable
from providers.databases.secrets import secrets_of
from providers.databases.statements import sqlserver
from providers.databases.tds_link import Link, LinkError, RedirectedError, RefusedError
from providers.databases.tls import build_context

if TYPE_CHECKING:
    from pytds.connection import Connection
    from pytds.cursor import Cursor

TIMEOUT_S: Final = 30
_HOPS: Final = 3
_USER: Final = (
    "SELECT CASE WHEN N'a' = N'A' THEN 1 ELSE 0 END FROM sys.database_principals "
    "WHERE name = %s AND type IN ('S', 'E', 'U', 'X', 'G')"
)
_ROLES: Final = (
    "SELECT held.name FROM sys.database_role_members AS m "
    "JOIN sys.database_principals AS held ON held.principal_id = m.role_principal_id "
    "JOIN sys.database_principals AS holder ON holder.principal_id = m.member_principal_id WHERE holder.name = %s"
)
_LETS_NOBODY_IN: Final = frozenset(
    {916, 4060, 18452, 18456, 18461, 18470, 18486, 18487, 18488, 40532, 40607, 40615, 47073}
)
_NOT_NOW: Final = frozenset({615, 926, 4221, 10928, 10929, 40143, 40197, 40501, 40613, 49918, 49919, 49920})
"""https://learn.microsoft.com/azure/azure-sql/database/troubleshoot-common-errors-issues"""


def find(login: Login, account: Account, ca_file: str) -> FoundUser | None:
    """Return a user with the roles it is a member of; None when there is none. Blocking."""
    with _session(login, ca_file, ()) as cursor:
        cursor.execute(_USER, (account.name,))
        found = cursor.fetchall()
        if not found:
            return None
        cursor.execute(_ROLES, (account.name,))
        roles = frozenset(str(name) for (name,) in cursor.fetchall())
        return FoundUser(rights={SERVER: roles} if roles else {}, folds_names=bool(found[0][0]))


def apply(login: Login, account: Account, changes: Sequence[UserChange], ca_file: str) -> None:
    """Make changes; each is final when the server took it. Blocking."""
    with _session(login, ca_file, secrets_of(changes)) as cursor:
        for change in changes:
            for statement in sqlserver(account, change, lambda password: password.reveal()):
                cursor.execute(statement)


@contextmanager
def _session(login: Login, ca_file: str, secrets: Sequence[Secret]) -> Iterator[Cursor]:
    from pytds.tds_base import Error

    connection = _connect(login, ca_file)
    try:
        with connection.cursor() as cursor:
            yield cursor
    except (Error, LinkError) as exc:
        raise _error(exc, login, secrets) from None
    finally:
        connection.close()


def _connect(login: Login, ca_file: str) -> Connection:
    """Log in, at the server that the first one names if it does not serve the database itself."""
    from pytds.tds_base import Error

    context = build_context(ca_file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # inside TDS 7 there is no newer one
    host, port = login.host, login.port
    try:
        for _ in range(_HOPS):
            try:
                return _open(host, port, login, context)
            except RedirectedError as exc:
                host, port = exc.host, exc.port
    except RefusedError as exc:
        raise _refused(exc.number, exc.text, login, ()) from None
    except (Error, LinkError) as exc:
        raise _error(exc, login, ()) from None
    raise unreachable(login, "it sends its clients from one server to another", ())


def _open(host: str, port: int, login: Login, context: ssl.SSLContext) -> Connection:
    import pytds

    logging.getLogger("pytds").setLevel(logging.CRITICAL)  # it writes down the beginning of statements
    link: Any = Link(host, port, context, TIMEOUT_S)
    return pytds.connect(
        dsn=host,
        port=port,
        sock=link,
        user=login.user,
        password=login.password.reveal(),
        database=login.database,
        appname="trueup",
        autocommit=True,
        login_timeout=TIMEOUT_S,
        timeout=TIMEOUT_S,
        disable_connect_retry=True,
    )


def _error(exc: Exception, login: Login, secrets: Sequence[Secret]) -> EngineError:
    """Map what the library raised: the server's own number where there is one."""
    from pytds.tds_base import DatabaseError

    if not isinstance(exc, DatabaseError):
        return unreachable(login, str(exc), secrets)
    return _refused(exc.msg_no, exc.text, login, secrets)


def _refused(number: int, text: str, login: Login, secrets: Sequence[Secret]) -> EngineError:
    if number in _LETS_NOBODY_IN:
        return refused_login(login, text)
    if number in _NOT_NOW:
        return unreachable(login, text, secrets)
    return refused(login, text, secrets)
