"""Any number of custom resources with the bodies Azure would hold for them; the same number gives the same bytes.

``templates.json.xz`` (made by :mod:`benchmarks.compile_templates`) has one spec and one body per ARM type, with marks
where an instance differs from the next.
"""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from benchmarks.fake_kube import FakeKind

TEMPLATES = Path(__file__).with_name("templates.json.xz")
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
RESOURCE_GROUP = "microsoft.resources/resourcegroups"
STANDARD = (
    RESOURCE_GROUP,
    "microsoft.app/managedenvironments",
    "microsoft.cache/redis",
    "microsoft.compute/disks",
    "microsoft.compute/virtualmachines",
    "microsoft.containerregistry/registries",
    "microsoft.containerservice/managedclusters",
    "microsoft.eventgrid/topics",
    "microsoft.eventhub/namespaces",
    "microsoft.insights/components",
    "microsoft.keyvault/vaults",
    "microsoft.managedidentity/userassignedidentities",
    "microsoft.network/loadbalancers",
    "microsoft.network/publicipaddresses",
    "microsoft.network/routetables",
    "microsoft.network/virtualnetworks",
    "microsoft.operationalinsights/workspaces",
    "microsoft.servicebus/namespaces",
    "microsoft.storage/storageaccounts",
    "microsoft.web/serverfarms",
)
"""Twenty types that can be listed for a whole subscription."""
CHILDREN_PER_OWNER = 10
NAMESPACES = 37
DRIFTED_EVERY = 100


@dataclass(frozen=True)
class Template:
    """One ARM type as the workload stamps it out.

    Attributes:
        type: In lower case, the key.
        owner: Type of the owner; None for resource groups.
        owner_by_kind: The owner is named with group and kind, as extension resources do.
        name: ``plain``, ``guid`` or ``dotted``; anything else is the fixed name of a child that its owner has once.
        drifted: The body after somebody moved one value; None where nothing was found to move.
        weight: How often the type occurs in recorded traffic.
    """

    type: str
    arm_type: str
    api: str
    group: str
    version: str
    kind: str
    plural: str
    owner: str | None
    owner_by_kind: bool
    name: str
    spec: Mapping[str, Any]
    body: Mapping[str, Any]
    drifted: Mapping[str, Any] | None
    weight: int

    @property
    def is_fixed(self) -> bool:
        """Whether its owner has it once, under a fixed name."""
        return self.name not in ("plain", "guid", "dotted")

    @property
    def is_child(self) -> bool:
        """Whether it lies in another resource, not just in a group."""
        return self.owner is not None and self.owner != RESOURCE_GROUP

    @property
    def fake_kind(self) -> FakeKind:
        """Return what the fake API server serves for it."""
        return FakeKind(self.group, self.kind, self.plural, (self.version,))

    @cached_property
    def object_text(self) -> str:
        """Return the custom resource in ASO's shape, marks included."""
        return _dump(build_object(self))

    @cached_property
    def body_text(self) -> str:
        """Return Azure's body, marks included."""
        return _dump(self.body)

    @cached_property
    def drifted_text(self) -> str:
        """Return the moved body, marks included; the same body where nothing can be moved."""
        return _dump(self.drifted or self.body)


@dataclass(frozen=True)
class Instance:
    """One resource of a workload.

    Attributes:
        number: Counts the instances of a type.
        owner: None for resource groups.
        position: Counts all instances of the workload.
    """

    template: Template
    number: int
    owner: Instance | None
    position: int = 0

    @cached_property
    def name(self) -> str:
        """Return the name in Azure, which the object has too unless the name is fixed."""
        return self.template.name if self.template.is_fixed else self.object_name

    @cached_property
    def object_name(self) -> str:
        """Return ``metadata.name``."""
        if self.template.name == "guid":
            return f"{sum(map(ord, self.template.type)):08x}-0000-4000-8000-{self.number:012d}"
        plain = f"{self.template.kind.lower()[:6]}{self.number:06d}"
        return f"{plain}.example.com" if self.template.name == "dotted" else plain

    @cached_property
    def root(self) -> Instance:
        """Return the resource group it lies in."""
        return self.owner.root if self.owner is not None else self

    @property
    def namespace(self) -> str:
        """Return the namespace, which all objects of a resource group share."""
        return f"team-{self.root.number % NAMESPACES}"

    @cached_property
    def id(self) -> str:
        """Return the ARM id."""
        if self.owner is None:
            return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.name}"
        owner_type = self.owner.template.type
        if self.template.type.startswith(owner_type + "/"):
            return f"{self.owner.id}/{self.template.arm_type[len(owner_type) + 1 :]}/{self.name}"
        return f"{self.owner.id}/providers/{self.template.arm_type}/{self.name}"

    @property
    def is_drifted(self) -> bool:
        """Whether the drift pass finds it moved."""
        return self.position % DRIFTED_EVERY == 0 and self.template.drifted is not None

    @property
    def object(self) -> bytes:
        """Return the custom resource as the API server would send it."""
        return self._stamp(self.template.object_text)

    @property
    def body(self) -> bytes:
        """Return what Azure holds."""
        return self._stamp(self.template.body_text)

    @property
    def drifted_body(self) -> bytes:
        """Return what Azure holds after somebody moved it."""
        return self._stamp(self.template.drifted_text)

    def _stamp(self, text: str) -> bytes:
        owner = self.owner or self
        values = {
            "@ID@": self.id,
            "@NAME@": self.name,
            "@OBJECT@": self.object_name,
            "@OWNER@": owner.id,
            "@OWNER_NAME@": owner.object_name,
            "@GROUP@": self.root.id,
            "@NAMESPACE@": self.namespace,
            "@NUMBER@": f"{self.number:012d}",
        }
        for mark, value in values.items():
            text = text.replace(mark, value)
        return text.encode()


