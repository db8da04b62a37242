"""The status of an object: Azure as it was last read, in the shape of the kind, and the Ready condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.compare.baseline import fingerprint
from engine.desired.status import convert_status
from engine.model.document import canonical
from engine.model.ids import Fingerprint
from schemas.behaviours import lookup_behaviour
from schemas.kind_types import Kind

CONDITIONS: Final = "conditions"


def build_status(kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the status of a resource as read, without conditions.

    A list that would make the object larger than the API server takes is left out, as ASO does.
    """
    status = convert_status(kind, body)
    behaviour = lookup_behaviour(kind.arm_type)
    if behaviour is None or behaviour.status_limit is None:
        return status
    (name,), most = behaviour.status_limit
    is_long = isinstance(status.get(name), list) and len(status[name]) > most
    return {n: v for n, v in status.items() if n != name} if is_long else status


def print_status(status: object) -> Fingerprint:
    """Return the fingerprint of a status without its conditions; empty where there is none."""
    members = {k: v for k, v in status.items() if k != CONDITIONS} if isinstance(status, dict) else {}
    return fingerprint(canonical(members)) if members else Fingerprint("")
