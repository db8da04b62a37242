"""The plan as public, versioned JSON, and back: ``trueup.plan/1`` (docs/plan-json.md is its reference).

Keys are only ever added within one version. A saved plan holds no secret: ``***`` stands for each, so bodies with
secrets cannot be sent from it; apply renders them again and compares ``preconditions.desiredHash``. The desired
objects themselves are not in it, and neither are the values of hidden differences.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from engine.model.change import Attribution, ChangeKind, ChangeOrigin, DiffState, FieldChange, ResourceDiff, Suppressed
from engine.model.document import ABSENT, REDACTED, UNKNOWN
from engine.model.ids import ApiVersion, ArmId, Generation, PlanId
from engine.model.path import FieldPath
from engine.model.plan import Action, Guard, Plan, Precondition, Reason, Request, SecretPrint, Step
from engine.model.state import Wait
from engine.reporting.allowances import allowances
from engine.reporting.changes import step_waits
from engine.reporting.summary import PlanSummary, plan_line, summarize_plan
from engine.reporting.values import printable_json
from engine.reporting.wire_budget import budget_json, decode_budget
from engine.reporting.wire_reader import Reader, read_document
from engine.reporting.wire_values import (
    Collector,
    decode_object,
    decode_path,
    encode_path,
    object_json,
    parse_pointer,
    restore,
    text,
)

PLAN_FORMAT = "trueup.plan/1"


def encode_json(value: dict[str, Any], *, indent: bool = True) -> bytes:
    """Encode one public document; keys keep their order, the last byte is a line end."""
    options = orjson.OPT_APPEND_NEWLINE | (orjson.OPT_INDENT_2 if indent else 0)
    return printable_json(orjson.dumps(value, option=options))


def encode_plan(plan: Plan, *, indent: bool = True) -> bytes:
    """Return the plan as JSON: the form ``-o json`` prints and ``--out`` saves."""
    return encode_json(plan_json(plan), indent=indent)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON values."""
    return {
        "format": PLAN_FORMAT,
        "id": plan.id,
        "complete": plan.complete,
        "appliable": plan.appliable,
        "problems": [text(p) for p in plan.problems],
        "summary": summary_json(plan),
        "budget": budget_json(plan.budget),
        **allowances_json(plan),
        "steps": [step_json(s) for s in plan.steps],
    }


def summary_json(plan: Plan, summary: PlanSummary | None = None) -> dict[str, Any]:
    """Return the counts and the summary line; nothing reads them back."""
    counts = summary or summarize_plan(plan)
    return {
        "text": plan_line(plan, counts),
        "resources": counts.resources,
        "unchanged": counts.unchanged,
        "drifted": counts.drifted,
        "conflicted": counts.conflicted,
        "warnings": counts.warnings,
        "ignored": counts.ignored,
        "actions": {a.value: n for a, n in counts.actions.items()},
        "writes": counts.writes,
        "methods": dict(counts.methods),
    }


def step_json(step: Step) -> dict[str, Any]:
    """Return one step; every key is always there except ``requests``, ``fallback``, ``waits``, ``lastModified``."""
    encoded: dict[str, Any] = {
        "id": text(step.id.text) if step.id else None,
        "object": object_json(step.key),
        "type": step.arm_type,
        "api": step.api_version,
        "action": step.action.value,
        "reason": step.reason.value,
        "detail": text(step.detail),
        "state": step.diff.state.value,
        "origin": text(step.origin),
        "request": request_json(step.requests[0]) if step.requests else None,
        "changes": [change_json(c) for c in step.changes],
        "suppressed": [suppressed_json(s) for s in step.diff.suppressed],
        "dependsOn": [object_json(k) for k in step.depends_on],
        "guards": [guard_json(g) for g in step.guards],
        "preconditions": _precondition_json(step.precondition),
        "notes": [text(n) for n in step.notes],
    }
    if step.diff.last_modified is not None:
        encoded["lastModified"] = author_json(step.diff.last_modified)
    if len(step.requests) > 1:
        encoded["requests"] = [request_json(r) for r in step.requests]
    if step.fallback is not None:
        encoded["fallback"] = request_json(step.fallback)
    waits = step_waits(step)
    if waits:
        encoded["waits"] = [_wait_json(w) for w in waits]
    return encoded


def guard_json(guard: Guard) -> dict[str, Any]:
    """Return one guard; ``effect``, ``allow`` and ``allowedBy`` are missing where they are empty."""
    encoded: dict[str, Any] = {"name": guard.name, "text": text(guard.text), "blocks": guard.blocks}
    more = {"effect": text(guard.effect), "allow": text(guard.allow), "allowedBy": text(guard.allowed_by)}
    return encoded | {name: value for name, value in more.items() if value}


