"""Credential Secrets become connections to Azure: the object's own, its namespace's, or the operator's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from engine.app.azure import build_arm_options
from engine.app.settings import Settings
from engine.cluster.credentials import (
    GLOBAL_SECRET,
    NAMESPACE_SECRET,
    Credential,
    CredentialScope,
    SecretName,
    credential_scope,
    named_secret,
    read_credential,
)
from engine.cluster.operating import Operating
from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError
from engine.model.audit import Principal
from engine.model.document import Secret
from engine.model.state import CustomResource
from engine.ports import Clock
from engine.runtime.controller.azure import Speaker

if TYPE_CHECKING:
    from providers.arm.adapter import AzureResourceManager
    from providers.arm.options import ArmOptions

_NO_CREDENTIAL: Final = "global credential not configured, you must use either namespaced or per-resource credentials"
FRESH_S: Final = 5.0
"""A Secret that was read is good for this long: an edit is used soon, and a burst of objects reads it once."""
WATCHED_S: Final = 60.0
"""So long is one good whose changes are told of."""
LAST_S: Final = 5 * 3600.0
"""What began with a credential before it was rotated is over by then: operations are followed for 4 hours."""


_Key = tuple[tuple[str, str], ...]
"""A credential: what two scopes share a connection by."""


class SecretSource(Protocol):
    """Where credentials stand."""

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret's texts; None when there is none.

        Raises:
            EngineError: It may not or cannot be read. What comes after it in line must not be used then: it may be
                somebody else.
        """
        ...


