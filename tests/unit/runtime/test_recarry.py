"""PUTs that carry something back are brought up to date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.errors import MovedError, UnavailableError
from engine.model.document import ABSENT
from engine.model.plan import Action, Request, Step
from engine.model.state import ActualState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import plan_step
from engine.runtime.recarry import Recarry
from tests.builders import build_actual, build_desired, build_id

NETWORK = "Microsoft.Network/virtualNetworks"
TODAY = date(2026, 1, 1)


def network(prefix: str = "10.0.0.0/16", *subnets: str) -> dict[str, Any]:
    held = [{"name": s, "properties": {"addressPrefix": "10.0.1.0/24"}} for s in subnets]
    return {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": [prefix]}, "subnets": held}}


def plan(arm_type: str = NETWORK) -> tuple[Recarry, Step]:
    desired = build_desired("default/VirtualNetwork/net", arm_type=arm_type, api_version="2024-03-01", body=network())
    desired.body["properties"].pop("subnets")
    body = {**network("10.1.0.0/16", "a"), "tags": {}}
    actual = build_actual(body, id=build_id("net", arm_type=arm_type))
    recarry = Recarry((), children={}, today=TODAY, secret_key=b"")
    diff = recarry._diff(Finding(desired=desired, actual=actual), actual)
    finding = Finding(desired=desired, actual=actual, diff=diff, baseline=None)
    step = plan_step(finding, PlanInput(findings=(), endpoint="https://x"))
    put = Request(method="PUT", url="https://x/net", body={"planned": True})
    fields = {f: getattr(step, f) for f in step.__dataclass_fields__} | {"action": Action.UPDATE, "requests": (put,)}
    return Recarry((finding,), children={}, today=TODAY, secret_key=b""), Step(**fields)


def refresh(body: Any) -> Request:
    recarry, step = plan()
    return recarry.refresh(step, step.requests[0], build_actual(body, id=step.id))


def test_the_answer_of_the_plan_leaves_the_request_alone() -> None:
    """Nothing is worked out anew where Azure answers byte for byte as it did."""
    assert refresh({**network("10.1.0.0/16", "a"), "tags": {}}).body == {"planned": True}


def test_children_are_carried_as_they_are_now() -> None:
    """Where only the carried list moved, the PUT is the same with today's list."""
    sent = refresh({**network("10.1.0.0/16", "b", "c"), "tags": {}, "etag": "2"})

    assert [s["name"] for s in sent.body["properties"]["subnets"]] == ["b", "c"]
    assert sent.body["properties"]["addressSpace"] == {"addressPrefixes": ["10.0.0.0/16"]}
    assert sent.url == "https://x/net"


@pytest.mark.parametrize("body", [network("10.2.0.0/16", "a"), network("10.0.0.0/16", "a")], ids=["moved", "mended"])
def test_another_difference_than_planned_is_told(body: Any) -> None:
    """What was confirmed is not what the PUT would do now."""
    with pytest.raises(MovedError, match="plan again"):
        refresh(body)


def test_what_is_gone_or_cannot_be_read_is_not_written() -> None:
    """A resource that went away is not created by an update; a read that failed may be tried again."""
    recarry, step = plan()
    unread = build_actual(id=step.id, presence=Presence.UNREADABLE, cause="403")

    with pytest.raises(MovedError):
        recarry.refresh(step, step.requests[0], build_actual(id=step.id))
    with pytest.raises(UnavailableError, match="403"):
        recarry.refresh(step, step.requests[0], unread)


def test_only_puts_over_what_carries_something_are_read_again() -> None:
    """A PATCH, and a PUT of a type without children in it, cost no read."""
    recarry, step = plan()
    _, plain = plan("Microsoft.ManagedIdentity/userAssignedIdentities")
    patch = Request(method="PATCH", url="https://x/net", body={})

    assert recarry.is_needed(step, step.requests[0])
    assert not recarry.is_needed(step, patch)
    assert not recarry.is_needed(plain, plain.requests[0])


def decide(body: Any, *, etag: str = "2", may_be_ours: bool = False, is_create: bool = False) -> Request | None:
    recarry, step = plan()
    name = "If-None-Match" if is_create else "If-Match"
    request = Request(method="PUT", url="https://x/net", body={"planned": True}, headers=((name, "1"),))
    actual = build_actual(body, id=step.id, etag=etag)
    return recarry.decide_again(step, request, actual, may_be_ours=may_be_ours)


def test_a_delete_that_met_a_moved_resource_deletes_nothing() -> None:
    """After a 412 what is gone is done; what is there is not what was looked at, and neither deleted nor written."""
    recarry, step = plan()
    request = Request(method="DELETE", url="https://x/net", body=ABSENT, headers=(("If-Match", "1"),))
    assert step.id is not None
    gone = ActualState(id=step.id, presence=Presence.ABSENT)
    there = build_actual(network("10.0.0.0/16", "a"), id=step.id, etag="2")

    assert recarry.decide_again(step, request, gone, may_be_ours=False) is None
    with pytest.raises(MovedError):
        recarry.decide_again(step, request, there, may_be_ours=False)


def test_a_delete_goes_on_where_only_the_etag_moved() -> None:
    """What differs is what the plan knew: the DELETE is sent over the new etag, and stays a DELETE without a body."""
    recarry, step = plan()
    request = Request(method="DELETE", url="https://x/net", body=ABSENT, headers=(("If-Match", "1"),))
    same = build_actual(network("10.1.0.0/16", "b"), id=step.id, etag="2")

    sent = recarry.decide_again(step, request, same, may_be_ours=False)

    assert sent == replace(request, headers=(("If-Match", "2"),))


def test_the_same_difference_is_written_over_the_new_etag() -> None:
    """Where somebody moved what the plan is not about, the same change is sent with what Azure holds now."""
    sent = decide({**network("10.1.0.0/16", "b"), "tags": {}})

    assert sent is not None
    assert [s["name"] for s in sent.body["properties"]["subnets"]] == ["b"]


def test_what_became_as_asked_meanwhile_is_not_written() -> None:
    """Nothing differs any more: nothing is left to be sent."""
    assert decide(network("10.0.0.0/16", "a")) is None


def test_another_difference_is_not_written_over() -> None:
    """What moved in the very place is another decision, which the next plan shows."""
    with pytest.raises(MovedError, match="plan again"):
        decide(network("10.9.0.0/16", "a"))


def test_what_somebody_else_created_is_not_written_over() -> None:
    """A create finds something: it is ours only where a request of ours may have made it and it is as asked."""
    as_asked, other = network("10.0.0.0/16"), network("10.9.0.0/16")

    assert decide(as_asked, may_be_ours=True, is_create=True) is None
    for body, may_be_ours in ((as_asked, False), (other, True)):
        with pytest.raises(MovedError, match="created by somebody else"):
            decide(body, may_be_ours=may_be_ours, is_create=True)
