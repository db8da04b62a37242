"""Users of database servers, as objects of a cluster ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from engine.cluster.objects import ClusterObject
from engine.cluster.verdict import owner_missing
from engine.desired.accounts import SecretSource, UserSpec, is_user, read_user
from engine.desired.identity import ObjectIdentity, find_member, read_owner, spec_of
from engine.desired.policy import BASELINE
from engine.errors import InvalidSpecError, OwnerNotReadyError, PolicyDeniedError, SecretNotFoundError
from engine.model.account import (
    DEFAULT_PORTS,
    DatabaseEngine,
    DropUser,
    Login,
    SetPassword,
    UserChange,
    WantedUser,
)
from engine.model.document import Secret
from engine.model.ids import ResourceKey
from engine.model.state import ActualState, CustomResource
from engine.planning.accounts import plan_user
from engine.ports import DatabaseUsers
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.outside import Errand, Look
from schemas.kinds import lookup_kind

_DATABASES: Final[Mapping[DatabaseEngine, str]] = {
    DatabaseEngine.MYSQL: "mysql",
    DatabaseEngine.POSTGRESQL: "postgres",
}
"""Where users of a whole server are made; a user of SQL Server is made in the database that owns it."""
_HOST: Final = "fullyQualifiedDomainName"
_Host = tuple[str, str]
"""Print of a status, and the name of the server in it."""
_UNREAD: Final[_Host] = ("?", "")
_MEMORY: Final = "password:"


class Tokens(Protocol):
    """Tokens of Microsoft Entra, for whoever speaks for an object."""

    async def database_token(self, resource: CustomResource) -> tuple[Secret, str]:
        """Return a token that database servers take as a password, and which Secret the credential came from.

        Raises:
            EngineError: There is no credential, or it is not accepted.
        """
        ...


class Users:
    """The handler of the kinds ``User``."""

    def __init__(self, objects: Objects, databases: DatabaseUsers, tokens: Tokens, secret_key: bytes) -> None:
        """Keep the parts; ``secret_key`` is the key of the hashes of passwords."""
        self._objects = objects
        self._databases = databases
        self._tokens = tokens
        self._secret_key = secret_key
        self._hosts: dict[str, _Host] = {}

    def takes(self, key: ResourceKey) -> bool:
        """Whether an object asks for a user of a database server."""
        return is_user(key)

    async def prepare(self, found: ClusterObject) -> Errand:
        """Return the user an object asks for."""
        spec = read_user(found.resource)
        login, credential = await self._login(found, spec)
        password = await self._secret(found.resource, spec.password) if spec.password is not None else None
        return _UserErrand(self._databases, login, spec.with_password(password), found, self._secret_key, credential)

    async def prepare_removal(self, found: ClusterObject) -> Errand | None:
        """Return the user to drop; without its server there is none."""
        spec = read_user(found.resource)
        owner = self._objects.find(_owner_of(found.resource))
        if owner is None or self._objects.find(_server_of(owner, spec.engine)) is None:
            return None
        login, credential = await self._login(found, spec)
        return _UserErrand(self._databases, login, spec.wanted, found, self._secret_key, credential)

    def _owner(self, found: ClusterObject, identity: ObjectIdentity) -> ClusterObject:
        """Return the database or server of a user; before it is ready nothing new is made in it."""
        owner = self._objects.find(identity)
        if owner is not None and (found.is_claimed or (owner.ready is not None and owner.ready.is_true)):
            return owner
        raise OwnerNotReadyError(owner_missing(_key_of(identity)))

    async def _host_of(self, server: ClusterObject) -> str:
        """Return where a server is; it is read once for each status of the server's object."""
        uid = server.resource.uid
        if self._hosts.get(uid, _UNREAD)[0] != server.status_print:
            self._hosts |= await self._read_host(server)
        if uid in self._hosts:
            return self._hosts[uid][1]
        raise OwnerNotReadyError(owner_missing(server.resource.key))

    async def _read_host(self, owner: ClusterObject) -> dict[str, _Host]:
        for seen in await self._objects.reread([owner.resource]):
            status = seen.status.value if seen.status is not None else None
            host = status.get(_HOST) if isinstance(status, dict) else None
            if isinstance(host, str) and host:
                return {owner.resource.uid: (owner.status_print, host)}
        return {}

    async def _login(self, found: ClusterObject, spec: UserSpec) -> tuple[Login, str]:
        resource = found.resource
        owner = self._owner(found, _owner_of(resource))
        server = self._owner(found, _server_of(owner, spec.engine))
        host, port = _split(await self._host_of(server), DEFAULT_PORTS[spec.engine])
        if spec.admin_password is not None:
            password, credential = await self._secret(resource, spec.admin_password), ""
        else:
            password, credential = await self._tokens.database_token(resource)
        return Login(
            engine=spec.engine,
            host=host,
            port=port,
            database=_DATABASES.get(spec.engine) or _name_of(owner.resource),
            user=spec.admin,
            password=password,
            is_token=spec.admin_password is None,
        ), credential

    async def _secret(self, resource: CustomResource, source: SecretSource) -> Secret:
        namespace, (name, key) = resource.key.namespace, source
        try:
            held = await self._objects.fetch_secret(namespace, name)
        except PolicyDeniedError as exc:
            raise SecretNotFoundError(f'Secret "{namespace}/{name}" may not be read: {exc}') from exc
        if held is None:
            raise SecretNotFoundError(f'Secret "{namespace}/{name}" does not exist')
        if key not in held:
            raise SecretNotFoundError(f'Secret "{namespace}/{name}" does not contain key "{key}"')
        return held[key]


