"""Objects that ask for users of database servers."""

from __future__ import annotations

from typing import Any

import pytest

from engine.desired.accounts import read_user
from engine.errors import InvalidSpecError
from engine.model.account import SERVER, Account
from engine.model.document import Document
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource

LOCAL = {
    "serverAdminUsername": "boss",
    "serverAdminPassword": {"name": "admin", "key": "pw"},
    "password": {"name": "user", "key": "pw"},
}


def user(group: str, **spec: Any) -> CustomResource:
    key = ResourceKey(namespace="default", group=f"{group}.azure.com", kind="User", name="app", version="v1")
    return CustomResource(key=key, spec=Document(value={"owner": {"name": "server"}, **spec}))


def test_postgresql_options_have_the_defaults_of_the_kind() -> None:
    """Who says nothing may log in, and nothing else; the object's name is the user's."""
    read = read_user(user("dbforpostgresql", localUser=LOCAL, roles=["reader"], roleOptions={"createDb": True}))

    assert read.account == Account(name="app")
    assert read.wanted.options == {"login": True, "createRole": False, "createDb": True, "replication": False}
    assert read.wanted.rights == {SERVER: {"reader"}}
    assert (read.admin, read.admin_password, read.password) == ("boss", ("admin", "pw"), ("user", "pw"))


def test_privileges_are_read_as_servers_list_them() -> None:
    """Letter case and spaces mean nothing, USAGE neither, ALL means everything."""
    spec = {
        "privileges": ["usage", "create  user"],
        "databasePrivileges": {"shop": ["all privileges"], "blog": ["ALL"]},
    }
    read = read_user(user("dbformysql", localUser=LOCAL, **spec))

    assert read.wanted.rights == {SERVER: {"CREATE USER"}, "shop": frozenset(), "blog": frozenset()}
    assert read.wanted.has_all == {"shop", "blog"}
    assert read.account == Account(name="app", host="%")


def test_a_user_of_entra_has_no_password() -> None:
    """The identity's name is azureName, the user's its alias; without an administrator's password a token serves."""
    entra = {"serverAdminUsername": "boss", "alias": "short"}
    read = read_user(user("dbformysql", azureName="long@example.com", aadUser=entra))

    assert read.account == Account(name="short", host="%", entra_name="long@example.com")
    assert read.password is None
    assert read.admin_password is None


BAD: dict[str, tuple[CustomResource, str]] = {
    "both kinds of user": (user("dbformysql", localUser=LOCAL, aadUser={"serverAdminUsername": "b"}), "exactly one of"),
    "no user": (user("dbforpostgresql"), "the spec must hold localUser"),
    "no password": (user("dbformysql", localUser={"serverAdminUsername": "b"}), "password must name a Secret"),
    "a statement": (user("dbformysql", localUser=LOCAL, privileges=["SELECT ON *.* TO x; --"]), "consist of words"),
    "a line break": (user("dbforpostgresql", localUser=LOCAL, azureName="a\nb"), "cannot be printed"),
    "too long": (user("dbforpostgresql", localUser=LOCAL, azureName="é" * 32), "63 bytes"),
    "too long for SQL Server": (user("sql", localUser=LOCAL, azureName="n" * 129), "128 characters"),
    "roles are no list": (user("dbforpostgresql", localUser=LOCAL, roles="reader"), "must be a list of texts"),
}


@pytest.mark.parametrize(("resource", "said"), BAD.values(), ids=BAD.keys())
def test_a_wrong_spec_is_told(resource: CustomResource, said: str) -> None:
    """What cannot be used is named before any server is spoken to."""
    with pytest.raises(InvalidSpecError, match=said):
        read_user(resource)
