"""Findings for the planner: a storage account compared for real, and its resource group."""

from __future__ import annotations

from typing import Any

from engine.compare.compare import compare
from engine.model.change import DiffState, ResourceDiff
from engine.model.ids import ArmId
from engine.model.plan import Plan, Step
from engine.model.state import ActualState, DesiredState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan
from tests.builders import (
    ENDPOINT,
    GROUP,
    SUBSCRIPTION,
    build_actual,
    build_baseline,
    build_desired,
    build_id,
    build_key,
)

BODY: dict[str, Any] = {
    "location": "westeurope",
    "kind": "StorageV2",
    "sku": {"name": "Standard_LRS"},
    "properties": {"minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False},
    "tags": {"app": "shop"},
}
GROUP_ID = ArmId(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")


def body_with(**changes: Any) -> dict[str, Any]:
    properties = {**BODY["properties"], **changes.pop("properties", {})}
    return {**BODY, "properties": properties, **changes}


def find(
    desired_body: dict[str, Any] = BODY,
    actual_body: dict[str, Any] | None = None,
    *,
    baseline: dict[str, Any] | None = BODY,
    desired: DesiredState | None = None,
    **more: Any,
) -> Finding:
    """Compare for real and return the finding."""
    state = desired or build_desired(body=desired_body)
    if actual_body is None:
        remembered = build_baseline(BODY, BODY) if baseline is not None else None
        diff = ResourceDiff(state=DiffState.DRIFTED) if remembered else ResourceDiff()
        actual = ActualState(id=state.id or build_id(), presence=Presence.ABSENT)
        return Finding(desired=state, actual=actual, diff=diff, baseline=remembered, **more)
    actual = build_actual(actual_body, id=state.id)
    memory = build_baseline(baseline, baseline) if baseline is not None else None
    return Finding(desired=state, actual=actual, diff=compare(state, actual, memory), baseline=memory, **more)


def plan_of(*findings: Finding, **more: Any) -> Plan:
    return build_plan(PlanInput(findings=findings, endpoint=ENDPOINT, **more))


def step_of(finding: Finding, **more: Any) -> Step:
    return plan_of(finding, **more).steps[0]


def group_finding(*, deleting: bool = False, **more: Any) -> Finding:
    desired = build_desired(
        build_key("default/ResourceGroup/app-rg", group="resources.azure.com", version="v1api20200601"),
        arm_type="Microsoft.Resources/resourceGroups",
        id=GROUP_ID,
        body={"location": "westeurope"},
        deleting=deleting,
        **more,
    )
    return Finding(desired=desired, actual=build_actual({"location": "westeurope"}, id=GROUP_ID))
