"""The smallest request that makes Azure as asked: none, tags, PATCH, PUT, DELETE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.compare.compare import secrecy_of
from engine.model.change import ChangeKind, FieldChange, Suppressed
from engine.model.document import ABSENT, UNKNOWN, Body
from engine.model.ids import ApiVersion, ArmId
from engine.model.path import FieldPath, Segment
from engine.model.plan import Request
from engine.model.state import DesiredState
from engine.planning.carry import CARRIED_RULES, carry_over, find_key
from engine.planning.finding import Finding
from engine.planning.soft_delete import choose_mode, fill_soft_delete, lookup
from schemas.behaviours import Behaviour
from schemas.operations import TypeOperations

TAGS_API_VERSION = "2021-04-01"


def build_url(endpoint: str, resource: ArmId, api_version: str, *, suffix: str = "", query: str = "") -> str:
    """Return the absolute URL of a request about a resource."""
    extra = f"&{query}" if query else ""
    return f"{endpoint}{resource.text}{suffix}?api-version={api_version}{extra}"


def plan_put(
    endpoint: str,
    resource: ArmId,
    finding: Finding,
    *,
    operations: TypeOperations | None = None,
    behaviour: Behaviour | None = None,
) -> Request:
    """Return the PUT: the desired body, plus what lives in Azure and must survive it."""
    actual = finding.actual.document.value if finding.actual is not None and finding.actual.document else None
    desired = finding.desired
    body = carry_over(desired.body, actual, finding.diff.suppressed, behaviour)
    if body is not desired.body:
        body = _wrap(body, desired)
    if behaviour is not None and behaviour.soft_delete is not None:
        body = choose_mode(body, behaviour.soft_delete, found=finding.soft_deleted)
    return Request(
        method="PUT",
        url=build_url(endpoint, resource, desired.api_version),
        body=body,
        headers=_if_match(finding, "PUT", operations),
    )


def plan_purge(endpoint: str, finding: Finding, behaviour: Behaviour | None) -> Request | None:
    """Return the purge that must come before a PUT; None unless the object asks for it and there is a need."""
    rule = behaviour.soft_delete if behaviour is not None else None
    if rule is None or not finding.soft_deleted or lookup(finding.desired.body, rule.mode_path) not in rule.purges:
        return None
    place = fill_soft_delete(rule.purge_url, finding.desired)
    return Request(method="POST", url=build_url(endpoint, ArmId(place), rule.api_version), body=ABSENT)


def _wrap(body: Body, desired: DesiredState) -> Body:
    """Return a body that holds values of Azure with its secrets wrapped: a plan is printed and saved."""
    wrapped: Body = secrecy_of(desired.arm_type, desired.api_version, desired.body).wrap(body)
    return wrapped


def plan_delete(
    endpoint: str, resource: ArmId, api_version: ApiVersion, *, behaviour: Behaviour | None = None
) -> Request:
    """Return the DELETE, with the query and headers that the type insists on."""
    query = behaviour.delete_query if behaviour is not None else ""
    headers = behaviour.delete_headers if behaviour is not None else ()
    return Request(
        method="DELETE", url=build_url(endpoint, resource, api_version, query=query), body=ABSENT, headers=headers
    )


def plan_update(
    endpoint: str,
    resource: ArmId,
    finding: Finding,
    *,
    operations: TypeOperations | None,
    behaviour: Behaviour | None,
) -> Request:
    """Return the smallest request that mends all changes.

    1. Only tags differ: the tags API, which touches nothing else.
    2. The type's PATCH takes every changed member at this api-version: a merge patch of just those.
    3. Anything else: PUT.
    """
    changes = finding.diff.changes
    if changes and all(_is_tag(c.path) for c in changes):
        return _plan_tags(endpoint, resource, finding)
    patch = _plan_patch(endpoint, resource, finding, operations) if changes else None
    return patch or plan_put(endpoint, resource, finding, operations=operations, behaviour=behaviour)


def _is_tag(path: FieldPath) -> bool:
    return path.segments[:1] == ("tags",)


def _plan_tags(endpoint: str, resource: ArmId, finding: Finding) -> Request:
    """Merge what is new or other, Delete what is too many, Replace when both are needed."""
    desired = finding.desired.body.get("tags") or {}
    actual = _actual_body(finding).get("tags") or {}
    gone: dict[str, Any] = {}
    wanted: dict[str, Any] = {}
    for change in finding.diff.changes:
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
    if gone and wanted:
        kept = {k: v for k, v in actual.items() if k not in gone and find_key(wanted, k) is None}
        operation, tags = "Replace", kept | wanted
    else:
        operation, tags = ("Delete", gone) if gone else ("Merge", wanted)
    url = build_url(endpoint, resource, TAGS_API_VERSION, suffix="/providers/Microsoft.Resources/tags/default")
    body = {"operation": operation, "properties": _wrap({"tags": tags}, finding.desired)}
    return Request(method="PATCH", url=url, body=body)


def _plan_patch(endpoint: str, resource: ArmId, finding: Finding, operations: TypeOperations | None) -> Request | None:
    """Return a merge patch of the changed members, or None when only a PUT does it."""
    patch = operations.patch_for(finding.desired.api_version) if operations is not None else None
    if patch is None or operations is None:
        return None
    body: Body = {}
    for change in finding.diff.changes:
        where = _up_to_list(change.path.segments)
        if not patch.accepts(names_of(change.path.segments)) or not _place(body, where, change, finding):
            return None
    if has_unknown(body):
        return None
    url = build_url(endpoint, resource, finding.desired.api_version)
    return Request(method="PATCH", url=url, body=body, headers=_if_match(finding, "PATCH", operations))


def _place(body: Body, where: tuple[str, ...], change: FieldChange, finding: Finding) -> bool:
    """Put the desired value at the place into the patch; False when a merge patch cannot say it."""
    value = lookup(finding.desired.body, where)
    in_list = len(where) < len(change.path.segments)
    if in_list and _hides_elements(where, finding.diff.suppressed):
        return False
    if value is ABSENT:
        value = None
    elif isinstance(value, Mapping) and change.kind is ChangeKind.CHANGE and _shrinks(value, change.before):
        return False
    at = body
    for name in where[:-1]:
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            return True
    at[where[-1]] = value
    return True


def _shrinks(after: Mapping[str, Any], before: object) -> bool:
    """Whether a merge would leave members behind that the desired object does not have."""
    return isinstance(before, Mapping) and not set(before) <= set(after)


def _hides_elements(where: tuple[str, ...], suppressed: Iterable[Suppressed]) -> bool:
    """Whether Azure holds something in the list that a merge patch of the desired list would undo."""
    below = (s for s in suppressed if _up_to_list(s.path.segments) == where != s.path.segments)
    return any(s.after is ABSENT or s.rule in CARRIED_RULES for s in below)


def _up_to_list(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    """Return the leading member names: a merge patch replaces lists as a whole."""
    out: list[str] = []
    for segment in segments:
        if not isinstance(segment, str):
            break
        out.append(segment)
    return tuple(out)


def names_of(segments: tuple[Segment, ...]) -> tuple[str, ...]:
    """Return the place as REST facts write it: member names, ``[]`` for any element."""
    return tuple(s if isinstance(s, str) else "[]" for s in segments)


def has_unknown(value: Any) -> bool:
    """Whether a body holds a value that is not known yet, at any depth."""
    if isinstance(value, Mapping):
        return any(has_unknown(v) for v in value.values())
    if isinstance(value, list):
        return any(has_unknown(v) for v in value)
    return value is UNKNOWN


def _actual_body(finding: Finding) -> Mapping[str, Any]:
    document = finding.actual.document if finding.actual is not None else None
    value = document.value if document is not None else {}
    return value if isinstance(value, Mapping) else {}


def _if_match(finding: Finding, verb: str, operations: TypeOperations | None) -> tuple[tuple[str, str], ...]:
    """Return If-Match where the type's own description says that the verb takes it."""
    etag = finding.actual.etag if finding.actual is not None else ""
    takes = operations is not None and operations.takes_etag(verb, finding.desired.api_version)
    return (("If-Match", etag),) if etag and takes else ()
