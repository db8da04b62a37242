"""Types whose deleted resources keep their name: which mode to send, and where to look."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from engine.model.document import ABSENT, Body
from engine.model.ids import ArmId
from engine.model.state import DesiredState
from schemas.behaviour_types import SoftDelete
from schemas.behaviours import lookup_behaviour


def find_deleted_twin(desired: DesiredState) -> tuple[ArmId, str] | None:
    """Return where a deleted resource of the same name would be, and the api-version to ask with.

    Returns:
        None when the object leaves no choice open: then nothing has to be looked up.
    """
    behaviour = lookup_behaviour(desired.arm_type)
    rule = behaviour.soft_delete if behaviour is not None else None
    if rule is None or desired.id is None or lookup(desired.body, rule.mode_path) not in rule.modes:
        return None
    return ArmId(fill_soft_delete(rule.deleted_url, desired)), rule.api_version


def fill_soft_delete(template: str, desired: DesiredState) -> str:
    """Fill the template of a deleted resource's id."""
    assert desired.id is not None
    location = str(desired.body.get("location", "")).replace(" ", "").lower()
    return template.format(subscription=desired.id.subscription, location=location, name=desired.id.name)


def choose_mode(body: Body, rule: SoftDelete, *, found: bool) -> Body:
    """Return the body with a mode that Azure knows in place of one that only manifests know."""
    modes = rule.modes.get(lookup(body, rule.mode_path))
    if modes is None:
        return body
    out = copy.copy(body)
    at = out
    for name in rule.mode_path[:-1]:
        at[name] = copy.copy(at[name])
        at = at[name]
    at[rule.mode_path[-1]] = modes[1] if found else modes[0]
    return out


def lookup(body: Any, where: tuple[str, ...]) -> Any:
    """Return the value at a path of member names; ABSENT when the way ends."""
    for name in where:
        if not isinstance(body, Mapping) or name not in body:
            return ABSENT
        body = body[name]
    return body
