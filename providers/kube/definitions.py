"""CustomResourceDefinitions in a cluster: reading and applying them. Blocking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from engine.errors import ConflictError, EngineError
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.versions import OWN_MANAGER

_PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_APPLY: Final = "application/apply-patch+yaml"
_PLURALS: Final[Mapping[str, str]] = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


def read_definition(client: KubeClient, name: str) -> dict[str, Any] | None:
    """Return a definition as it is installed; None when it is not.

    Raises:
        EngineError: It may not or cannot be read.
    """
    try:
        found = orjson.loads(client.get(f"{_PATH}/{name}"))
    except NotFoundError:
        return None
    return found if isinstance(found, dict) else None


def is_served(definition: Mapping[str, Any] | None) -> bool:
    """Whether objects of the kind can be read and written now."""
    conditions = (definition or {}).get("status", {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def apply_object(client: KubeClient, manifest: Mapping[str, Any]) -> None:
    """Apply a definition or an admission policy; what others set on it beside us stays.

    Raises:
        EngineError: The server refuses it; nothing was changed.
    """
    plural = _PLURALS[manifest["kind"]]
    path = f"/apis/{manifest['apiVersion']}/{plural}/{manifest['metadata']['name']}"
    query = {"fieldManager": OWN_MANAGER, "force": "true"}
    try:
        client.send("PATCH", path, orjson.dumps(manifest), content_type=_APPLY, query=query)
    except ConflictError as exc:
        raise EngineError(f"{manifest['metadata']['name']} was changed at the same time", detail=exc.detail) from exc
