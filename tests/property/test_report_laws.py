"""Laws of the reports: reading undoes writing, secrets stay out, terminals and comments are not driven by values."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.app.page_parts import load_page_parts
from engine.model.change import ChangeKind, ChangeOrigin, FieldChange, ResourceDiff, Suppressed
from engine.model.document import Secret
from engine.model.plan import Action, Plan, Request, Step
from engine.reporting import (
    events,
    html,
    junit,
    markdown,
    page,
    sarif,
    text,
    text_explain,
    text_results,
    wire,
    wire_results,
)
from engine.reporting.style import TextOptions
from tests import strategies
from tests.builders import build_apply, build_change, build_desired, build_plan, build_result, build_step
from tests.junit_rules import check_junit

CANARY = "canary-77aa01"
COLOUR = TextOptions(colour=True, verbose=True)

PARTS = replace(load_page_parts(), style="", script="")

RENDERERS: dict[str, Callable[[Plan], bytes]] = {
    "plan text": lambda p: text.render_plan(p).encode("utf-8", "surrogatepass"),
    "plan colour": lambda p: text.render_plan(p, COLOUR).encode(),
    "plan json": wire.encode_plan,
    "plan ndjson": lambda p: b"".join(events.plan_lines(p)),
    "plan markdown": lambda p: markdown.render_plan(p).encode(),
    "drift text": lambda p: text_results.render_drift(p).encode(),
    "drift json": wire_results.encode_drift,
    "drift ndjson": lambda p: b"".join(events.drift_lines(p)),
    "drift markdown": lambda p: markdown.render_drift(p).encode(),
    "result text": lambda p: text_results.render_result(build_apply(*map(build_result, p.steps), plan=p)).encode(),
    "result json": lambda p: wire_results.encode_result(build_apply(*map(build_result, p.steps), plan=p)),
    "result markdown": lambda p: markdown.render_result(build_apply(*map(build_result, p.steps), plan=p)).encode(),
    "plan html": lambda p: html.render_page(page.plan_page(p, TextOptions()), PARTS).encode(),
    "drift html": lambda p: html.render_page(page.drift_page(p, TextOptions()), PARTS).encode(),
    "result html": lambda p: html.render_page(
        page.result_page(build_apply(*map(build_result, p.steps), plan=p), TextOptions()), PARTS
    ).encode(),
    "plan junit": lambda p: junit.render_plan(p).encode(),
    "drift junit": lambda p: junit.render_drift(p).encode(),
    "result junit": lambda p: junit.render_result(build_apply(*map(build_result, p.steps), plan=p)).encode(),
    "plan sarif": lambda p: sarif.render_plan(p).encode(),
    "drift sarif": lambda p: sarif.render_drift(p).encode(),
    "result sarif": lambda p: sarif.render_result(build_apply(*map(build_result, p.steps), plan=p)).encode(),
    "explain text": lambda p: "".join(text_explain.render_explanation(s) for s in p.steps).encode(),
    "explain json": lambda p: b"".join(wire_results.encode_explanation(s) for s in p.steps),
}


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.plans)
def test_reading_undoes_writing(plan: Plan) -> None:
    """A plan that holds only what is public comes back from its JSON as the same plan."""
    raw = wire.encode_plan(plan)
    read = wire.decode_plan(raw)

    assert wire.encode_plan(read) == raw
    assert read == plan


secret_bodies = strategies.json_values(Secret(CANARY))


@st.composite
def secret_plans(draw: st.DrawFn) -> Plan:
    """Return plans with a secret in every place that may hold a value."""
    origin = draw(st.sampled_from(ChangeOrigin))
    kind = draw(st.sampled_from(ChangeKind))
    wrapped, raw = draw(secret_bodies), draw(st.sampled_from((CANARY, [CANARY], {"a": CANARY}, f"{CANARY}\nb")))
    change = build_change(before=wrapped, after=Secret(CANARY), baseline=wrapped, kind=kind, origin=origin)
    marked = build_change("/x", before=raw, after=raw, baseline=raw, kind=kind, origin=origin, sensitive=True)
    hidden = Suppressed(path=change.path, rule="secret", why="because", before=Secret(CANARY), after=wrapped)
    step = build_step(
        draw(st.sampled_from(Action)),
        body={"a": wrapped, "b": [Secret(CANARY)]},
        diff=ResourceDiff(changes=(change, marked), suppressed=(hidden,)),
        desired=build_desired(body={"a": wrapped, "b": Secret(CANARY)}),
    )
    create = build_step(Action.CREATE, "default/StorageAccount/b", body={"a": wrapped, "b": [Secret(CANARY)]})
    return build_plan([step, create])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(secret_plans())
def test_no_secret_in_any_rendering(plan: Plan) -> None:
    """Wrapped secrets and values marked sensitive appear in no report."""
    shown = [name for name, render in RENDERERS.items() if CANARY.encode() in render(plan)]

    assert shown == []


PLAIN = (
    *(f"{what} {form}" for what in ("plan", "drift") for form in ("text", "markdown", "html", "junit", "sarif")),
    *("result text", "result html", "result junit", "result sarif", "explain text"),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.plans)
def test_values_cannot_drive_a_terminal(plan: Plan) -> None:
    """Without colour a report holds no control character but the line end, and no direction mark."""
    printed = "".join(RENDERERS[name](plan).decode() for name in PLAIN)
    odd = {c for c in printed if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}

    assert odd <= {"\n"}


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.plans)
def test_junit_keeps_its_rules(plan: Plan) -> None:
    """Whatever stands in names and values, readers of JUnit files can read the report."""
    for name in ("plan junit", "drift junit", "result junit"):
        check_junit(RENDERERS[name](plan).decode())


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.plans)
def test_events_are_lines_of_json(plan: Plan) -> None:
    """Every event is one line with a type, the version comes first and the summary last."""
    lines = list(events.plan_lines(plan))
    kinds = [orjson.loads(line)["type"] for line in lines]

    assert all(line.count(b"\n") == 1 for line in lines)
    assert kinds[0] == "version"
    assert kinds[-1] == "change_summary"
    assert len([k for k in kinds if k.startswith("planned_")]) == len(plan.steps)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(strategies.plans, st.integers(min_value=8_000, max_value=20_000))
def test_markdown_keeps_its_limit(plan: Plan, limit: int) -> None:
    """A report for a comment is never longer than asked, and its details are closed."""
    report = markdown.render_plan(plan, limit=limit)

    assert len(report) <= limit
    assert report.count("<details>") == report.count("\n</details>\n")


def huge_plan(count: int, size: int) -> Plan:
    """Return a plan whose every step has a long value."""
    value = {f"key{n}": "`<|" * size for n in range(40)}
    change = FieldChange(
        path=build_change().path, kind=ChangeKind.CHANGE, before={}, after=value, origin=ChangeOrigin.DRIFT
    )
    request = Request(method="PUT", url="https://arm.example/x", body=value)
    steps = [
        build_step(Action.UPDATE, f"default/StorageAccount/s{n}", requests=(request,), changes=(change,))
        for n in range(count)
    ]
    return build_plan(steps, problems=tuple("p" * 4_000 for _ in range(300)))


@pytest.mark.parametrize(("count", "size"), [(3_000, 1), (3, 40_000)], ids=["many", "big"])
def test_huge_plans_fit_a_comment(count: int, size: int) -> None:
    """However many or big the changes are, the report fits and says how much is left out."""
    plan = huge_plan(count, size)

    for report in (markdown.render_plan(plan), markdown.render_drift(plan)):
        assert len(report) < 65_536
        assert "more" in report.splitlines()[-1] or report.count("<details>") == count


def test_what_matters_most_stays_in_a_comment() -> None:
    """Where not all fits, blocked steps and deletes are shown first, and what is left out is counted by its action."""
    steps = [build_step(Action.UPDATE, f"default/StorageAccount/s{n}", changes=(build_change(),)) for n in range(900)]
    last = [build_step(Action.DELETE, "default/StorageAccount/gone"), build_step(Action.BLOCKED, "default/Redis/kept")]

    report = markdown.render_plan(build_plan([*steps, *last]))
    shown = report.count("<details>")

    assert report.index("default/Redis/kept") < report.index("default/StorageAccount/gone") < report.index("/s0<")
    assert report.endswith(
        f"… and {902 - shown} more, left out here ({902 - shown} update): the report would be too long.\n"
    )


def _dump(seed: str) -> bytes:
    script = (
        "import sys; from tests.report_cases import PLANS; from tests.property.test_report_laws import RENDERERS\n"
        "for plan in PLANS.values():\n"
        "    for render in RENDERERS.values(): sys.stdout.buffer.write(render(plan()))\n"
    )
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, check=True
    ).stdout


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    """Two processes with different hash seeds print the same bytes."""
    first = _dump("1")

    assert first
    assert _dump("2") == first


def test_step_has_no_field_the_json_forgets() -> None:
    """Every field of a step is in the JSON, or is known to stay out of it."""
    stays_out = {"desired"}
    renamed = {
        "key": "object",
        "arm_type": "type",
        "api_version": "api",
        "requests": "request",
        "diff": "changes",
        "precondition": "preconditions",
        "depends_on": "dependsOn",
    }
    optional = {"fallback", "waits"}
    fields = set(Step.__dataclass_fields__) - stays_out - optional

    assert {renamed.get(f, f) for f in fields} <= set(wire.step_json(build_step()))
