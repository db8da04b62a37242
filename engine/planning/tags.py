"""Differences of tags alone: one request to the tags API, which touches nothing else of the resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from engine.model.change import ChangeKind
from engine.model.document import ABSENT
from engine.model.path import FieldPath
from engine.model.plan import Request
from engine.planning.carry import CARRIED_RULES, HELD_BACK, find_key
from engine.planning.finding import Finding
from schemas import arm
from schemas.nodes import UnionNode

TAGS_API_VERSION: Final = "2021-04-01"
_REPLACE: Final = "Replace"
TAGS_API: Final = "/providers/Microsoft.Resources/tags/default"


def is_tag(path: FieldPath) -> bool:
    """Whether a place is a tag, or all tags."""
    return path.segments[:1] == ("tags",)


def takes_tags_api(arm_type: str, api_version: str) -> bool:
    """Whether ARM keeps the tags of a type: it does where it knows the resource itself, by its location.

    Elsewhere tags are a member like any other. A type without a description is taken for one that has tags.
    """
    found = arm.lookup_nearest(arm_type, api_version)
    if found is None:
        return True
    body = found.type.body
    members = body.base if isinstance(body, UnionNode) else body.properties
    location = members.get("location")
    return location is not None and not location.is_read_only


def is_replace_of_tags(request: Request) -> bool:
    """Whether a request sends all tags to the tags API."""
    return TAGS_API in request.url and request.body.get("operation") == _REPLACE


def plan_tags_body(finding: Finding) -> dict[str, Any]:
    """Merge what is new or other, Delete what is too many, Replace where both are needed."""
    actual = _actual_tags(finding)
    gone, wanted = _split(finding, actual)
    if gone and wanted:
        kept = {k: v for k, v in actual.items() if k not in gone and find_key(wanted, k) is None}
        return {"operation": _REPLACE, "properties": {"tags": kept | wanted}}
    operation, tags = ("Delete", gone) if gone else ("Merge", wanted)
    return {"operation": operation, "properties": {"tags": tags}}


def whole_tags(finding: Finding) -> dict[str, Any]:
    """Return all tags for a merge patch: services that merge take no harm, others would drop what is left out.

    Source: ``az resource tag``, which replaces all tags of a resource by a PATCH of the member.
    """
    actual = _actual_tags(finding)
    gone, _ = _split(finding, actual)
    hidden = [s for s in finding.diff.suppressed if is_tag(s.path) and len(s.path.segments) == 2]
    held = {str(s.path.segments[1]): s.held for s in hidden if s.rule in CARRIED_RULES and s.held is not ABSENT}
    away = {s.path.segments[1] for s in hidden if s.rule in HELD_BACK and s.held is ABSENT}
    asked = {k: v for k, v in (finding.desired.body.get("tags") or {}).items() if k not in away}
    return {**asked, **held, **dict.fromkeys(gone)}


def _split(finding: Finding, actual: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the tags that must go, as Azure spells them, and those to set."""
    desired = finding.desired.body.get("tags") or {}
    gone: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    for change in finding.diff.changes:
        if not is_tag(change.path):
            continue
        if len(change.path.segments) == 1:
            gone |= {k: v for k, v in actual.items() if find_key(desired, k) is None}
            wanted |= {k: v for k, v in desired.items() if actual.get(k) != v}
        elif change.kind is ChangeKind.REMOVE:
            name = str(change.path.segments[1])
            name = find_key(actual, name) or name
            gone[name] = actual.get(name, "")
        else:
            name = str(change.path.segments[1])
            wanted[name] = desired.get(name)
    return gone, wanted


def _actual_tags(finding: Finding) -> Mapping[str, Any]:
    document = finding.actual.document if finding.actual is not None else None
    value = document.value if document is not None else {}
    tags = value.get("tags") if isinstance(value, Mapping) else None
    return tags if isinstance(tags, Mapping) else {}
