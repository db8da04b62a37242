"""SQL Server's client against a stand-in on a real socket: TLS, login, statements, errors. No real server ran here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UnavailableError
from engine.model.account import (
    SERVER,
    Account,
    CreateUser,
    DropUser,
    FoundUser,
    Grant,
    SetPassword,
    UserChange,
    WantedUser,
)
from engine.model.document import Secret
from engine.planning.accounts import plan_user
from providers.databases.adapter import Databases
from providers.databases.errors import LoginError, StatementError
from tests.databases.servers import free_port
from tests.databases.tds_server import ADMIN_PASSWORD, SqlError, StandIn, stand_in

pytestmark = pytest.mark.loopback

CLERK = Account(name="clerk")


@pytest.fixture
def server(keys: Path) -> Iterator[StandIn]:
    with stand_in(keys) as running:
        yield running


def apply(server: StandIn, account: Account, *changes: UserChange) -> None:
    asyncio.run(Databases(str(server.ca)).apply(server.login(), account, changes))


def find(server: StandIn, account: Account = CLERK, *, user: str = "", password: str = "") -> FoundUser | None:
    login = server.login(user=user, password=password) if user else server.login()
    return asyncio.run(Databases(str(server.ca)).find(login, account))


def reach(server: StandIn, wanted: WantedUser) -> tuple[UserChange, ...]:
    changes = plan_user(wanted, find(server, wanted.account), password_moved=False)
    apply(server, wanted.account, *changes)
    return changes


def test_a_user_lives(server: StandIn) -> None:
    """A user is made in the database with its password, gets another one, and goes; what is gone is no error."""
    assert find(server) is None
    apply(server, CLERK, CreateUser(Secret("first"), {}))
    assert find(server, user="clerk", password="first") is not None
    apply(server, CLERK, SetPassword(Secret("second")))
    with pytest.raises(LoginError):
        find(server, user="clerk", password="first")
    apply(server, CLERK, DropUser())
    apply(server, CLERK, DropUser())

    assert find(server) is None
    assert server.database.statements == [
        "CREATE USER [clerk] WITH PASSWORD = N'first'",
        "ALTER USER [clerk] WITH PASSWORD = N'second'",
        "DROP USER IF EXISTS [clerk]",
        "DROP USER IF EXISTS [clerk]",
    ]
    assert {login["database"] for login in server.logins} == {"shop"}


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=TEXTS, password=TEXTS)
def test_any_name_is_one_name(server: StandIn, name: str, password: str) -> None:
    """No name and no password makes a statement mean something else: the user is there with both, then it is not."""
    account = Account(name=f"x{name}x")

    apply(server, account, CreateUser(Secret(password), {}))
    held = dict(server.database.users)
    apply(server, account, DropUser())

    assert held == {f"x{name}x": password}
    assert server.database.users == {}


def test_roles_follow(server: StandIn) -> None:
    """Missing roles are added, extra ones dropped, whatever letter case they are asked for in; then nothing is left."""
    first = WantedUser(account=CLERK, password=Secret("x"), rights={SERVER: frozenset({"db_datareader", "odd]role"})})
    then = WantedUser(
        account=CLERK, password=Secret("x"), rights={SERVER: frozenset({"DB_DataReader", "db_datawriter"})}
    )

    reach(server, first)
    reach(server, then)

    found = find(server)
    assert found is not None
    assert found.rights == {SERVER: {"db_datareader", "db_datawriter"}}
    assert reach(server, then) == ()


def test_a_refused_statement_is_told_without_the_password(server: StandIn) -> None:
    """A role that does not exist is told in the server's words."""
    with pytest.raises(StatementError, match="Cannot alter the role 'nobody'") as caught:
        apply(server, CLERK, CreateUser(Secret("top-secret"), {}), Grant(SERVER, ("nobody",)))

    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_client_writes_no_password_down(server: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    """The library's own log, which holds statements, is silent."""
    caplog.set_level(logging.DEBUG)

    apply(server, CLERK, CreateUser(Secret("top-secret"), {}))

    assert "CREATE USER" not in caplog.text
    assert "secret" not in caplog.text
    assert ADMIN_PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("number", "error"),
    [
        pytest.param(18456, LoginError, id="a wrong password"),
        pytest.param(40615, LoginError, id="the firewall"),
        pytest.param(40613, UnavailableError, id="a database that is waking up"),
        pytest.param(50000, StatementError, id="anything else"),
    ],
)
def test_who_is_not_let_in(server: StandIn, number: int, error: type[Exception]) -> None:
    """What the server answers to a login tells a wrong administrator from a bad moment."""
    server.refuses_with = SqlError(number, "the server's own words")

    with pytest.raises(error, match="the server's own words"):
        find(server)


def test_a_server_that_proves_nothing_gets_no_password(server: StandIn) -> None:
    """A certificate of another authority ends the session before anybody logs in."""
    with pytest.raises(UnavailableError, match="certificate"):
        asyncio.run(Databases().find(server.login(), CLERK))

    assert server.logins == []


@pytest.mark.parametrize("word", [0, 2], ids=["for the login alone", "not at all"])
def test_a_server_that_does_not_encrypt_gets_no_password(server: StandIn, word: int) -> None:
    """Who answers that nothing, or the login alone, is encrypted hears no more."""
    server.encryption = word

    with pytest.raises(UnavailableError, match="does not encrypt"):
        find(server)

    assert server.logins == []


def test_a_gateway_leads_to_the_server(server: StandIn, keys: Path) -> None:
    """Azure's gateway names the server that holds the database; it is spoken to over TLS too, and checked by name."""
    with stand_in(keys, sends_to=lambda: ("localhost", server.port)) as gateway:
        apply(gateway, CLERK, CreateUser(Secret("x"), {}))

    assert server.database.users == {"clerk": "x"}
    assert [login["server"] for login in gateway.logins + server.logins] == ["127.0.0.1", "localhost"]


def test_a_circle_of_gateways_ends(keys: Path) -> None:
    """Servers that send to one another are no server."""
    with stand_in(keys) as gateway:
        gateway.sends_to = lambda: ("127.0.0.1", gateway.port)

        with pytest.raises(UnavailableError, match="from one server to another"):
            find(gateway)

    assert len(gateway.logins) == 3


def test_nobody_there_is_transient() -> None:
    """A server that does not answer may do so later."""
    server = StandIn(Path("none"), None, port=free_port())  # type: ignore[arg-type]

    with pytest.raises(UnavailableError, match="cannot be reached"):
        asyncio.run(Databases().find(server.login(), CLERK))