def allowances_json(plan: Plan) -> dict[str, Any]:
    """Return ``allowed``: which options the run was given, and which guards each let pass; nothing without options."""
    given = [
        {
            "option": text(one.option),
            "guards": [{"name": name, "object": object_json(key)} for name, key in one.passed],
        }
        for one in allowances(plan)
    ]
    return {"allowed": given} if given else {}


def author_json(author: Attribution) -> dict[str, str]:
    """Return who made the drift, and when."""
    return {"by": text(author.by), "byType": text(author.by_type), "at": author.at.isoformat()}


def request_json(request: Request) -> dict[str, Any]:
    """Return a request without its secrets; ``body`` is missing where none is sent."""
    found = Collector()
    encoded: dict[str, Any] = {"method": request.method, "url": text(request.url)}
    if request.headers:
        encoded["headers"] = {name: text(value) for name, value in request.headers}
    if request.body is not ABSENT:
        encoded["body"] = found.clean(request.body, "/body")
    return encoded | _places(found)


def _places(found: Collector) -> dict[str, list[str]]:
    places = {"unknown": found.unknown, "masked": found.masked}
    return {name: pointers for name, pointers in places.items() if pointers}


def change_json(change: FieldChange) -> dict[str, Any]:
    """Return a change; ``before``, ``after`` and ``baseline`` are missing where there is no value, null is null."""
    found = Collector()
    encoded: dict[str, Any] = encode_path(change.path)
    encoded["specPath"] = text(change.spec_path.pointer) if change.spec_path is not None else None
    encoded |= {"kind": change.kind.value, "origin": change.origin.value}
    for name, value in (("before", change.before), ("after", change.after), ("baseline", change.baseline)):
        if value is not ABSENT:
            public = REDACTED if change.sensitive and value is not UNKNOWN else value
            encoded[name] = found.clean(public, f"/{name}")
    if change.rule:
        encoded["rule"] = change.rule
    if change.is_shortened:
        encoded["baselineShortened"] = True
    encoded["sensitive"] = change.sensitive
    encoded["unknown"] = found.unknown
    if found.masked:
        encoded["masked"] = found.masked
    return encoded


def suppressed_json(item: Suppressed, *, values: bool = False) -> dict[str, Any]:
    """Return the receipt of a hidden difference; a plan holds it without values."""
    encoded: dict[str, Any] = {**encode_path(item.path), "rule": item.rule, "why": text(item.why)}
    if item.origin is not ChangeOrigin.UNKNOWN:
        encoded["origin"] = item.origin.value
    if not values:
        return encoded
    found = Collector()
    for name, value in (("before", item.before), ("after", item.after)):
        if value is not ABSENT:
            encoded[name] = found.clean(value, f"/{name}")
    return encoded | _places(found)


def _precondition_json(condition: Precondition) -> dict[str, Any]:
    encoded: dict[str, Any] = {
        "generation": condition.generation,
        "etag": text(condition.etag),
        "actualHash": condition.actual_hash,
        "desiredHash": condition.desired_hash,
    }
    if condition.secrets:
        encoded["secrets"] = [
            {"at": text(s.pointer), "source": text(s.source), "hash": s.mark} for s in condition.secrets
        ]
    return encoded


def _wait_json(wait: Wait) -> dict[str, Any]:
    encoded: dict[str, Any] = {"text": text(wait.text), "on": object_json(wait.on) if wait.on else None}
    if wait.path is not None:
        encoded |= _wait_path(wait.path)
    if wait.secret_only:
        encoded["secretOnly"] = True
    return encoded


def _wait_path(path: FieldPath) -> dict[str, Any]:
    # The readable form of the path is left out: "text" is the wait's own sentence.
    return {k: v for k, v in encode_path(path).items() if k != "text"}


def decode_plan(raw: bytes) -> Plan:
    """Read a saved plan; keys that are not known are ignored.

    Secrets come back as REDACTED (cannot be sent), the desired states as None.

    Raises:
        InvalidSpecError: Not JSON, another format or version, or something of the wrong type; it names the place.
    """
    document = read_document(raw, PLAN_FORMAT)
    return Plan(
        id=PlanId(document.string("id")),
        complete=document.boolean("complete"),
        problems=tuple(document.strings("problems")),
        budget=decode_budget(document.child("budget", {})),
        allowed=tuple(a.string("option") for a in document.items("allowed")),
        steps=tuple(_decode_step(s) for s in document.items("steps")),
    )


