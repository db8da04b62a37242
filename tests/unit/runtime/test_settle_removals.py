"""What left the manifest and stays in Azure all the same is told."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.model.document import Document
from engine.model.plan import Action, Plan, Reason, Request, Step
from engine.model.state import ActualState, Presence
from engine.runtime.recording import PlayedStore, Recording
from engine.runtime.settle import Settlement
from tests.builders import build_actual, build_desired, build_id
from tests.fakes import FakeClock

FULL: dict[str, Any] = {"location": "westus2", "properties": {"minimumTlsVersion": "TLS1_2", "accessTier": "Hot"}}
LEFT: dict[str, Any] = {"location": "westus2", "properties": {"accessTier": "Hot"}}


@pytest.mark.parametrize(("held", "is_told"), [("TLS1_2", True), ("TLS1_0", False), (None, False)])
def test_a_member_that_azure_keeps_is_told(held: str | None, is_told: bool) -> None:  # a case
    """Removed and there as before: the result says so. Removed and at another value, or gone: it worked."""
    before = make_baseline(build_desired(body=FULL), build_actual(FULL), secret_key=b"k")
    desired = build_desired(body=LEFT)
    diff = compare(desired, build_actual(FULL), before, secret_key=b"k")
    step = Step(
        key=desired.key,
        id=build_id(),
        arm_type=desired.arm_type,
        api_version=desired.api_version,
        action=Action.UPDATE,
        reason=Reason.SPEC_CHANGED,
        diff=diff,
        desired=desired,
        requests=(Request(method="PUT", url="https://arm/x", body=LEFT),),
    )
    body = {**LEFT, "properties": {**LEFT["properties"], **({"minimumTlsVersion": held} if held else {})}}
    actual = ActualState(id=build_id(), presence=Presence.PRESENT, document=Document(value=body))
    store = PlayedStore(Recording(secret_key=b"k"))
    settlement = Settlement(store, FakeClock(), Plan(steps=(step,), complete=True), known={build_id(): before})

    remark = settlement.settle(step, actual)

    assert ("still holds what left the manifest at properties.minimumTlsVersion" in remark) is is_told
