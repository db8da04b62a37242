"""All published samples as one input: a namespace and resource groups of its own for each folder of one version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from providers.manifests.yaml_text import RawDocument, read_yaml
from schemas import arm

Object = dict[str, Any]

_GROUP = {"apiVersion": "resources.azure.com/v1api20200601", "kind": "ResourceGroup"}
_MISSING = re.compile(r"known after (Secret|ConfigMap) ([^/ ]+)/(\S+) (?:is there|has the key '([^']+)')")
_NO_OWNER_GROUP = re.compile(r"([^/ ]+)/ResourceGroup/(\S+) exists: it is not in the input")


def sample_folders(root: Path) -> list[Path]:
    """Return the folders that hold samples of one version; what samples refer to lies below."""
    return sorted({f.parent for f in root.rglob("*.yaml") if "refs" not in f.relative_to(root).parts})


class SampleWorld:
    """The samples, and what they need that is not among them."""

    def __init__(self, root: Path) -> None:
        """Read every sample; the same object twice in a folder counts once, the first one wins."""
        self.objects: dict[tuple[str, str, str, str], Object] = {}
        self.files: dict[tuple[str, str, str, str], Path] = {}
        for number, folder in enumerate(sample_folders(root)):
            for file in sorted(folder.rglob("*.yaml")):
                for value in _documents(file):
                    self._add(value, namespace=f"s{number}", file=file.relative_to(root))
            self._add_group("aso-sample-rg", f"s{number}")

    def _add(self, value: Object, *, namespace: str, file: Path | None = None) -> None:
        value["metadata"] = {**value["metadata"], "namespace": namespace}
        if value["kind"] == "ResourceGroup":
            value["spec"] = {**value["spec"], "azureName": f"{value['metadata']['name']}-{namespace}"}
        group = value["apiVersion"].partition("/")[0] if "/" in value["apiVersion"] else ""
        key = (namespace, group, value["kind"], value["metadata"]["name"])
        if key not in self.objects:
            self.objects[key] = value
            if file is not None:
                self.files[key] = file

    def _add_group(self, name: str, namespace: str) -> None:
        self._add({**_GROUP, "metadata": {"name": name}, "spec": {"location": "westcentralus"}}, namespace=namespace)

    def supply(self, texts: Iterable[str]) -> bool:
        """Add what waits name: resource groups, and Secrets and ConfigMaps with values of their own."""
        before = self._size()
        for text in texts:
            for kind, namespace, name, key in _MISSING.findall(text):
                self._put(kind, namespace, name, key)
            for namespace, name in _NO_OWNER_GROUP.findall(text):
                self._add_group(name, namespace)
        return self._size() > before

    def tag(self, steps: Iterable[Object]) -> None:
        """Give every object whose type takes tags another tag; networks, whose PUT carries subnets, more space."""
        for step in steps:
            found = arm.lookup(step["type"], step["api"])
            if found is None or "tags" not in getattr(found.body, "properties", {}):
                continue
            value = self.object_of(step["object"])
            if value["kind"] == "VirtualNetwork":
                space = value["spec"]["addressSpace"]["addressPrefixes"]
                value["spec"] = {**value["spec"], "addressSpace": {"addressPrefixes": [*space, "10.250.0.0/16"]}}
            value["spec"] = {**value["spec"], "tags": {**value["spec"].get("tags", {}), "team": "web"}}

    def object_of(self, key: Object) -> Object:
        """Return the object that a plan names."""
        return self.objects[key["namespace"], key["apiVersion"].partition("/")[0], key["kind"], key["name"]]

    def _size(self) -> int:
        return sum(1 + len(o.get("stringData", o.get("data", ()))) for o in self.objects.values())

    def _put(self, kind: str, namespace: str, name: str, key: str) -> None:
        place = "stringData" if kind == "Secret" else "data"
        made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, place: {}}
        held = self.objects.setdefault((namespace, "", kind, name), made)
        if key:
            held.setdefault(place, {})[key] = self.value_of(name, key) if kind == "Secret" else _ANY_ID

    @staticmethod
    def value_of(name: str, key: str) -> str:
        """Return the value of a Secret that was added."""
        return f"Value-of-{name}-{key}"

    def write(self, folder: Path) -> None:
        """Write one file per namespace."""
        folder.mkdir(exist_ok=True)
        by_namespace: dict[str, list[Object]] = {}
        for (namespace, *_), value in self.objects.items():
            by_namespace.setdefault(namespace, []).append(value)
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        for namespace, values in by_namespace.items():
            (folder / f"{namespace}.yaml").write_text(yaml.dump_all(values, Dumper=dumper))


_ANY_ID = "9a5a9a5a-0000-4000-8000-0123456789ab"


def _documents(file: Path) -> Iterator[Object]:
    for document in read_yaml(file.read_bytes()):
        if isinstance(document, RawDocument) and isinstance(document.value, dict):
            yield document.value