def _decode_step(where: Reader) -> Step:
    arm_id = where.child("id")
    return Step(
        key=decode_object(where.child("object")),
        id=None if arm_id.value is None else ArmId(arm_id.checked(str, "an ARM id or null")),
        arm_type=where.string("type"),
        api_version=ApiVersion(where.string("api")),
        action=where.choice("action", Action),
        reason=where.choice("reason", Reason),
        detail=where.string("detail", ""),
        requests=_decode_requests(where),
        fallback=_decode_request(where.child("fallback")) if where.has("fallback") else None,
        diff=ResourceDiff(
            changes=tuple(_decode_change(c) for c in where.items("changes")),
            suppressed=tuple(_decode_suppressed(s) for s in where.items("suppressed")),
            state=where.choice("state", DiffState),
            last_modified=_decode_author(where.child("lastModified")) if where.has("lastModified") else None,
        ),
        precondition=_decode_precondition(where.child("preconditions")),
        depends_on=tuple(decode_object(o) for o in where.items("dependsOn")),
        guards=tuple(
            Guard(
                name=g.string("name"),
                text=g.string("text"),
                effect=g.string("effect", ""),
                allow=g.string("allow", ""),
                allowed_by=g.string("allowedBy", ""),
                blocks=g.boolean("blocks", True),
            )
            for g in where.items("guards")
        ),
        notes=tuple(where.strings("notes")),
        waits=tuple(_decode_wait(w) for w in where.items("waits")),
        origin=where.string("origin", ""),
    )


def _decode_author(where: Reader) -> Attribution:
    try:
        at = datetime.fromisoformat(where.string("at"))
    except ValueError as exc:
        raise where.child("at").problem("a time") from exc
    return Attribution(by=where.string("by"), by_type=where.string("byType", ""), at=at)


def _decode_requests(where: Reader) -> tuple[Request, ...]:
    if where.has("requests"):
        return tuple(_decode_request(r) for r in where.items("requests"))
    first = where.child("request")
    return () if first.value is None else (_decode_request(first),)


def _decode_request(where: Reader) -> Request:
    holder: dict[str, Any] = {"body": where.child("body", ABSENT).value}
    restore(holder, unknown=where.strings("unknown"), masked=where.strings("masked"), where=where)
    headers = where.child("headers", {})
    names = headers.checked(dict, "an object")
    return Request(
        method=where.string("method"),
        url=where.string("url"),
        body=holder["body"],
        headers=tuple((name, headers.string(name)) for name in names),
    )


def _decode_change(where: Reader) -> FieldChange:
    holder = {name: where.child(name).value for name in ("before", "after", "baseline") if where.has(name)}
    restore(holder, unknown=where.strings("unknown"), masked=where.strings("masked"), where=where)
    has_spec_path = where.has("specPath") and where.child("specPath").value is not None
    return FieldChange(
        path=decode_path(where),
        kind=where.choice("kind", ChangeKind),
        origin=where.choice("origin", ChangeOrigin),
        before=holder.get("before", ABSENT),
        after=holder.get("after", ABSENT),
        baseline=holder.get("baseline", ABSENT),
        spec_path=parse_pointer(where, "specPath") if has_spec_path else None,
        sensitive=where.boolean("sensitive", False),
        rule=where.string("rule", ""),
        is_shortened=where.boolean("baselineShortened", False),
    )


def _decode_suppressed(where: Reader) -> Suppressed:
    origin = where.choice("origin", ChangeOrigin) if where.has("origin") else ChangeOrigin.UNKNOWN
    return Suppressed(path=decode_path(where), rule=where.string("rule"), why=where.string("why"), origin=origin)


def _decode_precondition(where: Reader) -> Precondition:
    return Precondition(
        generation=Generation(where.integer("generation", 0)),
        etag=where.string("etag", ""),
        actual_hash=where.string("actualHash", ""),
        desired_hash=where.string("desiredHash", ""),
        secrets=tuple(
            SecretPrint(pointer=s.string("at"), source=s.string("source"), mark=s.string("hash"))
            for s in where.items("secrets")
        ),
    )


def _decode_wait(where: Reader) -> Wait:
    on = where.child("on", None)
    return Wait(
        text=where.string("text"),
        on=None if on.value is None else decode_object(on),
        path=decode_path(where) if where.has("path") else None,
        secret_only=where.boolean("secretOnly", False),
    )
