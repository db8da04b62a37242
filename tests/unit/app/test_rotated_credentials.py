"""Who speaks to Azure with a credential that was rotated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from engine.app.credentials import FRESH_S, LAST_S, CredentialBook
from engine.app.settings import Settings
from engine.cluster.operating import Operating
from engine.model.document import Document, Secret
from engine.model.state import CustomResource
from providers.arm.adapter import AzureResourceManager
from tests.builders import build_key
from tests.fakes import FakeClock

WHO = dict.fromkeys(("AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID"), "00000000-0000-0000-0000-000000000001")
FIRST = CustomResource(key=build_key("one/ResourceGroup/rg"), spec=Document(value={}))
SECOND = CustomResource(key=build_key("two/ResourceGroup/rg"), spec=Document(value={}))


class Secrets:
    """Credentials of namespaces, by what their password is."""

    def __init__(self, **passwords: str) -> None:
        self.passwords = passwords

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        texts = {**WHO, "AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": self.passwords[namespace]}
        return {key: Secret(text) for key, text in texts.items()} if name == "aso-credential" else None


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the connections that were closed, in order."""
    found: list[object] = []
    close = AzureResourceManager.__aexit__

    async def noted(self: AzureResourceManager, *more: object) -> None:
        found.append(self)
        await close(self, *more)

    monkeypatch.setattr(AzureResourceManager, "__aexit__", noted)
    return found


def test_who_speaks_for_nobody_is_closed(closed: list[object]) -> None:
    """A rotated credential's connections are kept for what began with them, and closed once that must be over."""

    async def play() -> None:
        clock, secrets = FakeClock(), Secrets(one="a", two="a")
        book = CredentialBook(secrets, Settings.from_environment({}), clock, Operating(), is_told=lambda: False)

        async def speaker(resource: CustomResource, after: float = FRESH_S) -> object:
            clock.advance(after)
            assert await book.resolve(resource) == ""
            return book.speaker_of(resource).azure

        old = await speaker(FIRST)
        assert await speaker(SECOND) is old
        secrets.passwords["one"] = "b"
        new = await speaker(FIRST)
        await speaker(FIRST, LAST_S)
        assert closed == []
        secrets.passwords["two"] = "b"
        assert await speaker(SECOND) is new
        await speaker(FIRST, LAST_S - 1)
        assert closed == []
        await speaker(FIRST)
        assert closed == [old]
        await book.close()
        assert closed == [old, new]

    asyncio.run(play())
