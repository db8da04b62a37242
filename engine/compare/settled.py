"""Whether Azure has finished with a resource: a body alone can hold the desired values of a write that failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.compare.places import get_member

_SETTLED: Final = frozenset({"", "succeeded"})
_ALSO_SETTLED: Final[Mapping[str, frozenset[str]]] = {
    "microsoft.sql/servers/outboundfirewallrules": frozenset({"ready"}),
}
"""Types whose final state has a name of its own (recorded traffic: 5 of 5 writes end in Ready)."""


def provisioning_state(body: Any) -> str:
    """Return ``properties.provisioningState`` as Azure spells it; empty when the type has none."""
    state = get_member(get_member(body, "properties"), "provisioningState")
    return state if isinstance(state, str) else ""


def is_settled(arm_type: str, body: Any) -> bool:
    """Whether the last operation on the resource ended well: provisioningState is Succeeded, or there is none."""
    state = provisioning_state(body).lower()
    return state in _SETTLED or state in _ALSO_SETTLED.get(arm_type.lower(), ())
