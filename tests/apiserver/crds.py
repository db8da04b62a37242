"""Custom resource definitions for tests: kinds as ASO names them, any members below spec and status."""

from __future__ import annotations

from typing import Any

from benchmarks.fake_kube import FakeKind
from tests.apiserver.api import Api, Object

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(kind: FakeKind) -> Object:
    """Return a definition that serves all versions of the kind; the last is stored."""
    names = {"kind": kind.kind, "plural": kind.plural, "listKind": f"{kind.kind}List", "singular": kind.kind.lower()}
    versions = [_version(name, stored=name == kind.versions[-1]) for name in kind.versions]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {"group": kind.group, "scope": "Namespaced", "names": names, "versions": versions},
    }


def _version(name: str, *, stored: bool) -> Object:
    schema = {"type": "object", "properties": {"spec": _ANYTHING, "status": _ANYTHING}}
    return {
        "name": name,
        "served": True,
        "storage": stored,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }


def install(api: Api, *kinds: FakeKind) -> None:
    """Install what is missing and wait until it is served."""
    for kind in kinds:
        if api.get(f"{_CRDS}/{kind.plural}.{kind.group}") is None:
            api.create(_CRDS, definition(kind))
    for kind in kinds:
        api.wait_for(f"{kind.plural} to be served", lambda kind=kind: _is_served(api, kind))


def _is_served(api: Api, kind: FakeKind) -> bool:
    found: Any = api.get(f"/apis/{kind.group}/{kind.versions[-1]}")
    return found is not None and any(r["name"] == kind.plural for r in found["resources"])


def collection(kind: FakeKind, namespace: str, version: str = "") -> str:
    """Return the path of a kind's objects in a namespace."""
    return f"/apis/{kind.group}/{version or kind.versions[-1]}/namespaces/{namespace}/{kind.plural}"
