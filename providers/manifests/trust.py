"""What the status of an object in a file proves: files are edited, so Ready alone does not speak for the spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from engine.model.state import StatusTrust

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_ADDED_BY_CLUSTER = ("azureName", "originalVersion")


def trust_of(status: Any, spec: Any, *, generation: int, annotations: Mapping[str, str]) -> StatusTrust:
    """Return what a status proves.

    Ready at the object's generation says that a spec was written and led to this status. That it was the spec of this
    file is certain only while the file still agrees with what kubectl applied.
    """
    if not generation or not _is_ready(status, generation):
        return StatusTrust.NONE
    return StatusTrust.SETTLED if _is_as_applied(spec, annotations) else StatusTrust.MOVES


def _is_ready(status: Any, generation: int) -> bool:
    conditions = status.get("conditions") if isinstance(status, dict) else None
    wanted = ("Ready", "True", generation)
    return isinstance(conditions, list) and any(
        isinstance(c, dict) and (c.get("type"), c.get("status"), c.get("observedGeneration")) == wanted
        for c in conditions
    )


def _is_as_applied(spec: Any, annotations: Mapping[str, str]) -> bool:
    try:
        applied = json.loads(annotations.get(LAST_APPLIED, ""))
    except (ValueError, RecursionError):
        return False
    sent = applied.get("spec") if isinstance(applied, dict) else None
    return isinstance(sent, dict) and isinstance(spec, dict) and _own(sent) == _own(spec)


def _own(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec without what ASO's webhooks fill in."""
    return {name: value for name, value in spec.items() if name not in _ADDED_BY_CLUSTER}
