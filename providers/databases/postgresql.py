"""PostgreSQL through psycopg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from engine.errors import EngineError
from engine.model.account import SERVER, Account, FoundUser, Login, UserChange
from engine.model.document import Secret
from providers.databases.errors import refused, refused_login, unreachable
from providers.databases.secrets import secrets_of
from providers.databases.statements import postgresql
from providers.databases.tls import authorities

if TYPE_CHECKING:
    import psycopg

TIMEOUT_S: Final = 30
_SESSION: Final = "-c standard_conforming_strings=on -c statement_timeout=30000 -c lock_timeout=10000"
_USER: Final = "SELECT rolcanlogin, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = %s"
_OPTIONS: Final = ("login", "createRole", "createDb", "replication")
_ROLES: Final = (
    "SELECT held.rolname FROM pg_auth_members m JOIN pg_roles held ON held.oid = m.roleid "
    "JOIN pg_roles holder ON holder.oid = m.member WHERE holder.rolname = %s"
)
_LETS_NOBODY_IN: Final = ("28", "3D")
_NOBODY_ANSWERS: Final = ("08", "53", "57")


def find(login: Login, account: Account, ca_file: str) -> FoundUser | None:
    """Return a user with the roles it is a member of; None when there is none. Blocking."""
    with _session(login, ca_file, ()) as connection:
        row = connection.execute(_USER, (account.name,)).fetchone()
        if row is None:
            return None
        roles = frozenset(str(name) for (name,) in connection.execute(_ROLES, (account.name,)))
        return FoundUser(
            options={name: bool(value) for name, value in zip(_OPTIONS, row, strict=True)},
            rights={SERVER: roles} if roles else {},
        )


def apply(login: Login, account: Account, changes: Sequence[UserChange], ca_file: str) -> None:
    """Make all changes or none. Blocking.

    The server gets what it would keep of a password, never the password: statements may end up in its log.
    """
    with _session(login, ca_file, secrets_of(changes)) as connection, connection.transaction():

        def conceal(password: Secret) -> str:
            name = account.name.encode()
            return connection.pgconn.encrypt_password(password.reveal().encode(), name).decode()

        for change in changes:
            for statement in postgresql(account, change, conceal):
                connection.execute(statement.encode())


@contextmanager
def _session(login: Login, ca_file: str, secrets: Sequence[Secret]) -> Iterator[psycopg.Connection[Any]]:
    import psycopg

    connection = _connect(login, ca_file)
    try:
        with connection:
            yield connection
    except psycopg.Error as exc:
        raise _error(exc, login, secrets) from None


def _connect(login: Login, ca_file: str) -> psycopg.Connection[Any]:
    import psycopg

    try:
        return psycopg.connect(
            host=login.host,
            port=login.port,
            user=login.user,
            password=login.password.reveal(),
            dbname=login.database,
            sslmode="verify-full",
            sslrootcert=str(authorities(ca_file)),
            connect_timeout=TIMEOUT_S,
            client_encoding="utf8",
            application_name="trueup",
            options=_SESSION,
            autocommit=True,
        )
    except psycopg.Error as exc:
        raise _connect_error(exc, login) from None


def _connect_error(exc: psycopg.Error, login: Login) -> EngineError:
    """Tell a refused login from a server that does not answer: before a session libpq gives no code, only words."""
    text = str(exc)
    if "authentication failed" in text or "no pg_hba.conf entry" in text or "does not exist" in text:
        return refused_login(login, text)
    return unreachable(login, text, ())


def _error(exc: psycopg.Error, login: Login, secrets: Sequence[Secret]) -> EngineError:
    """Map what a session raised; the server's own sentence only, as the rest may quote the statement."""
    state, text = exc.sqlstate or "", exc.diag.message_primary or type(exc).__name__
    if state.startswith(_LETS_NOBODY_IN):
        return refused_login(login, text)
    if not state or state.startswith(_NOBODY_ANSWERS):
        return unreachable(login, text, secrets)
    return refused(login, text, secrets)
