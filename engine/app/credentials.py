"""Credential Secrets become connections to Azure: the object's own, its namespace's, or the operator's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.app.azure import build_arm_options
from engine.app.settings import Settings
from engine.cluster.credentials import (
    GLOBAL_SECRET,
    NAMESPACE_SECRET,
    Credential,
    SecretName,
    named_secret,
    read_credential,
)
from engine.errors import EngineError, InvalidSpecError
from engine.model.state import CustomResource
from engine.ports import Clock, DesiredSource

if TYPE_CHECKING:
    from engine.runtime.executor import Azure
    from providers.arm.adapter import AzureResourceManager

_Scope = tuple[str, str]
_NO_CREDENTIAL: Final = "global credential not configured, you must use either namespaced or per-resource credentials"
FRESH_S: Final = 5.0
"""A Secret that was read is good for this long: an edit is used soon, and a burst of objects reads it once."""


class CredentialBook:
    """Knows who speaks for which object; edits of Secrets are used without a restart."""

    def __init__(self, source: DesiredSource, settings: Settings, clock: Clock, *, operator_namespace: str) -> None:
        """Nothing is read yet."""
        self._source = source
        self._settings = settings
        self._clock = clock
        self._operator = operator_namespace
        self._stack = AsyncExitStack()
        self._read_at: dict[_Scope, float] = {}
        self._found: dict[_Scope, Credential | str] = {}
        self._speakers: dict[tuple[tuple[str, str], ...], AzureResourceManager] = {}
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        await self._stack.aclose()

    async def resolve(self, resource: CustomResource) -> str:
        """Find an object's credential; return why that is not possible, else an empty text."""
        scope = _scope_of(resource)
        async with self._lock:
            if self._clock.monotonic() - self._read_at.get(scope, -FRESH_S) >= FRESH_S:
                try:
                    found = await self._find(resource)
                    await self._connect(found)
                except EngineError as exc:
                    self._found[scope] = str(exc)
                else:
                    self._found[scope] = found
                self._read_at[scope] = self._clock.monotonic()
        found_now = self._found[scope]
        return found_now if isinstance(found_now, str) else ""

    async def _find(self, resource: CustomResource) -> Credential:
        named = named_secret(resource.annotations, resource.key.namespace)
        if named is not None:
            credential = await self._read(named)
            if credential is None:
                raise InvalidSpecError(f'credential Secret "{"/".join(named)}" does not exist')
            return credential
        return await self._read((resource.key.namespace, NAMESPACE_SECRET)) or self._global()

    async def _read(self, name: SecretName) -> Credential | None:
        data = await self._source.fetch_secret(*name)
        return read_credential(name, data) if data is not None else None

    def _global(self) -> Credential:
        if not self._settings.subscription:
            raise InvalidSpecError(_NO_CREDENTIAL)
        source = f"{self._operator}/{GLOBAL_SECRET}"
        return Credential(source=source, settings=self._settings.credential)

    async def _connect(self, credential: Credential) -> None:
        from providers.arm.adapter import AzureResourceManager

        key = _key_of(credential)
        if key not in self._speakers:
            options = replace(build_arm_options(self._settings), credential=credential.settings)
            azure = AzureResourceManager(options, clock=self._clock)
            self._speakers[key] = await self._stack.enter_async_context(azure)

    def subscription_of(self, resource: CustomResource) -> str:
        """Return the subscription of an object's credential; empty when it was not resolved."""
        found = self._found.get(_scope_of(resource))
        return found.subscription if isinstance(found, Credential) else ""

    def speaker_of(self, resource: CustomResource) -> tuple[Azure, str]:
        """Return who speaks for an object that was resolved, and where the credential came from."""
        found = self._found[_scope_of(resource)]
        assert isinstance(found, Credential)
        return self._speakers[_key_of(found)], found.source

    def speaker_in(self, subscription: str) -> tuple[Azure, str]:
        """Return who speaks in a subscription, for what no object asks for.

        Raises:
            InvalidSpecError: Nobody does.
        """
        for found in self._found.values():
            if isinstance(found, Credential) and found.subscription.lower() in (subscription.lower(), ""):
                return self._speakers[_key_of(found)], found.source
        raise InvalidSpecError(f"no credential speaks for subscription {subscription}")


def _scope_of(resource: CustomResource) -> _Scope:
    from engine.cluster.names import CREDENTIAL_FROM

    return (resource.key.namespace, resource.annotations.get(CREDENTIAL_FROM, ""))


def _key_of(credential: Credential) -> tuple[tuple[str, str], ...]:
    settings: Mapping[str, str] = credential.settings
    return tuple(sorted(settings.items()))
