"""Valid objects with keyword overrides, for every test and for the benchmarks.

Each builder takes what a test wants to say and fills in the rest; a text where a path, key or id is wanted is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.model.change import ChangeKind, ChangeOrigin, DiffState, FieldChange, ResourceDiff, Suppressed
from engine.model.document import ABSENT, Document, canonical
from engine.model.ids import ApiVersion, ArmId, PlanId, ResourceKey
from engine.model.path import FieldPath
from engine.model.plan import Action, Budget, Plan, Reason, Request, Step
from engine.model.result import ApplyResult, Outcome, StepResult
from engine.model.state import ActualState, Baseline, DesiredState, Presence

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "app-rg"
ENDPOINT = "https://management.azure.com"
STORAGE = "Microsoft.Storage/storageAccounts"
STORAGE_API = "2023-01-01"

_REASONS = {
    Action.NOOP: Reason.IN_SYNC,
    Action.CREATE: Reason.MISSING,
    Action.UPDATE: Reason.SPEC_CHANGED,
    Action.REPLACE: Reason.IMMUTABLE_CHANGE,
    Action.DELETE: Reason.OBJECT_DELETED,
    Action.ADOPT: Reason.DIFFERS,
    Action.FORGET: Reason.DETACHED,
    Action.WAIT: Reason.WAITING_FOR_OWNER,
    Action.SKIP: Reason.POLICY_SKIP,
    Action.BLOCKED: Reason.GUARDED,
    Action.UNREADABLE: Reason.UNREADABLE,
}
_METHODS = {
    Action.CREATE: ("PUT",),
    Action.UPDATE: ("PATCH",),
    Action.REPLACE: ("DELETE", "PUT"),
    Action.DELETE: ("DELETE",),
}
_STATES = {
    ChangeOrigin.USER: DiffState.CHANGED,
    ChangeOrigin.UNKNOWN: DiffState.CHANGED,
    ChangeOrigin.DRIFT: DiffState.DRIFTED,
    ChangeOrigin.BOTH: DiffState.CONFLICTED,
}
_OUTCOMES = {
    Action.CREATE: Outcome.CREATED,
    Action.UPDATE: Outcome.UPDATED,
    Action.ADOPT: Outcome.UPDATED,
    Action.REPLACE: Outcome.REPLACED,
    Action.DELETE: Outcome.DELETED,
    Action.NOOP: Outcome.UNCHANGED,
}


def build_key(
    text: str = "default/StorageAccount/app", *, group: str = "storage.azure.com", version: str = "v1api20230101"
) -> ResourceKey:
    """Return a key from ``namespace/Kind/name``."""
    namespace, kind, name = text.split("/", 2)
    return ResourceKey(namespace=namespace, group=group, kind=kind, name=name, version=version)


def build_id(
    name: str = "app", *, arm_type: str = STORAGE, group: str = GROUP, subscription: str = SUBSCRIPTION
) -> ArmId:
    """Return the id of a resource of a type; ``name`` holds parents' names too, those left out are ``parent``."""
    if arm_type.lower() == "microsoft.resources/resourcegroups":
        return ArmId(f"/subscriptions/{subscription}/resourceGroups/{name}")
    provider, *types = arm_type.split("/")
    names = name.split("/")
    names = ["parent"] * (len(types) - len(names)) + names
    pairs = "/".join(f"{t}/{n}" for t, n in zip(types, names, strict=True))
    return ArmId(f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/{pairs}")


def build_path(path: str | FieldPath) -> FieldPath:
    """Return a path from a JSON Pointer; parts of digits become list positions."""
    if isinstance(path, FieldPath):
        return path
    return FieldPath(
        tuple(int(s) if isinstance(s, str) and s.isdigit() else s for s in FieldPath.parse_pointer(path).segments)
    )


def build_desired(key: str | ResourceKey = "default/StorageAccount/app", **overrides: Any) -> DesiredState:
    """Return a desired state: a storage account in a known resource group."""
    resource_key = build_key(key) if isinstance(key, str) else key
    arm_type = overrides.pop("arm_type", STORAGE)
    fields: dict[str, Any] = {
        "key": resource_key,
        "id": build_id(resource_key.name, arm_type=arm_type),
        "arm_type": arm_type,
        "api_version": ApiVersion(STORAGE_API),
        "body": {
            "location": "westeurope",
            "sku": {"name": "Standard_LRS"},
            "properties": {"minimumTlsVersion": "TLS1_2"},
        },
    }
    return DesiredState(**(fields | overrides))


def build_actual(body: Any = ABSENT, **overrides: Any) -> ActualState:
    """Return an actual state: present with the body, or absent without one."""
    present = body is not ABSENT
    fields: dict[str, Any] = {
        "id": build_id(),
        "presence": Presence.PRESENT if present else Presence.ABSENT,
        "document": Document(canonical(body)) if present else None,
    }
    return ActualState(**(fields | overrides))


def build_baseline(desired: Any, actual: Any, **overrides: Any) -> Baseline:
    """Return what a settled write asked for and left behind."""
    fields: dict[str, Any] = {
        "id": build_id(),
        "api_version": ApiVersion(STORAGE_API),
        "desired": Document(canonical(desired)),
        "actual": Document(canonical(actual)),
    }
    return Baseline(**(fields | overrides))


def build_change(path: str | FieldPath = "/properties/minimumTlsVersion", **overrides: Any) -> FieldChange:
    """Return a change by the user; the kind follows from what is absent."""
    fields: dict[str, Any] = {"before": "TLS1_0", "after": "TLS1_2", "origin": ChangeOrigin.USER} | overrides
    absent = (fields["before"] is ABSENT, fields["after"] is ABSENT)
    kinds = {(True, False): ChangeKind.ADD, (False, True): ChangeKind.REMOVE}
    fields.setdefault("kind", kinds.get(absent, ChangeKind.CHANGE))
    return FieldChange(path=build_path(path), **fields)


def build_suppressed(path: str | FieldPath = "/location", **overrides: Any) -> Suppressed:
    """Return a receipt of the region rule."""
    fields: dict[str, Any] = {"rule": "region", "why": "Azure writes region names without spaces."} | overrides
    return Suppressed(path=build_path(path), **fields)


def build_diff(*changes: FieldChange, **overrides: Any) -> ResourceDiff:
    """Return a diff of the changes; the state is the strongest that their origins call for."""
    states = [_STATES[c.origin] for c in changes]
    order = (DiffState.CONFLICTED, DiffState.DRIFTED, DiffState.CHANGED)
    fields: dict[str, Any] = {"changes": changes, "state": next((s for s in order if s in states), DiffState.IN_SYNC)}
    return ResourceDiff(**(fields | overrides))


def build_request(method: str = "PUT", body: Any = ABSENT, **overrides: Any) -> Request:
    """Return a request to the default storage account."""
    fields: dict[str, Any] = {"url": f"{ENDPOINT}{build_id()}?api-version={STORAGE_API}"}
    return Request(method=method, body=body, **(fields | overrides))


def build_step(
    action: Action = Action.NOOP, key: str | ResourceKey = "default/StorageAccount/app", **overrides: Any
) -> Step:
    """Return a step with the requests its action usually has.

    ``changes`` (FieldChanges) stands for ``diff``; ``body`` is the body of PUT and PATCH requests.
    """
    resource_key = build_key(key) if isinstance(key, str) else key
    arm_type = overrides.get("arm_type", STORAGE)
    arm_id = overrides.pop("id", build_id(resource_key.name, arm_type=arm_type))
    body, changes = overrides.pop("body", {}), overrides.pop("changes", ())
    url = f"{ENDPOINT}{arm_id}?api-version={STORAGE_API}"
    fields: dict[str, Any] = {
        "key": resource_key,
        "id": arm_id,
        "arm_type": arm_type,
        "api_version": ApiVersion(STORAGE_API),
        "action": action,
        "reason": _REASONS[action],
        "diff": build_diff(*changes),
        "requests": tuple(
            Request(method=m, url=url, body=ABSENT if m == "DELETE" else body) for m in _METHODS.get(action, ())
        ),
    }
    return Step(**(fields | overrides))


def build_plan(steps: Iterable[Step] = (), **overrides: Any) -> Plan:
    """Return a complete plan with a budget that fits its requests."""
    all_steps = tuple(steps)
    writes = sum(len(s.requests) for s in all_steps if s.action.mutates)
    fields: dict[str, Any] = {
        "steps": all_steps,
        "complete": True,
        "id": PlanId("p-1"),
        "budget": Budget(writes=writes),
    }
    return Plan(**(fields | overrides))


def build_result(step: Step | None = None, **overrides: Any) -> StepResult:
    """Return the result that the step hoped for."""
    wanted = step or build_step(Action.CREATE)
    fields: dict[str, Any] = {
        "outcome": _OUTCOMES.get(wanted.action, Outcome.SKIPPED),
        "requests": len(wanted.requests),
        "duration": timedelta(seconds=3.2),
    }
    return StepResult(step=wanted, **(fields | overrides))


def build_apply(*results: StepResult, plan: Plan | None = None) -> ApplyResult:
    """Return an apply of the results; the plan is made of their steps unless given."""
    return ApplyResult(plan=plan or build_plan(r.step for r in results), results=results)


def renamed(step: Step, key: str) -> Step:
    """Return the same step for another object and id."""
    resource_key = build_key(key)
    return replace(step, key=resource_key, id=build_id(resource_key.name, arm_type=step.arm_type))
