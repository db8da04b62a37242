"""As whom the pod writes, over HTTPS with real tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from engine.app.credentials import CredentialBook
from engine.app.settings import Settings
from engine.cluster.operating import Operating
from engine.model.audit import Principal
from engine.model.document import Document, Secret
from engine.model.ids import ApiVersion, ArmId
from engine.model.state import CustomResource, ReadTarget
from engine.runtime.clock import SystemClock
from providers.emulator.connection import EmulatorConnection
from tests.builders import build_key

pytestmark = pytest.mark.loopback


def test_the_identity_is_what_the_token_says(served: EmulatorConnection) -> None:
    """Before the first request it is what the credential says, then application, object and tenant of the token."""
    before, after = asyncio.run(identities(served))

    assert before == Principal(app_id=served.client, tenant_id=served.tenant)
    assert (after.app_id, after.tenant_id) == (served.client, served.tenant)
    assert after.object_id


class NoSecrets:
    """A cluster without Secrets."""

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        return None


async def identities(served: EmulatorConnection) -> tuple[Principal, Principal]:
    """Return as whom an object's requests are sent, before and after the first of them."""
    found = CustomResource(key=build_key("default/ResourceGroup/rg"), spec=Document(value={}))
    settings = Settings.from_environment(served.environment())
    book = CredentialBook(NoSecrets(), settings, SystemClock(), Operating(), is_told=lambda: False)
    try:
        assert await book.resolve(found) == ""
        before = book.principal_of(found)
        await book.speaker_of(found).azure.fetch(
            ReadTarget(
                id=ArmId(f"/subscriptions/{served.subscription}/resourceGroups/none"),
                arm_type="Microsoft.Resources/resourceGroups",
                api_version=ApiVersion("2021-04-01"),
            )
        )
        return before, book.principal_of(found)
    finally:
        await book.close()
