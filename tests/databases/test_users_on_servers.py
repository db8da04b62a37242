"""Users on real servers: created, changed, found again and dropped, whatever they are called."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path

import psycopg
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import EngineError, UnavailableError
from engine.model.account import (
    SERVER,
    Account,
    CreateUser,
    DatabaseEngine,
    DropUser,
    FoundUser,
    Grant,
    Revoke,
    SetOptions,
    SetPassword,
    WantedUser,
)
from engine.model.document import Secret
from engine.planning.accounts import plan_user
from providers.databases.adapter import Databases
from providers.databases.errors import LoginError, StatementError
from tests.databases.servers import DatabaseServer, free_port

pytestmark = pytest.mark.loopback

_NUMBERS = itertools.count(1)
ENGINES = ("postgresql", "mariadb")


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found


def account_on(server: DatabaseServer, name: str = "") -> Account:
    host = "%" if server.engine is DatabaseEngine.MYSQL else ""
    return Account(name=name or f"user{next(_NUMBERS)}", host=host)


def apply(server: DatabaseServer, account: Account, *changes: object) -> None:
    asyncio.run(Databases(str(server.ca)).apply(server.login(), account, changes))  # type: ignore[arg-type]


def find(server: DatabaseServer, account: Account) -> FoundUser | None:
    return asyncio.run(Databases(str(server.ca)).find(server.login(), account))


def reach(server: DatabaseServer, wanted: WantedUser, *, moved: bool = False) -> int:
    """Bring a user to what is wanted; return how many changes that took."""
    changes = plan_user(wanted, find(server, wanted.account), password_moved=moved)
    apply(server, wanted.account, *changes)
    return len(changes)


def can_log_in(server: DatabaseServer, name: str, password: str) -> bool:
    """Whether a client of its own is let in, as that user."""
    try:
        if server.engine is DatabaseEngine.POSTGRESQL:
            psycopg.connect(host="127.0.0.1", port=server.port, user=name, password=password, dbname="postgres").close()
        else:
            pymysql.connect(host="127.0.0.1", port=server.port, user=name, password=password.encode()).close()
    except (psycopg.OperationalError, pymysql.OperationalError):
        return False
    return True


def test_a_user_lives(server: DatabaseServer) -> None:
    """A user is made with its password, gets another one, and goes; what is gone is no error."""
    account = account_on(server)

    assert find(server, account) is None
    apply(server, account, CreateUser(Secret("first"), {"login": True}))
    assert can_log_in(server, account.name, "first")
    apply(server, account, SetPassword(Secret("sec'ond\\")))
    assert can_log_in(server, account.name, "sec'ond\\")
    assert not can_log_in(server, account.name, "first")
    apply(server, account, DropUser())
    apply(server, account, DropUser())
    assert find(server, account) is None


ODD = ["a'b\"c`d\\", "a\\'--;/*b*/", "ünï ∂é %s %(x)s", "'", '"', "`", "\\"]


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_and_passwords_stay_what_they_are(server: DatabaseServer, odd: str) -> None:
    """A name or password full of SQL's own signs names one user, and lets in with exactly itself."""
    account = account_on(server, f"{odd}{next(_NUMBERS)}"[-30:])
    password = odd * 2 + "x"

    reach(server, WantedUser(account=account, password=Secret(password), options=LOGIN[server.engine]))

    found = find(server, account)
    let_in = can_log_in(server, account.name, password)
    apply(server, account, DropUser())
    assert found is not None
    assert let_in
    assert find(server, account) is None


LOGIN: Mapping[DatabaseEngine, Mapping[str, bool]] = {
    DatabaseEngine.POSTGRESQL: {"login": True, "createRole": False, "createDb": False, "replication": False},
    DatabaseEngine.MYSQL: {},
}
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], max_codepoint=0xFFFF), min_size=1, max_size=12)
"""MySQL names hold no characters beyond the basic plane; PostgreSQL cuts names after 63 bytes."""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, password=TEXTS)
def test_any_name_is_one_name(server: DatabaseServer, name: str, password: str) -> None:
    """No name and no password makes a statement mean something else: the user is there, then it is not."""
    account = account_on(server, f"x{name}x")

    apply(server, account, CreateUser(Secret(password), LOGIN[server.engine]))
    found = find(server, account)
    apply(server, account, DropUser())

    assert found is not None
    assert find(server, account) is None


def test_roles_and_options_follow(postgresql: DatabaseServer) -> None:
    """Missing roles are granted, extra ones revoked, several at once; options follow; then nothing is left to do."""
    for role in ('rea"der', "writer", "old"):
        apply(postgresql, Account(name=role), CreateUser(None, {"login": False}))
    account = account_on(postgresql)
    options = dict(LOGIN[DatabaseEngine.POSTGRESQL])
    first = WantedUser(
        account=account, password=Secret("x"), options=options, rights={SERVER: frozenset({"old", 'rea"der'})}
    )
    then = WantedUser(
        account=account,
        password=Secret("x"),
        options={**options, "createDb": True, "login": False},
        rights={SERVER: frozenset({"writer", 'rea"der'})},
    )

    reach(postgresql, first)
    reach(postgresql, then)

    found = find(postgresql, account)
    assert found is not None
    assert found.options == {"login": False, "createRole": False, "createDb": True, "replication": False}
    assert found.rights == {SERVER: {"writer", 'rea"der'}}
    assert reach(postgresql, then) == 0


