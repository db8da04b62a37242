"""Lines of the audit log, ``trueup.audit/1``: what is to be sent, how Azure answered, what became of it. No secrets.

One request has an ``intent``, written before it is sent, and at most one ``answer`` (the first word of Azure, where the
operation goes on) and one ``outcome``. ``followed`` ends an operation that an earlier run left behind.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.errors import EngineError
from engine.model.audit import Author, Fate
from engine.model.document import ABSENT, encode_wire
from engine.model.ids import ArmId, PlanId
from engine.model.plan import Request, Step
from engine.model.result import RequestIds
from engine.reporting.wire import change_json
from engine.reporting.wire_values import Collector, object_json, text

AUDIT_FORMAT = "trueup.audit/1"
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")


def intent_record(
    write: str, at: datetime, *, plan: PlanId, by: Author, step: Step, request: Request, secret_key: bytes
) -> dict[str, Any]:
    """Return what is about to be sent, by whom, and what it changes."""
    return {
        **_head("intent", at, write),
        "plan": plan,
        "by": _author_json(by),
        "object": object_json(step.key),
        "generation": step.precondition.generation,
        "id": text(step.id.text) if step.id else None,
        "type": step.arm_type,
        "action": step.action.value,
        "reason": step.reason.value,
        "request": {
            "method": request.method,
            "url": text(request.url),
            "apiVersion": _api_version(request.url),
            "bodyHash": hash_body(request, secret_key),
        },
        "changes": _changes(step, request),
        **_allowed(step),
    }


def _allowed(step: Step) -> dict[str, Any]:
    """Return which guards were let pass for the step, and by which option or annotation; nothing without any."""
    passed = [{"guard": g.name, "option": text(g.allowed_by)} for g in step.guards if g.allowed_by]
    return {"allowed": passed} if passed else {}


def answer_record(write: str, at: datetime, *, http_status: int, ids: RequestIds) -> dict[str, Any]:
    """Return that Azure took the request and goes on."""
    return {**_head("answer", at, write), "httpStatus": http_status, **_ids_json(ids)}


def outcome_record(
    write: str, at: datetime, *, fate: Fate, http_status: int, ids: RequestIds, error: EngineError | None
) -> dict[str, Any]:
    """Return what became of a request, as far as this run saw."""
    return {
        **_head("outcome", at, write),
        "outcome": fate.value,
        "httpStatus": http_status or None,
        **_ids_json(ids),
        **_error_json(error),
    }


def followed_record(resource: ArmId, at: datetime, *, fate: Fate, error: EngineError | None) -> dict[str, Any]:
    """Return what became of an operation of an earlier run."""
    return {
        **_head("followed", at, ""),
        "id": text(resource.text),
        "outcome": fate.value,
        **_error_json(error),
    }


def hash_body(request: Request, secret_key: bytes) -> str:
    """Return a hash of the bytes sent; keyed where a secret is among them, so that nobody can try secrets out.

    Empty where there is no body, or none that could be sent.
    """
    if request.body is ABSENT:
        return ""
    try:
        raw = encode_wire(request.body)
    except ValueError:
        return ""
    found = Collector()
    found.clean(request.body, "")
    if found.masked:
        return f"hmac-sha256:{hmac.digest(secret_key, raw, 'sha256').hex()}"
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _head(event: str, at: datetime, write: str) -> dict[str, Any]:
    return {"format": AUDIT_FORMAT, "event": event, "at": at.isoformat(), **({"write": write} if write else {})}


def _author_json(by: Author) -> dict[str, Any]:
    who = by.principal
    return {
        "name": text(who.name),
        "objectId": text(who.object_id),
        "appId": text(who.app_id),
        "tenantId": text(who.tenant_id),
        "user": text(by.user),
        "host": text(by.host),
        "process": by.process,
        "release": by.release,
    }


def _ids_json(ids: RequestIds) -> dict[str, str]:
    return {"correlationId": text(ids.correlation), "requestId": text(ids.request)}


def _error_json(error: EngineError | None) -> dict[str, str]:
    """Return what went wrong without Azure's own words: they may quote a secret that nobody here knows of."""
    if error is None:
        return {"reason": "", "code": "", "cause": ""}
    code = error.code if _CODE.fullmatch(error.code) else ""
    return {"reason": error.reason, "code": code, "cause": text(error.summary)}


def _api_version(url: str) -> str:
    return next(iter(parse_qs(urlsplit(url).query).get("api-version", ())), "")


def _changes(step: Step, request: Request) -> list[dict[str, Any]]:
    """Return before and after of what changes; all that is sent where nothing was there, nothing for a delete."""
    if request.method == "DELETE":
        return []
    if step.changes:
        return [change_json(c) for c in step.changes]
    found = Collector()
    encoded: dict[str, Any] = {"path": "", "text": "", "kind": "add", "after": found.clean(request.body, "/after")}
    return [encoded | ({"masked": found.masked} if found.masked else {})]
