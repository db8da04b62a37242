"""What tests that read a cluster over HTTP share: two kinds, a catalog, objects, and what a source lists."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from benchmarks.fake_kube import FakeKind, FakeKube
from engine.model.state import CustomResource
from providers.kube.discovery import Catalog
from providers.kube.source import KubeSource

ACCOUNT = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101", "v20250601"))
GROUP = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
FOREIGN = FakeKind("apps", "Deployment", "deployments", ("v1",))
CATALOG = Catalog(
    groups=frozenset({ACCOUNT.group, GROUP.group}),
    knows=lambda _group, version, kind: kind in ("StorageAccount", "ResourceGroup") and not version.endswith("storage"),
)
ACCOUNTS = "/apis/storage.azure.com/v20250601/storageaccounts"
Build = Callable[..., KubeSource]
Kube = tuple[FakeKube, str]


def build_object(name: str = "app", namespace: str = "default", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "x/y",
        "kind": "Z",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"location": "westus"},
        "status": {"id": "/subscriptions/1"},
    }


def applied_by(version: str) -> list[dict[str, Any]]:
    entry = {"manager": "kubectl", "operation": "Apply", "apiVersion": f"{ACCOUNT.group}/{version}", "fieldsV1": {}}
    return [{**entry, "time": "2026-01-01T00:00:00Z"}]


def read(source: KubeSource) -> list[CustomResource]:
    return list(asyncio.run(source.list_resources()))


def names(resources: list[CustomResource]) -> list[str]:
    return [str(r.key) for r in resources]
