"""The page for people: what is in it, in which order, how big it may be, what cannot break out of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from engine.app.page_parts import load_page_parts
from engine.model.change import Attribution
from engine.model.plan import Action
from engine.reporting.html import DATA_LIMIT, encode_data, render_page
from engine.reporting.page import comparison_page, drift_page, plan_page, result_page
from engine.reporting.page_tree import number_waves
from engine.reporting.style import TextOptions
from tests.builders import build_change, build_diff, build_id, build_key, build_plan, build_step
from tests.page_cases import HOSTILE, big_plan, hostile_plan
from tests.report_cases import GROUPS, NETWORKS, PLANS, applied, compared, drifted, guarded

STYLE = TextOptions()


def data_of(page: str) -> Any:
    """Return what the page's script would read."""
    found = re.search(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def states_of(page: str) -> dict[str, str]:
    """Return the state of each resource by the last part of its name."""
    data = data_of(page)
    return {r["n"].rsplit("/", 1)[-1]: data["states"][state][0] for _, state, r in data["rows"] if state >= 0}


def test_rows_stand_below_their_owners() -> None:
    """Resources stand below subscription, group and owner; places that no object stands for are added."""
    network, subnet = "default/VirtualNetwork/net", "default/VirtualNetworksSubnet/front"
    steps = [
        build_step(Action.CREATE, subnet, id=build_id("net/front", arm_type=f"{NETWORKS}/subnets")),
        build_step(Action.CREATE, network, id=build_id("net", arm_type=NETWORKS), arm_type=NETWORKS),
        build_step(Action.CREATE, "default/ResourceGroup/b", id=build_id("b", arm_type=GROUPS)),
        build_step(Action.CREATE, "default/StorageAccount/inside", id=build_id("inside", group="B")),
        build_step(Action.WAIT, "default/StorageAccount/lost", id=None),
    ]

    rows = json.loads(encode_data(plan_page(build_plan(steps), STYLE)))["rows"]

    assert [(depth, row["n"].rsplit("/", 1)[-1]) for depth, _, row in rows] == [
        (0, "Subscription 00000000-0000-0000-0000-000000000001"),
        (1, "Resource group app-rg"),
        (2, "net"),
        (3, "front"),
        (1, "b"),
        (2, "inside"),
        (0, "Not placed in Azure yet"),
        (1, "lost"),
    ]


def test_every_resource_is_on_the_page_once() -> None:
    """Whatever the report, each resource has one row with its state, and the counts are those of the rows."""
    plan, drift = guarded(), drifted()
    pages = {
        "plan": (plan_page(plan, STYLE), len(plan.steps)),
        "drift": (drift_page(drift, STYLE), len(drift.steps)),
        "apply": (result_page(applied(), STYLE), 8),
        "diff": (comparison_page(compared(), STYLE), 5),
    }
    for page, count in pages.values():
        rendered = render_page(page, load_page_parts())
        found = [row for row in data_of(rendered)["rows"] if row[1] >= 0]
        counted = [int(n) for n in re.findall(r"<b>(\d+)</b>", rendered)]
        assert (len(found), sum(counted)) == (count, count)


def test_states_are_the_words_of_the_report() -> None:
    """A plan is listed by action, drift by what happened, an apply by outcome, a comparison by standing."""
    plan = states_of(render_page(plan_page(guarded(), STYLE), load_page_parts()))
    drift = states_of(render_page(drift_page(drifted(), STYLE), load_page_parts()))
    done = states_of(render_page(result_page(applied(), STYLE), load_page_parts()))

    assert (plan["replaced"], plan["kept"], plan["hidden"]) == ("replace", "blocked", "unreadable")
    assert (drift["app"], drift["cache"], drift["gone"], drift["s0"]) == ("drifted", "differs", "deleted", "in sync")
    assert (done["db"], done["app"], done["orders"]) == ("failed", "not as planned", "skipped")
    assert (done["aks"], done["same"], done["app-rg"]) == ("held back", "unchanged", "created")


def test_times_are_utc_whatever_azure_writes() -> None:
    """Who moved has a time of UTC, also where Azure gave one of another zone."""
    at = datetime(2026, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    author = Attribution(by="somebody@contoso.example", by_type="User", at=at)
    step = build_step(Action.UPDATE, diff=build_diff(build_change(), last_modified=author))

    found = [row.get("b") for _, _, row in json.loads(encode_data(plan_page(build_plan([step]), STYLE)))["rows"]]

    assert found[-1] == ["somebody@contoso.example", "a person", "2026-02-28T23:30:00+00:00"]


def test_nobody_moved_what_no_apply_is_remembered_of() -> None:
    """Drift and deletions are listed as moved by Azure; what merely differs is listed as moved by nobody."""
    rows = data_of(render_page(drift_page(drifted(), STYLE), load_page_parts()))["rows"]
    moved = {row["n"].rsplit("/", 1)[-1]: row.get("g", "") for _, _, row in rows}

    assert ("d" in moved["app"], moved["gone"], moved["cache"]) == (True, "d", "")


def test_waves_follow_what_must_be_there_first() -> None:
    """A step is one wave after the last of those it needs; what is not written has no wave and delays nobody."""
    group, net, front = (build_key(f"default/{name}") for name in ("ResourceGroup/g", "VirtualNetwork/n", "Subnet/f"))
    steps = [
        build_step(Action.NOOP, group),
        build_step(Action.CREATE, net, depends_on=(group,)),
        build_step(Action.WAIT, front, depends_on=(group, net)),
        build_step(Action.SKIP, "default/Redis/r", depends_on=(net,)),
    ]

    assert number_waves(build_plan(steps)) == {net.identity: 1, front.identity: 2}


def test_nothing_is_fetched_and_nothing_else_can_run() -> None:
    """The page's policy allows its own style and script by their hashes, and no address but its own empty icon."""
    page = render_page(plan_page(drifted(), STYLE), load_page_parts())
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    bodies = re.findall(r"<(?:script|style)>(.*?)</(?:script|style)>", page, re.DOTALL)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" for body in bodies]

    own = f"script-src {hashes[1]}; style-src {hashes[0]}"
    assert policy == [f"default-src 'none'; {own}; img-src data:; base-uri 'none'; form-action 'none'"]
    assert not re.search(r'(?:src|href)="(?!data:,"|#)', page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", page)
    assert set(re.findall(r"https?://[^\"\s]+", load_page_parts().script)) == {"http://www.w3.org/2000/svg"}


def test_texts_of_users_stay_texts() -> None:
    """Markup in names, values, reasons and people ends no script, opens no tag and fills no hole of the template."""
    page = render_page(plan_page(hostile_plan(), STYLE), load_page_parts())
    (row,) = [r for r in data_of(page)["rows"] if r[1] >= 0]

    assert page.count("</script>") == 2
    assert "<img" not in page
    assert page.count("<!--") == 0
    assert not set(page) & {"\u2028", "\u2029", "\u202e"}
    assert HOSTILE.split("\u2028")[0] in row[2]["b"][0]


@pytest.mark.parametrize("members", [24, 160], ids=["typical", "huge"])
def test_ten_thousand_resources_fit(members: int) -> None:
    """10,000 resources take 15 MB at most, here a tenth of both; what does not fit is counted, and each keeps some."""
    resources, limit = 1_000, DATA_LIMIT // 10
    page = render_page(plan_page(big_plan(resources, members=members), STYLE), load_page_parts(), limit=limit)
    rows = [row for _, state, row in data_of(page)["rows"] if state >= 0]

    assert len(page.encode()) <= 1_500_000
    assert len(rows) == resources
    left = [row["x"] for row in rows if "x" in row]
    assert bool(left) == (members == 160)
    assert all(row.get("c") for row in rows if "x" in row)


def test_one_huge_resource_leaves_the_others_whole() -> None:
    """What one resource has too much of is cut there, and nowhere else."""
    small = build_step(Action.UPDATE, "default/StorageAccount/small", changes=(build_change(),))
    changes = tuple(build_change(f"/tags/t{n}", after="x" * 1_000) for n in range(500))
    huge = build_step(Action.UPDATE, "default/StorageAccount/huge", changes=changes)

    rows = json.loads(encode_data(plan_page(build_plan([huge, small]), STYLE), limit=100_000))["rows"]
    by_name = {row["n"]: row for _, _, row in rows}

    assert "x" not in by_name["default/StorageAccount/small"]
    kept = by_name["default/StorageAccount/huge"]
    assert len(kept["c"]) + kept["x"] == 500
    assert 60 < len(kept["c"]) < 110


@pytest.mark.parametrize("case", PLANS)
def test_same_plan_same_bytes(case: str) -> None:
    """A plan gives the same page whenever it is printed; only the time of the pass may be added."""
    first, again = (render_page(plan_page(PLANS[case](), STYLE), load_page_parts()) for _ in range(2))

    assert first == again
    assert "Azure was read" not in first
