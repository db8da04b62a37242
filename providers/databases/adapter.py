"""Implements ``DatabaseUsers``; clients block, so each call has a thread, and there are few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from engine.model.account import Account, DatabaseEngine, FoundUser, Login, UserChange
from providers.databases import mysql, postgresql, sqlserver

AT_ONCE: Final = 8


class _Client(Protocol):
    """One kind of server."""

    def find(self, login: Login, account: Account, ca_file: str) -> FoundUser | None: ...

    def apply(self, login: Login, account: Account, changes: Sequence[UserChange], ca_file: str) -> None: ...


_CLIENTS: Final[Mapping[DatabaseEngine, _Client]] = {
    DatabaseEngine.MYSQL: mysql,
    DatabaseEngine.POSTGRESQL: postgresql,
    DatabaseEngine.SQL_SERVER: sqlserver,
}


class Databases:
    """Speaks to each server in its own language."""

    def __init__(self, ca_file: str = "") -> None:
        """Connect to nothing yet; ``ca_file`` replaces the public certificate authorities."""
        self._ca_file = ca_file
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def find(self, login: Login, account: Account) -> FoundUser | None:
        """Return a user as the server holds it; None when there is none."""
        client = _CLIENTS[login.engine]
        async with self._slots:
            return await asyncio.to_thread(client.find, login, account, self._ca_file)

    async def apply(self, login: Login, account: Account, changes: Sequence[UserChange]) -> None:
        """Make changes, in this order."""
        client = _CLIENTS[login.engine]
        async with self._slots:
            await asyncio.to_thread(client.apply, login, account, changes, self._ca_file)
