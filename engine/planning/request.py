"""The smallest request that makes Azure as asked: none, tags, PATCH, PUT, DELETE."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from engine.compare.compare import secrecy_of
from engine.model.change import ChangeKind
from engine.model.document import ABSENT, Body
from engine.model.ids import ApiVersion, ArmId
from engine.model.plan import Request
from engine.model.state import ActualState, DesiredState, Presence
from engine.planning.carry import carry_over
from engine.planning.finding import Finding
from engine.planning.patch import plan_patch_body
from engine.planning.soft_delete import choose_mode, fill_soft_delete, lookup
from engine.planning.tags import TAGS_API, TAGS_API_VERSION, is_tag, plan_tags_body, takes_tags_api
from schemas.behaviour_types import Behaviour, fill_template
from schemas.behaviours import lookup_behaviour
from schemas.operations import TypeOperations, lookup_operations

PATCH: Final = ""
"""Stands for the method itself among what Azure refused of a type."""


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
    removed = {c.path.segments for c in finding.diff.changes if c.kind is ChangeKind.REMOVE}
    body = carry_over(desired.body, actual, finding.diff.suppressed, behaviour, removed=removed)
    if body is not desired.body:
        body = _wrap(body, desired)
    if behaviour is not None and behaviour.soft_delete is not None:
        body = choose_mode(body, behaviour.soft_delete, found=finding.soft_deleted)
    return Request(
        method="PUT",
        url=build_url(endpoint, resource, desired.api_version),
        body=body,
        headers=_preconditions(finding, "PUT", operations),
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
    endpoint: str,
    resource: ArmId,
    api_version: ApiVersion,
    *,
    actual: ActualState | None = None,
    behaviour: Behaviour | None = None,
) -> Request:
    """Return the DELETE of what was read, with the query and headers that the type takes."""
    query = behaviour.delete_query if behaviour is not None else ""
    headers = behaviour.delete_headers if behaviour is not None else ()
    operations = lookup_operations(resource.resource_type)
    etag = actual.etag if actual is not None else ""
    condition = _if_match(etag, "DELETE", api_version, operations) if operations is not None else ()
    if condition:
        headers = (*(h for h in headers if h[0].lower() != "if-match"), *condition)
    return Request(
        method="DELETE", url=build_url(endpoint, resource, api_version, query=query), body=ABSENT, headers=headers
    )


def plan_before_delete(endpoint: str, actual: ActualState | None, behaviour: Behaviour | None) -> tuple[Request, ...]:
    """Return the actions that a type needs before its DELETE; none where Azure does not name what they are about."""
    document = actual.document if actual is not None else None
    out = []
    for call in behaviour.before_delete if behaviour is not None and document is not None else ():
        path = fill_template(call.path, document.value if document is not None else None)
        if path:
            out.append(Request(method=call.method, url=f"{endpoint}{path}?api-version={call.api_version}", body=ABSENT))
    return tuple(out)


def plan_update(
    endpoint: str,
    resource: ArmId,
    finding: Finding,
    *,
    operations: TypeOperations | None,
    behaviour: Behaviour | None,
    refused: Collection[str] = (),
) -> Request:
    """Return the smallest request that mends all changes.

    1. Only tags differ: the tags API, which touches nothing else.
    2. The type's PATCH takes every changed member at this api-version: a merge patch of just those.
    3. Anything else: PUT.

    Args:
        endpoint: Of ARM.
        resource: What is written.
        finding: What differs.
        operations: What the type's operations take.
        behaviour: What is special about the type.
        refused: What Azure refused of the type before: members, ``PATCH`` or ``TAGS_API``.
    """
    changes = finding.diff.changes
    desired = finding.desired
    if changes and all(is_tag(c.path) for c in changes) and _has_tags_api(desired, refused):
        url = build_url(endpoint, resource, TAGS_API_VERSION, suffix=TAGS_API)
        body = plan_tags_body(finding)
        return Request(method="PATCH", url=url, body=body | {"properties": _wrap(body["properties"], desired)})
    return _plan_members(endpoint, resource, finding, operations, refused) or plan_put(
        endpoint, resource, finding, operations=operations, behaviour=behaviour
    )


def plan_fallback(
    endpoint: str,
    resource: ArmId,
    finding: Finding,
    request: Request,
    *,
    operations: TypeOperations | None,
    behaviour: Behaviour | None,
    refused: Collection[str] = (),
) -> Request | None:
    """Return what to send if Azure does not take a PATCH: the PUT; for tags the PATCH of the member, if there is one.

    Returns:
        None for requests that are no PATCH, and while the whole body is not known.
    """
    if request.method != "PATCH" or finding.desired.unknown:
        return None
    if TAGS_API in request.url:
        patch = _plan_members(endpoint, resource, finding, operations, refused)
        if patch is not None:
            return patch
    return plan_put(endpoint, resource, finding, operations=operations, behaviour=behaviour)


def plan_again(resource: ArmId, finding: Finding, request: Request) -> tuple[Body, tuple[tuple[str, str], ...]]:
    """Return body and headers of a request of the same kind over what is found now."""
    operations = lookup_operations(finding.desired.arm_type)
    behaviour = lookup_behaviour(finding.desired.arm_type)
    if TAGS_API in request.url:
        fresh = plan_update("", resource, finding, operations=operations, behaviour=behaviour)
    elif request.method == "PATCH":
        fresh = _plan_members("", resource, finding, operations, ()) or request
    else:
        fresh = plan_put("", resource, finding, operations=operations, behaviour=behaviour)
    return fresh.body, fresh.headers


def _has_tags_api(desired: DesiredState, refused: Collection[str]) -> bool:
    return TAGS_API not in refused and takes_tags_api(desired.arm_type, desired.api_version)


def _plan_members(
    endpoint: str,
    resource: ArmId,
    finding: Finding,
    operations: TypeOperations | None,
    refused: Collection[str],
) -> Request | None:
    """Return the PATCH of the resource itself, or None when only a PUT does it."""
    if not finding.diff.changes or PATCH in refused:
        return None
    body = plan_patch_body(finding, operations, refused=[r for r in refused if r not in (PATCH, TAGS_API)])
    if body is None:
        return None
    url = build_url(endpoint, resource, finding.desired.api_version)
    return Request(method="PATCH", url=url, body=body, headers=_preconditions(finding, "PATCH", operations))


def _preconditions(finding: Finding, verb: str, operations: TypeOperations | None) -> tuple[tuple[str, str], ...]:
    """Return If-Match over what was read, If-None-Match for what is to be created, where the type takes them.

    A type that insists on If-Match gets ``*`` where Azure named no etag.
    """
    if operations is None:
        return ()
    version = finding.desired.api_version
    if finding.actual is None or finding.actual.presence is Presence.ABSENT:
        return (("If-None-Match", "*"),) if verb == "PUT" and operations.takes_none_match(version) else ()
    return _if_match(finding.actual.etag, verb, version, operations)


def _if_match(etag: str, verb: str, api_version: ApiVersion, operations: TypeOperations) -> tuple[tuple[str, str], ...]:
    """Return the condition that the resource is still what was read, where the type takes it."""
    if etag and operations.takes_etag(verb, api_version):
        return (("If-Match", etag),)
    return (("If-Match", "*"),) if verb in operations.etag_required else ()
