"""Which credential an object uses, and what a credential Secret may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.cluster.names import CREDENTIAL_FROM
from engine.errors import InvalidSpecError
from engine.model.document import Secret
from engine.model.state import CustomResource

NAMESPACE_SECRET: Final = "aso-credential"  # noqa: S105 - the name of an object
GLOBAL_SECRET: Final = "aso-controller-settings"  # noqa: S105 - the name of an object
SUBSCRIPTION: Final = "AZURE_SUBSCRIPTION_ID"
_REQUIRED: Final = (SUBSCRIPTION, "AZURE_TENANT_ID", "AZURE_CLIENT_ID")
_CLOUD: Final = ("AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_RESOURCE_MANAGER_AUDIENCE", "AZURE_AUTHORITY_HOST")
_MODES: Final = ("", "workloadidentity", "podidentity")

SecretName = tuple[str, str]
"""Namespace and name."""
CredentialScope = tuple[str, str]
"""Namespace, and the Secret that the object names, if it does: equal for objects that share a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """Who speaks to Azure for an object.

    Attributes:
        source: Namespace and name of the Secret it came from, for messages.
        settings: Variables as ASO names them; never printed.
    """

    source: str
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def subscription(self) -> str:
        """Return the subscription of all objects that use it."""
        return self.settings.get(SUBSCRIPTION, "").strip()

    @property
    def names_cloud(self) -> bool:
        """Whether it is for a cloud of its own."""
        return all(self.settings.get(key) for key in _CLOUD)


def credential_scope(resource: CustomResource) -> CredentialScope:
    """Return what decides whose credential an object uses."""
    return (resource.key.namespace, resource.annotations.get(CREDENTIAL_FROM, ""))


def named_secret(annotations: Mapping[str, str], namespace: str) -> SecretName | None:
    """Return the Secret that the object itself names; None when it names none.

    Raises:
        InvalidSpecError: The name points elsewhere.
    """
    name = annotations.get(CREDENTIAL_FROM, "")
    if not name:
        return None
    if "/" in name:
        raise InvalidSpecError(
            f"{CREDENTIAL_FROM} cannot contain '/'. Secret must be in same namespace as resource.",
            detail=repr(name),
            hint="copy the Secret into the object's namespace",
        )
    return (namespace, name)


def read_credential(source: SecretName, data: Mapping[str, Secret], *, several_clouds: bool = False) -> Credential:
    """Return what a Secret says.

    Args:
        source: Its namespace and name.
        data: Its decoded members.
        several_clouds: Credentials may name a cloud of their own (``ALLOW_MULTI_ENV_MANAGEMENT``).

    Raises:
        InvalidSpecError: A key is missing, or a value cannot be used.
    """
    name = "/".join(source)
    values = {key: secret.reveal() for key, secret in data.items()}
    for key in _REQUIRED:
        if key not in values:
            raise InvalidSpecError(f'credential Secret "{name}" does not contain key "{key}"')
    mode = values.get("AUTH_MODE", "").strip().lower()
    if mode not in _MODES:
        raise InvalidSpecError(f'credential Secret "{name}": AUTH_MODE is {mode!r}', hint=f"use one of {_MODES[1:]}")
    cloud = [key for key in _CLOUD if values.get(key)]
    if cloud and not several_clouds:
        raise InvalidSpecError(
            f'credential Secret "{name}" names a cloud of its own ({cloud[0]})',
            hint="set ALLOW_MULTI_ENV_MANAGEMENT=true in the operator's settings to allow that",
        )
    if cloud and len(cloud) != len(_CLOUD):
        missing = next(key for key in _CLOUD if key not in cloud)
        raise InvalidSpecError(f'credential Secret "{name}" names a cloud, but not its {missing}')
    values.pop("USE_WORKLOAD_IDENTITY_AUTH", None)
    return Credential(source=name, settings=values)