class CredentialBook:
    """Knows who speaks for which object; edits of Secrets are used without a restart."""

    def __init__(
        self,
        source: SecretSource,
        settings: Settings,
        clock: Clock,
        operating: Operating,
        *,
        is_told: Callable[[], bool],
        on_request: Callable[[str, str, int, float], None] | None = None,
    ) -> None:
        """Nothing is read yet.

        Args:
            source: Reads Secrets.
            settings: The pod's own; of the credential in them too.
            clock: For how long a Secret is good.
            operating: How the pod is operated.
            is_told: Whether ``expire`` is called when a Secret changes, now.
            on_request: Told of every request to Azure.
        """
        self._is_told = is_told
        self._expired = 0
        self._edition = 0
        self._on_request = on_request
        self._source = source
        self._settings = settings
        self._clock = clock
        self._operating = operating
        self._retired: dict[_Key, float] = {}
        self._read_at: dict[CredentialScope, float] = {}
        self._found: dict[CredentialScope, Credential | str] = {}
        self._speakers: dict[_Key, AzureResourceManager] = {}
        self._speaking: dict[CredentialScope, Speaker] = {}
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        async with AsyncExitStack() as stack:
            for azure in self._speakers.values():
                stack.push_async_exit(azure)

    def expire(self) -> None:
        """Read Secrets anew: one of them changed."""
        self._read_at.clear()
        self._expired += 1

    async def resolve(self, resource: CustomResource) -> str:
        """Find an object's credential; return why that is not possible, else an empty text."""
        scope = credential_scope(resource)
        if not self._is_fresh(scope):
            async with self._lock:
                if not self._is_fresh(scope):
                    await self._learn(scope, resource)
        found_now = self._found[scope]
        return found_now if isinstance(found_now, str) else ""

    async def options_of(self, resource: CustomResource) -> tuple[ArmOptions, str]:
        """Return as whom an object's requests are made, and where that credential came from.

        Raises:
            PolicyDeniedError: There is none, or it cannot be used.
        """
        why = await self.resolve(resource)
        found = self._found[credential_scope(resource)]
        if not isinstance(found, Credential):
            raise PolicyDeniedError(why)
        return build_options(found, self._settings, self._operating), found.source

    def _is_fresh(self, scope: CredentialScope) -> bool:
        at = self._read_at.get(scope)
        if at is None:
            return False
        is_good = isinstance(self._found[scope], Credential) and self._is_told()
        return self._clock.monotonic() - at < (WATCHED_S if is_good else FRESH_S)

    async def _learn(self, scope: CredentialScope, resource: CustomResource) -> None:
        expired = self._expired
        try:
            found = await self._find(resource)
            await self._connect(found)
        except EngineError as exc:
            self._edition += bool(self._subscription_in(scope))
            self._found[scope] = str(exc)
        else:
            self._edition += self._subscription_in(scope) != found.subscription
            self._found[scope], self._speaking[scope] = found, self._speaker(found)
            await self._retire()
        if expired == self._expired:  # Else it changed while it was read.
            self._read_at[scope] = self._clock.monotonic()

    async def _find(self, resource: CustomResource) -> Credential:
        named = named_secret(resource.annotations, resource.key.namespace)
        if named is not None:
            credential = await self._read(named)
            if credential is None:
                raise InvalidSpecError(f'credential Secret "{"/".join(named)}" does not exist')
            return credential
        return await self._read((resource.key.namespace, NAMESPACE_SECRET)) or self._global()

    async def _read(self, name: SecretName) -> Credential | None:
        data = await self._source.read_secret(*name)
        return read_credential(name, data, several_clouds=self._operating.several_clouds) if data is not None else None

    def _global(self) -> Credential:
        if not self._settings.subscription:
            raise InvalidSpecError(_NO_CREDENTIAL)
        source = f"{self._operating.namespace}/{GLOBAL_SECRET}"
        return Credential(source=source, settings=self._settings.credential)

    async def _connect(self, credential: Credential) -> None:
        from providers.arm.adapter import AzureResourceManager

        key = _key_of(credential)
        if key not in self._speakers:
            options = build_options(credential, self._settings, self._operating)
            options = replace(options, on_request=self._on_request)
            self._speakers[key] = AzureResourceManager(options, clock=self._clock)

    async def _retire(self) -> None:
        """Close those who speak for nobody any more, once what they may have begun is over."""
        now, speaking = self._clock.monotonic(), {id(speaker.azure) for speaker in self._speaking.values()}
        silent = {key for key, azure in self._speakers.items() if id(azure) not in speaking}
        self._retired = {key: self._retired.get(key, now) for key in silent}
        for key in [key for key, since in self._retired.items() if now - since >= LAST_S]:
            del self._retired[key]
            await self._speakers.pop(key).__aexit__()

    def quota_left(self) -> Mapping[tuple[str, str], float]:
        """Return how many more requests fit now, by subscription and kind; of several principals the least."""
        found: dict[tuple[str, str], float] = {}
        for azure in self._speakers.values():
            for place, left in azure.quota_left().items():
                found[place] = min(left, found.get(place, left))
        return found

    def subscription_of(self, resource: CustomResource) -> str:
        """Return the subscription of an object's credential; empty when it was not resolved."""
        return self._subscription_in(credential_scope(resource))

    def _subscription_in(self, scope: CredentialScope) -> str:
        found = self._found.get(scope)
        return found.subscription if isinstance(found, Credential) else ""

    @property
    def edition(self) -> int:
        """Return what changes when ``subscription_of`` answers otherwise."""
        return self._edition

    def principal_of(self, resource: CustomResource) -> Principal:
        """Return as whom an object's requests are sent: what the token says, else what the credential says."""
        found = self._found.get(credential_scope(resource))
        if not isinstance(found, Credential):
            return Principal()
        said, settings = self._speakers[_key_of(found)].last_principal(), found.settings
        if said != Principal():
            return said
        return Principal(app_id=settings.get("AZURE_CLIENT_ID", ""), tenant_id=settings.get("AZURE_TENANT_ID", ""))

    def speaker_of(self, resource: CustomResource) -> Speaker:
        """Return who speaks for an object that was resolved; who spoke last, if its credential broke since."""
        return self._speaking[credential_scope(resource)]

    def speaker_in(self, subscription: str) -> Speaker:
        """Return who speaks in a subscription, for what no object asks for.

        Raises:
            InvalidSpecError: Nobody does.
        """
        for found in self._found.values():
            if isinstance(found, Credential) and found.subscription.lower() in (subscription.lower(), ""):
                return self._speaker(found)
        raise InvalidSpecError(f"no credential speaks for subscription {subscription}")

    def _speaker(self, found: Credential) -> Speaker:
        endpoint = _settings_for(found, self._settings).endpoint
        return Speaker(azure=self._speakers[_key_of(found)], credential=found.source, endpoint=endpoint)


def build_options(credential: Credential, settings: Settings, operating: Operating) -> ArmOptions:
    """Return how to reach Azure as a credential."""
    options = build_arm_options(_settings_for(credential, settings))
    factor = operating.concurrency / Operating().concurrency
    return replace(options, in_flight={purpose: max(1, int(n * factor)) for purpose, n in options.in_flight.items()})


def _settings_for(credential: Credential, settings: Settings) -> Settings:
    """Return the pod's settings with what the credential says instead: as whom, and which cloud."""
    cloud = Settings.from_environment(credential.settings)
    own = replace(settings, credential=credential.settings)
    if not credential.names_cloud:
        return own
    return replace(own, endpoint=cloud.endpoint, audience=cloud.audience, authority=cloud.authority)


def _key_of(credential: Credential) -> _Key:
    settings: Mapping[str, str] = credential.settings
    return tuple(sorted(settings.items()))
