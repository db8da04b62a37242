"""Statements about users, and the quoting inside them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidSpecError
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
from providers.databases.errors import scrub
from providers.databases.quoting import quote_name, quote_text
from providers.databases.statements import mysql, sqlserver

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
SIGNS = {DatabaseEngine.MYSQL: "``", DatabaseEngine.POSTGRESQL: '""', DatabaseEngine.SQL_SERVER: "[]"}


@given(text=TEXTS, engine=st.sampled_from(sorted(SIGNS)))
def test_what_is_quoted_ends_where_it_should(text: str, engine: DatabaseEngine) -> None:
    """Inside the signs every sign stands twice, so that a server reads back exactly the text, and nothing after it."""
    for (begin, sign), quoted in ((SIGNS[engine], quote_name(engine, text)), ("''", quote_text(text))):
        inside = quoted[1:-1]

        assert (quoted[0], quoted[-1]) == (begin, sign)
        assert sign not in inside.replace(sign * 2, "")
        assert inside.replace(sign * 2, sign) == text


@pytest.mark.parametrize("text", ["", "a\0b", "\ud800"])
def test_what_no_server_holds_is_refused(text: str) -> None:
    """An empty name, a NUL, half a character: an error before anything is sent."""
    with pytest.raises(InvalidSpecError):
        quote_name(DatabaseEngine.MYSQL, text)


def test_users_of_entra_are_made_by_their_own_statement() -> None:
    """Azure Database for MySQL: the identity's name, and the user's where it is another one."""
    long, short = Account(name="a'b", host="%", entra_name="long@x"), Account(name="u", host="%", entra_name="u")

    made = [*mysql(long, CreateUser(None, {}), Secret.reveal), *mysql(short, CreateUser(None, {}), Secret.reveal)]

    assert made == ["CREATE AADUSER IF NOT EXISTS 'long@x' AS 'a''b'", "CREATE AADUSER IF NOT EXISTS 'u'"]


def test_a_database_is_one_name() -> None:
    """A database called like a statement is a database."""
    account = Account(name="u", host="%")

    assert [*mysql(account, Grant("x`.* TO y; --", ("SELECT",)), Secret.reveal)] == [
        "GRANT SELECT ON `x``.* TO y; --`.* TO `u`@`%`"
    ]


@pytest.mark.parametrize(
    ("change", "statements"),
    [
        (CreateUser(Secret("p'w"), {}), ["CREATE USER [a]]b] WITH PASSWORD = N'p''w'"]),
        (SetPassword(Secret("p]w")), ["ALTER USER [a]]b] WITH PASSWORD = N'p]w'"]),
        (Grant(SERVER, ("r]", "s")), ["ALTER ROLE [r]]] ADD MEMBER [a]]b]", "ALTER ROLE [s] ADD MEMBER [a]]b]"]),
        (Revoke(SERVER, ("r",)), ["ALTER ROLE [r] DROP MEMBER [a]]b]"]),
        (DropUser(), ["DROP USER IF EXISTS [a]]b]"]),
        (SetOptions({}), []),
    ],
    ids=["create", "password", "grant", "revoke", "drop", "options"],
)
def test_statements_of_sql_server(change: UserChange, statements: list[str]) -> None:
    """Each change is the statements SQL Server has for it, every name in brackets and every text a Unicode one."""
    assert [*sqlserver(Account(name="a]b"), change, Secret.reveal)] == statements


def test_passwords_are_taken_out_of_texts() -> None:
    """Written plainly or quoted, a password does not stay in a message."""
    assert scrub("near 'it''s' and it's", [Secret("it's")]) == "near '***' and ***"
