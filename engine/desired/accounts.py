"""Objects that ask for users of database servers: what they ask for, and what must be known first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.desired.identity import find_member, spec_of
from engine.errors import InvalidSpecError
from engine.model.account import SERVER, Account, DatabaseEngine, WantedUser
from engine.model.document import Secret
from engine.model.ids import ResourceKey
from engine.model.state import CustomResource

ENGINES: Final[Mapping[str, DatabaseEngine]] = {
    "dbformysql.azure.com": DatabaseEngine.MYSQL,
    "dbforpostgresql.azure.com": DatabaseEngine.POSTGRESQL,
    "sql.azure.com": DatabaseEngine.SQL_SERVER,
}
USER_KIND: Final = "User"
_ALL: Final = frozenset({"ALL", "ALL PRIVILEGES"})
_NOTHING: Final = "USAGE"
_PRIVILEGE: Final = re.compile(r"[A-Z][A-Z_]*(?: [A-Z_]+)*")
_LONGEST: Final = 63
_LONGEST_SYSNAME: Final = 128
_OPTIONS: Final[Mapping[str, bool]] = {"login": True, "createRole": False, "createDb": False, "replication": False}

SecretSource = tuple[str, str]
"""Name and key of a Secret in the object's namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSpec:
    """What the spec of a user says, before any Secret is read.

    Attributes:
        admin_password: None: a token of Microsoft Entra is the password.
        password: None for users that Entra vouches for.
    """

    engine: DatabaseEngine
    account: Account
    admin: str
    admin_password: SecretSource | None
    password: SecretSource | None
    wanted: WantedUser

    def with_password(self, password: Secret | None) -> WantedUser:
        """Return what is asked for, now that the password is known."""
        wanted = self.wanted
        return WantedUser(
            account=self.account,
            password=password,
            options=wanted.options,
            rights=wanted.rights,
            has_all=wanted.has_all,
        )


def is_user(key: ResourceKey) -> bool:
    """Whether an object asks for a user of a database server."""
    return key.kind == USER_KIND and key.group in ENGINES


def read_user(resource: CustomResource) -> UserSpec:
    """Return what an object asks for.

    Raises:
        InvalidSpecError: A member is missing or cannot be used.
    """
    spec, engine = spec_of(resource), ENGINES[resource.key.group]
    local, entra = spec.get("localUser"), spec.get("aadUser") if engine is DatabaseEngine.MYSQL else None
    if isinstance(local, dict) == isinstance(entra, dict):
        choice = "exactly one of localUser and aadUser" if engine is DatabaseEngine.MYSQL else "localUser"
        raise InvalidSpecError(f"{resource.key}: the spec must hold {choice}")
    login: Mapping[str, Any] = local if isinstance(local, dict) else entra or {}
    account = _account(resource, engine, entra if isinstance(entra, dict) else None)
    rights, has_all = _READERS[engine](resource.key, spec)
    return UserSpec(
        engine=engine,
        account=account,
        admin=_checked(resource.key, "serverAdminUsername", login.get("serverAdminUsername")),
        admin_password=_source(resource.key, login, "serverAdminPassword", needed=engine is not DatabaseEngine.MYSQL),
        password=_source(resource.key, login, "password", needed=True) if isinstance(local, dict) else None,
        wanted=WantedUser(account=account, options=_options(engine, spec), rights=rights, has_all=has_all),
    )


def _account(resource: CustomResource, engine: DatabaseEngine, entra: Mapping[str, Any] | None) -> Account:
    key, spec = resource.key, spec_of(resource)
    name = _checked(key, "azureName", find_member(spec, "azureName") or key.name)
    if engine is DatabaseEngine.POSTGRESQL and len(name.encode()) > _LONGEST:
        raise InvalidSpecError(f"{key}: azureName is longer than {_LONGEST} bytes", hint="PostgreSQL would cut it")
    if engine is DatabaseEngine.SQL_SERVER and len(name.encode("utf-16-le")) > 2 * _LONGEST_SYSNAME:
        raise InvalidSpecError(f"{key}: azureName is longer than {_LONGEST_SYSNAME} characters")
    if engine is not DatabaseEngine.MYSQL:
        return Account(name=name)
    host = _checked(key, "hostname", spec.get("hostname") or "%")
    if entra is None:
        return Account(name=name, host=host)
    return Account(name=_checked(key, "alias", entra.get("alias") or name), host="%", entra_name=name)


def _checked(key: ResourceKey, member: str, value: object) -> str:
    """Return a name; every text but the empty one and those that no server can hold is one."""
    if not isinstance(value, str) or not value:
        raise InvalidSpecError(f"{key}: {member} must be a text that is not empty")
    if any(ord(c) < ord(" ") for c in value) or not value.isprintable():
        raise InvalidSpecError(f"{key}: {member} holds characters that cannot be printed", detail=ascii(value))
    return value


def _source(key: ResourceKey, login: Mapping[str, Any], member: str, *, needed: bool) -> SecretSource | None:
    source = login.get(member)
    if source is None and not needed:
        return None
    name, entry = (source.get("name"), source.get("key")) if isinstance(source, dict) else (None, None)
    if not (isinstance(name, str) and name and isinstance(entry, str) and entry):
        raise InvalidSpecError(f"{key}: {member} must name a Secret and a key in it")
    return (name, entry)


def _options(engine: DatabaseEngine, spec: Mapping[str, Any]) -> Mapping[str, bool]:
    if engine is not DatabaseEngine.POSTGRESQL:
        return {}
    given = spec.get("roleOptions")
    held = given if isinstance(given, dict) else {}
    return {name: value if isinstance(value := held.get(name), bool) else default for name, default in _OPTIONS.items()}


_Rights = tuple[dict[str, frozenset[str]], frozenset[str]]


def _privileges(key: ResourceKey, spec: Mapping[str, Any]) -> _Rights:
    asked = {SERVER: _texts(key, "privileges", spec.get("privileges"))}
    databases = spec.get("databasePrivileges")
    for database, names in (databases if isinstance(databases, dict) else {}).items():
        asked[_checked(key, "databasePrivileges", database)] = _texts(key, f"databasePrivileges.{database}", names)
    rights = {scope: frozenset(_privilege(key, n) for n in names) for scope, names in asked.items()}
    has_all = frozenset(scope for scope, names in rights.items() if names & _ALL)
    return {scope: names - _ALL - {_NOTHING} for scope, names in rights.items()}, has_all


def _privilege(key: ResourceKey, text: str) -> str:
    """Return a privilege as servers list it; nothing else may get into a statement, as it cannot be quoted there."""
    name = " ".join(text.upper().split())
    if not _PRIVILEGE.fullmatch(name):
        raise InvalidSpecError(
            f"{key}: a privilege must consist of words", detail=ascii(text), hint="for example SELECT, or CREATE VIEW"
        )
    return name


def _roles(key: ResourceKey, spec: Mapping[str, Any]) -> _Rights:
    return {SERVER: frozenset(_checked(key, "roles", n) for n in _texts(key, "roles", spec.get("roles")))}, frozenset()


_READERS: Final[Mapping[DatabaseEngine, Callable[[ResourceKey, Mapping[str, Any]], _Rights]]] = {
    DatabaseEngine.MYSQL: _privileges,
    DatabaseEngine.POSTGRESQL: _roles,
    DatabaseEngine.SQL_SERVER: _roles,
}


def _texts(key: ResourceKey, member: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidSpecError(f"{key}: {member} must be a list of texts")
    return tuple(value)