def test_a_change_that_fails_changes_nothing(postgresql: DatabaseServer) -> None:
    """PostgreSQL: all changes or none; a role that does not exist is told, with the server's words."""
    account = account_on(postgresql)

    with pytest.raises(StatementError, match='role "nobody" does not exist'):
        apply(postgresql, account, CreateUser(Secret("pass-1"), {"login": True}), Grant(SERVER, ("nobody",)))

    assert find(postgresql, account) is None


def test_the_password_is_not_in_the_servers_log(postgresql: DatabaseServer) -> None:
    """The server gets what it would keep of a password, so that a log of statements holds none."""
    account = account_on(postgresql)

    apply(postgresql, account, CreateUser(Secret("very-secret-1"), {"login": True}))
    apply(postgresql, account, SetPassword(Secret("very-secret-2")))

    assert account.name in postgresql.log
    assert "very-secret" not in postgresql.log


def test_privileges_follow(mariadb: DatabaseServer) -> None:
    """Privileges of the server and of databases: missing ones are granted, extra ones revoked; then nothing is left."""
    account = Account(name="clerk", host="10.%")
    first = WantedUser(
        account=account,
        password=Secret("x"),
        rights={SERVER: frozenset({"PROCESS"}), "shop": frozenset({"SELECT", "INSERT"}), "blog": frozenset({"DROP"})},
    )
    then = WantedUser(
        account=account,
        password=Secret("x"),
        rights={SERVER: frozenset({"RELOAD"}), "shop": frozenset({"SELECT", "CREATE VIEW"})},
    )

    reach(mariadb, first)
    reach(mariadb, then)

    found = find(mariadb, account)
    assert found is not None
    assert {s: r for s, r in found.rights.items() if r} == {SERVER: {"RELOAD"}, "shop": {"SELECT", "CREATE VIEW"}}
    assert reach(mariadb, then) == 0


def test_all_is_granted_once(mariadb: DatabaseServer) -> None:
    """Every privilege there is: granted, nothing taken away, and once it is held nothing is left to do."""
    account = Account(name="owner", host="%")
    wanted = WantedUser(account=account, password=Secret("x"), has_all=frozenset({SERVER, "shop"}))
    apply(mariadb, account, CreateUser(Secret("x"), {}), Grant("shop", ("SELECT",)))

    assert reach(mariadb, wanted) == 2
    assert reach(mariadb, wanted) == 0


def test_two_hosts_are_two_users(mariadb: DatabaseServer) -> None:
    """A user is named by name and host: rights and the end of the one are no matter of the other."""
    near, far = Account(name="twin", host="localhost"), Account(name="twin", host="%")
    for account in (near, far):
        apply(mariadb, account, CreateUser(Secret("x"), {}), Grant("shop", ("SELECT",)))

    apply(mariadb, near, Revoke("shop", ("SELECT",)), DropUser())

    found = find(mariadb, far)
    assert find(mariadb, near) is None
    assert found is not None
    assert found.rights["shop"] == {"SELECT"}


def test_a_wrong_administrator_is_told_without_password(server: DatabaseServer) -> None:
    """A password that is refused is an error that names server and user, and no password."""
    login = server.login(password="wrong-secret")

    with pytest.raises(LoginError) as caught:
        asyncio.run(Databases(str(server.ca)).find(login, account_on(server)))

    assert "boss" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)


def test_a_server_that_proves_nothing_gets_no_password(server: DatabaseServer) -> None:
    """A certificate of another authority ends the session before anybody logs in."""
    with pytest.raises(UnavailableError, match="certificate"):
        asyncio.run(Databases().find(server.login(), account_on(server)))


@pytest.mark.parametrize("engine", [DatabaseEngine.POSTGRESQL, DatabaseEngine.MYSQL])
def test_nobody_there_is_transient(engine: DatabaseEngine) -> None:
    """A server that does not answer may do so later."""
    server = DatabaseServer(engine, free_port(), "boss", Path("none"), Path("none"))

    with pytest.raises(UnavailableError, match="cannot be reached"):
        asyncio.run(Databases().find(server.login(), account_on(server)))


def test_a_refused_statement_does_not_repeat_the_password(server: DatabaseServer) -> None:
    """Whatever the server says about a statement, the password in it is not passed on."""
    account = account_on(server)
    changes = (CreateUser(Secret("top'secret"), {"login": True}), Grant("", ("NO SUCH THING",)), SetOptions({}))

    with pytest.raises(EngineError) as caught:
        apply(server, account, *changes)

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