@cache
def templates() -> Mapping[str, Template]:
    """Return all templates by type, owners before what they own."""
    raw = json.loads(lzma.decompress(TEMPLATES.read_bytes()))
    return {t["type"]: Template(**t) for t in sorted(raw, key=lambda t: (t["type"].count("/"), t["type"]))}


def build_workload(name: str, resources: int) -> Iterator[Instance]:
    """Yield exactly that many instances, owners first.

    Raises:
        ValueError: No such workload, or too few resources for it.
    """
    if name == "standard":
        counts = _spread_evenly(resources)
    elif name == "corpus":
        counts = _spread_by_weight(resources)
    else:
        raise ValueError(f"no workload {name!r}; there are standard and corpus")
    return _stamp_out(counts)


def _spread_evenly(resources: int) -> dict[str, int]:
    if resources < len(STANDARD):
        raise ValueError(f"the standard workload has at least {len(STANDARD)} resources")
    share, rest = divmod(resources, len(STANDARD))
    return {t: share + (rest if t == RESOURCE_GROUP else 0) for t in STANDARD}


def _spread_by_weight(resources: int) -> dict[str, int]:
    """Share out by weight; owners are as many as their children need, groups take what is left over."""
    known = templates()
    chosen = _choose_types(resources, known)
    total = sum(known[t].weight for t in chosen)
    counts = {t: max(1, resources * known[t].weight // total) for t in chosen}
    for child in sorted(chosen, key=lambda t: -_depth(t, known)):
        owner = known[child].owner
        if owner is not None and owner != RESOURCE_GROUP:
            per_owner = 1 if known[child].is_fixed else CHILDREN_PER_OWNER
            counts[owner] = max(counts[owner], -(-counts[child] // per_owner))
    counts[RESOURCE_GROUP] += resources - sum(counts.values())
    if counts[RESOURCE_GROUP] < 1:
        raise ValueError(f"{resources} resources are too few for the corpus workload")
    return counts


def _choose_types(resources: int, known: Mapping[str, Template]) -> list[str]:
    """Take types by weight, each with its owners, as many as fit three times; all of them in a large workload."""
    chosen: dict[str, None] = {RESOURCE_GROUP: None}
    for template in sorted(known.values(), key=lambda t: (-t.weight, t.type)):
        line = list(_line(template.type, known))
        if len(chosen.keys() | line) * 3 <= resources:
            chosen.update(dict.fromkeys(line))
    return sorted(chosen, key=lambda t: (_depth(t, known), t))


def _line(arm_type: str, known: Mapping[str, Template]) -> Iterator[str]:
    owner = known[arm_type].owner
    if owner is not None:
        yield from _line(owner, known)
    yield arm_type


def _depth(arm_type: str, known: Mapping[str, Template]) -> int:
    return sum(1 for _ in _line(arm_type, known))


def _stamp_out(counts: Mapping[str, int]) -> Iterator[Instance]:
    made: dict[str, list[Instance]] = {}
    known = templates()
    position = itertools.count()
    for arm_type in sorted(counts, key=lambda t: (_depth(t, known), t)):
        template = known[arm_type]
        owners = made.get(template.owner or "", [])
        made[arm_type] = [
            Instance(template, n, _owner(template, n, owners), next(position)) for n in range(counts[arm_type])
        ]
        yield from made[arm_type]


def _owner(template: Template, number: int, owners: Sequence[Instance]) -> Instance | None:
    if template.owner is None:
        return None
    if not template.is_child:
        return owners[number % len(owners)]
    return owners[number if template.is_fixed else number // CHILDREN_PER_OWNER % len(owners)]


def build_object(template: Template) -> dict[str, Any]:
    """Return the custom resource as it lies in the cluster after ASO or a user wrote it."""
    api_version = f"{template.group}/{template.version}"
    spec = dict(template.spec)
    status = {k: v for k, v in template.body.items() if k != "properties"}
    status.update(template.body.get("properties") or {})
    status["conditions"] = [_READY]
    applied = {"apiVersion": api_version, "kind": template.kind, "spec": spec}
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": _dump(applied),
        "serviceoperator.azure.com/operator-namespace": "azureserviceoperator-system",
        "serviceoperator.azure.com/resource-id": "@ID@",
    }
    metadata: dict[str, Any] = {
        "annotations": annotations,
        "creationTimestamp": "2026-03-04T05:06:07Z",
        "finalizers": ["serviceoperator.azure.com/finalizer"],
        "generation": 2,
        "labels": {"app.kubernetes.io/part-of": "@NAMESPACE@"},
        "managedFields": [
            _manager(api_version, "kubectl-client-side-apply", {"f:spec": _fields(spec)}),
            {**_manager(api_version, "manager", {"f:status": _fields(status)}), "subresource": "status"},
        ],
        "name": "@OBJECT@",
        "namespace": "@NAMESPACE@",
        "resourceVersion": "1@NUMBER@",
        "uid": "6f1e7c0a-1111-4222-8333-@NUMBER@",
    }
    return {"apiVersion": api_version, "kind": template.kind, "metadata": metadata, "spec": spec, "status": status}


_READY = {
    "lastTransitionTime": "2026-03-04T05:06:09Z",
    "observedGeneration": 2,
    "reason": "Succeeded",
    "status": "True",
    "type": "Ready",
}


def _manager(api_version: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
        "manager": name,
        "operation": "Update",
        "time": "2026-03-04T05:06:07Z",
    }


def _fields(value: object) -> dict[str, Any]:
    """Return the tree of members in the shape the API server keeps."""
    return {f"f:{name}": _fields(member) for name, member in value.items()} if isinstance(value, dict) else {}


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
