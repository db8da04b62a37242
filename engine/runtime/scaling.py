"""Which resources an autoscale setting of the same input scales: their capacity is Azure's to set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.desired.index import Index
from engine.model.state import CustomResource

_GROUP = "insights.azure.com"
_KIND = "AutoscaleSetting"


def find_scalers(index: Index) -> Mapping[str, str]:
    """Return the name of the setting that scales a resource, by the resource's id in lower case.

    Only settings that are enabled count: Azure takes an absent switch for off.
    """
    settings = (r for r in index.of_kind(_GROUP, _KIND) if not r.deleting)
    found = ((_target_of(setting, index), str(setting.key)) for setting in settings)
    return {target: name for target, name in found if target is not None}


def _target_of(setting: CustomResource, index: Index) -> str | None:
    spec: Any = setting.spec.value
    reference = spec.get("targetResourceUriReference") if type(spec) is dict and spec.get("enabled") is True else None
    if type(reference) is not dict:
        return None
    arm_id = reference.get("armId")
    if isinstance(arm_id, str):
        return arm_id.rstrip("/").lower()
    group, kind, name = (str(reference.get(part)) for part in ("group", "kind", "name"))
    identity = index.find(setting.key.namespace, group, kind, name)
    return identity.id.key if identity is not None and identity.id is not None else None