class _UserErrand:
    """One user on one server."""

    actual: ActualState | None = None
    resource_id = ""

    def __init__(
        self,
        databases: DatabaseUsers,
        login: Login,
        wanted: WantedUser,
        found: ClusterObject,
        secret_key: bytes,
        credential: str,
    ) -> None:
        self._databases = databases
        self._login = login
        self._wanted = wanted
        self._remembered = found.resource.annotations.get(BASELINE, "")
        self._changes: tuple[UserChange, ...] = ()
        self.credential = credential
        self.memory: str | None = _memory_of(login, wanted, secret_key)

    async def look(self) -> Look:
        found = await self._databases.find(self._login, self._wanted.account)
        moved = self.memory is not None and self._remembered != self.memory
        self._changes = plan_user(self._wanted, found, password_moved=moved)
        sets_password = any(isinstance(c, SetPassword) for c in self._changes)
        return Look(is_there=found is not None, differs=bool(self._changes), is_asked=sets_password)

    async def write(self) -> None:
        await self._databases.apply(self._login, self._wanted.account, self._changes)

    async def remove(self) -> None:
        await self._databases.apply(self._login, self._wanted.account, (DropUser(),))

    async def export(self) -> None:
        """Do nothing: the kinds export nothing."""


def _memory_of(login: Login, wanted: WantedUser, secret_key: bytes) -> str | None:
    """Return a print of the password on this server; nobody can tell the password from it."""
    if wanted.password is None:
        return None
    text = f"{login.host}\n{wanted.account.name}\n{wanted.account.host}\n{wanted.password.reveal()}"
    return _MEMORY + Secret(text).hash_with(secret_key)


def _owner_of(resource: CustomResource) -> ObjectIdentity:
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    link = read_owner(resource, kind).object if kind is not None else None
    if link is None:
        raise InvalidSpecError(f"{resource.key}: spec.owner must name an object")
    return link


def _server_of(owner: ClusterObject, engine: DatabaseEngine) -> ObjectIdentity:
    """Return the server: the owner itself, or what owns the database."""
    return _owner_of(owner.resource) if engine is DatabaseEngine.SQL_SERVER else owner.identity


def _name_of(database: CustomResource) -> str:
    return str(find_member(spec_of(database), "azureName") or database.key.name)


def _key_of(identity: ObjectIdentity) -> ResourceKey:
    return ResourceKey(namespace=identity[0], group=identity[1], kind=identity[2], name=identity[3])


def _split(address: str, default: int) -> tuple[str, int]:
    """Return host and port of an address; a server behind a proxy has its port in its name."""
    host, _, port = address.rpartition(":")
    return (host, int(port)) if host and port.isdecimal() else (address, default)
