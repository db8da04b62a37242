"""CustomResourceDefinitions in a cluster: reading and applying them. Blocking."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from engine.errors import ConflictError, EngineError
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.versions import OWN_MANAGER

_PATH: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ADMISSION: Final = "/apis/admissionregistration.k8s.io"
_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_PAGE: Final = "500"
_PLURALS: Final[Mapping[str, str]] = {
    "CustomResourceDefinition": "customresourcedefinitions",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
    "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
}


def read_definition(client: KubeClient, name: str) -> dict[str, Any] | None:
    """Return a definition as it is installed; None when it is not.

    Raises:
        EngineError: It may not or cannot be read.
    """
    return _read(client, f"{_PATH}/{name}")


def is_served(definition: Mapping[str, Any] | None) -> bool:
    """Whether objects of the kind can be read and written now."""
    conditions = (definition or {}).get("status", {}).get("conditions") or ()
    return any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions)


def bring_definition(client: KubeClient, manifest: Mapping[str, Any], installed: Mapping[str, Any] | None) -> None:
    """Make a definition be as the manifest says; labels and annotations that others set on it stay.

    One that is there is replaced: an apply would leave versions and a conversion webhook of whoever made it.

    Args:
        client: The cluster.
        manifest: The definition.
        installed: What was read before; None where nothing was.

    Raises:
        EngineError: The server refuses it, or somebody changed it since; nothing was changed.
    """
    if installed is None:
        apply_object(client, manifest)
        return
    held, ours = installed["metadata"], manifest["metadata"]
    metadata = {k: v for k, v in held.items() if k != "managedFields"}
    metadata["labels"] = {**(held.get("labels") or {}), **ours["labels"]}
    _send(client, "PUT", ours["name"], {**manifest, "metadata": metadata})


def list_objects(client: KubeClient, definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return namespace and name of every object of a kind.

    Raises:
        EngineError: They cannot be read.
    """
    path, query = _collection(definition), {"limit": _PAGE}
    found: list[tuple[str, str]] = []
    while True:
        page = orjson.loads(client.get(path, query))
        found += [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in page["items"]]
        token = page["metadata"].get("continue")
        if not token:
            return found
        query = {"limit": _PAGE, "continue": token}


def save_anew(client: KubeClient, definition: Mapping[str, Any], namespace: str, name: str) -> None:
    """Let the server write an object as it is, in the version that is stored now; one that is gone needs none."""
    group, _, rest = _collection(definition).removeprefix("/apis/").partition("/")
    version, _, plural = rest.partition("/")
    path = f"/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}"
    with contextlib.suppress(NotFoundError):
        client.send("PATCH", path, b"{}", content_type=_MERGE, query={"fieldManager": OWN_MANAGER})


def forget_versions(client: KubeClient, definition: Mapping[str, Any]) -> None:
    """Note that objects are stored in one version only, and take unserved others out of the definition.

    Raises:
        EngineError: The definition is not what it was; nothing was noted.
    """
    metadata, spec = definition["metadata"], definition["spec"]
    stored = stored_version(definition)
    known = {"resourceVersion": metadata["resourceVersion"], "uid": metadata["uid"]}
    noted = {"metadata": known, "status": {"storedVersions": [stored]}}
    after = orjson.loads(_send(client, "PATCH", f"{metadata['name']}/status", noted))
    kept = [v for v in spec["versions"] if v["served"] or v["storage"]]
    if len(kept) < len(spec["versions"]):
        known = {"resourceVersion": after["metadata"]["resourceVersion"], "uid": metadata["uid"]}
        _send(client, "PATCH", metadata["name"], {"metadata": known, "spec": {"versions": kept}})


def delete_definition(client: KubeClient, definition: Mapping[str, Any]) -> None:
    """Delete a definition that is still what was looked at.

    Raises:
        EngineError: It is not; nothing was deleted.
    """
    metadata = definition["metadata"]
    known = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": known}
    _send(client, "DELETE", metadata["name"], body)


def stored_version(definition: Mapping[str, Any]) -> str:
    """Return the version that objects are written in."""
    return next(str(v["name"]) for v in definition["spec"]["versions"] if v["storage"])


def _collection(definition: Mapping[str, Any]) -> str:
    spec = definition["spec"]
    return f"/apis/{spec['group']}/{stored_version(definition)}/{spec['names']['plural']}"


def _send(client: KubeClient, method: str, name: str, body: Mapping[str, Any]) -> bytes:
    content = _MERGE if method == "PATCH" else "application/json"
    query = {} if method == "DELETE" else {"fieldManager": OWN_MANAGER}
    try:
        return client.send(method, f"{_PATH}/{name}", orjson.dumps(body), content_type=content, query=query)
    except ConflictError as exc:
        raise EngineError(f"{name} was changed at the same time", detail=exc.detail, hint="try again") from exc


def version_of_admission(client: KubeClient, resource: str, wanted: Iterable[str]) -> str:
    """Return the first of some versions in which the server serves a kind of admission policy; empty for none.

    Raises:
        EngineError: The server does not answer.
    """
    for version in wanted:
        found = _read(client, f"{_ADMISSION}/{version}") or {}
        if any(r.get("name") == resource for r in found.get("resources") or ()):
            return version
    return ""


def read_object(client: KubeClient, manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is installed under the name of a definition or an admission policy; None where nothing is.

    Raises:
        EngineError: It may not or cannot be read.
    """
    return _read(client, _path_of(manifest))


def _read(client: KubeClient, path: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(client.get(path))
    except NotFoundError:
        return None
    return found if isinstance(found, dict) else None


def _path_of(manifest: Mapping[str, Any]) -> str:
    return f"/apis/{manifest['apiVersion']}/{_PLURALS[manifest['kind']]}/{manifest['metadata']['name']}"


def apply_object(client: KubeClient, manifest: Mapping[str, Any]) -> None:
    """Apply a definition or an admission policy; what others set on it beside us stays.

    Raises:
        EngineError: The server refuses it; nothing was changed.
    """
    query = {"fieldManager": OWN_MANAGER, "force": "true"}
    try:
        client.send("PATCH", _path_of(manifest), orjson.dumps(manifest), content_type=_APPLY, query=query)
    except ConflictError as exc:
        raise EngineError(f"{manifest['metadata']['name']} was changed at the same time", detail=exc.detail) from exc
