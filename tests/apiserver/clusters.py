"""Two clusters with one face: the real API server, and the fake one that is kept for speed."""

from __future__ import annotations

import itertools
import json
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.fake_kube import FakeKind, FakeKube, StoredObject, kubeconfig
from tests.apiserver.api import Api, Object
from tests.apiserver.crds import collection
from tests.apiserver.plane import ControlPlane

_NUMBERS = itertools.count(1)


class Cluster(Protocol):
    """A cluster that knows some kinds, and one namespace in it."""

    namespace: str

    def kubeconfig(self) -> Path:
        """Return the way in of somebody who may do everything."""
        ...

    def narrow_kubeconfig(self, allowed: FakeKind) -> Path:
        """Return the way in of somebody who may read this group and nothing else."""
        ...

    def create(self, kind: FakeKind, name: str, **metadata: Any) -> Object:
        """Store an object in the kind's last version; return its metadata as stored."""
        ...

    def apply(self, kind: FakeKind, name: str, version: str) -> None:
        """Store an object as ``kubectl apply --server-side`` does, in this version."""
        ...

    def delete(self, kind: FakeKind, name: str) -> None:
        """Delete an object; a finalizer keeps it."""
        ...

    def finalize(self, kind: FakeKind, name: str) -> None:
        """Take the finalizers away."""
        ...

    def create_secret(self, name: str, data: dict[str, str]) -> None:
        """Store a Secret; values are base64."""
        ...


def build_object(kind: FakeKind, name: str, version: str, **metadata: Any) -> Object:
    """Return an object with a little spec."""
    spec = {"location": "westus"}
    return {
        "apiVersion": f"{kind.group}/{version}",
        "kind": kind.kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


@dataclass
class RealCluster:
    """The API server."""

    plane: ControlPlane
    namespace: str

    @property
    def _admin(self) -> Api:
        return self.plane.admin

    def kubeconfig(self) -> Path:
        """See the port."""
        return self.plane.kubeconfig()

    def narrow_kubeconfig(self, allowed: FakeKind) -> Path:
        """See the port."""
        rule = {"apiGroups": [allowed.group], "resources": ["*"], "verbs": ["get", "list"]}
        return self.plane.kubeconfig(self.plane.account(self.namespace, f"narrow-{next(_NUMBERS)}", rule))

    def create(self, kind: FakeKind, name: str, **metadata: Any) -> Object:
        """See the port."""
        made = self._admin.create(
            collection(kind, self.namespace), build_object(kind, name, kind.versions[-1], **metadata)
        )
        stored: Object = made["metadata"]
        return stored

    def apply(self, kind: FakeKind, name: str, version: str) -> None:
        """See the port."""
        path = f"{collection(kind, self.namespace, version)}/{name}?fieldManager=kubectl"
        item = build_object(kind, name, version)
        status, body = self._admin.call("PATCH", path, item, content="application/apply-patch+yaml")
        assert status in (200, 201), body

    def delete(self, kind: FakeKind, name: str) -> None:
        """See the port."""
        self._admin.delete(f"{collection(kind, self.namespace)}/{name}")

    def finalize(self, kind: FakeKind, name: str) -> None:
        """See the port."""
        self._admin.patch(f"{collection(kind, self.namespace)}/{name}", {"metadata": {"finalizers": None}})

    def create_secret(self, name: str, data: dict[str, str]) -> None:
        """See the port."""
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        self._admin.create(path, {"metadata": {"name": name}, "data": data})


@dataclass
class FakeCluster:
    """The fake; what is refused is refused to everybody from then on."""

    kube: FakeKube
    url: str
    folder: Path
    namespace: str = "test"
    _stored: dict[tuple[str, str], Object] = field(default_factory=dict)

    def kubeconfig(self) -> Path:
        """See the port."""
        path = self.folder / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(self.url)))
        return path

    def narrow_kubeconfig(self, allowed: FakeKind) -> Path:
        """See the port."""
        others = [k for k in self.kube.kinds.values() if k.group != allowed.group]
        paths = [f"/apis/{k.group}/{v}" for k in others for v in k.versions]
        for kind, base in itertools.product(others, paths):
            self.kube.refuse[f"{base}/{kind.plural}"] = 403
            self.kube.refuse[f"{base}/namespaces/{self.namespace}/{kind.plural}"] = 403
        for path in self.kube.core:
            self.kube.refuse[path] = 403
        return self.kubeconfig()

    def create(self, kind: FakeKind, name: str, **metadata: Any) -> Object:
        """See the port."""
        number = next(_NUMBERS)
        own = {"namespace": self.namespace, "uid": f"uid-{number}", "resourceVersion": str(number), "generation": 1}
        self._put(kind, build_object(kind, name, kind.versions[-1], **own, **metadata))
        stored: Object = self._stored[kind.plural, name]["metadata"]
        return stored

    def apply(self, kind: FakeKind, name: str, version: str) -> None:
        """See the port."""
        entry = {"manager": "kubectl", "operation": "Apply", "apiVersion": f"{kind.group}/{version}", "fieldsV1": {}}
        self.create(kind, name, managedFields=[{**entry, "time": "2026-01-01T00:00:00Z"}])

    def delete(self, kind: FakeKind, name: str) -> None:
        """See the port."""
        item = self._stored.pop((kind.plural, name))
        if item["metadata"].get("finalizers"):
            item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            self._put(kind, item)
        self._write(kind)

    def finalize(self, kind: FakeKind, name: str) -> None:
        """See the port."""
        if "deletionTimestamp" in self._stored[kind.plural, name]["metadata"]:
            del self._stored[kind.plural, name]
        self._write(kind)

    def create_secret(self, name: str, data: dict[str, str]) -> None:
        """See the port."""
        self.kube.add_secret(self.namespace, name, {key: b64decode(value) for key, value in data.items()})

    def _put(self, kind: FakeKind, item: Object) -> None:
        self._stored[kind.plural, item["metadata"]["name"]] = item
        self._write(kind)

    def _write(self, kind: FakeKind) -> None:
        items: Iterable[Object] = (item for (plural, _), item in sorted(self._stored.items()) if plural == kind.plural)
        self.kube.objects[kind.group, kind.plural] = [
            StoredObject(self.namespace, i["metadata"].get("labels", {}), json.dumps(i).encode()) for i in items
        ]
