"""Reports as SARIF: they keep the published schema, and point to lines of manifests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.model.path import FieldPath
from engine.model.plan import Action
from engine.reporting import sarif
from engine.reporting.style import TextOptions
from tests.builders import build_change, build_plan, build_step
from tests.report_cases import PLANS, applied, drifted, guarded

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "schemas" / "sarif-2.1.0.json").read_text())
RENDERED: dict[str, Callable[[], str]] = {
    **{f"plan {name}": lambda make=make: sarif.render_plan(make()) for name, make in PLANS.items()},  # type: ignore[misc]
    **{f"drift {name}": lambda make=make: sarif.render_drift(make()) for name, make in PLANS.items()},  # type: ignore[misc]
    "result": lambda: sarif.render_result(applied()),
}


def results(rendered: str) -> list[dict[str, Any]]:
    """Return the results of the only run."""
    (run,) = json.loads(rendered)["runs"]
    found: list[dict[str, Any]] = run["results"]
    return found


@pytest.mark.parametrize("name", RENDERED)
def test_it_keeps_the_published_schema(name: str) -> None:
    """Every report is valid SARIF 2.1.0, and every result names a rule that the tool describes."""
    document = json.loads(RENDERED[name]())

    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[r["ruleIndex"]] == r["ruleId"] for r in run["results"])


def test_each_field_points_to_its_line() -> None:
    """A changed field is a result of its own, at the line that the source says it stands on."""
    change = build_change("/properties/minimumTlsVersion", spec_path=FieldPath(("spec", "minimumTlsVersion")))
    step = build_step(Action.UPDATE, changes=(change, build_change("/tags/a")), origin="./my apps/app.yaml:3")
    lines = {"spec/minimumTlsVersion": 14, "spec": 7}
    style = TextOptions(locate=lambda origin, path: f"{origin[:-2]}:{lines['/'.join(map(str, path.segments))]}")

    found = [r["locations"][0]["physicalLocation"] for r in results(sarif.render_plan(build_plan([step]), style))]

    assert [p["region"]["startLine"] for p in found] == [14, 7]
    assert found[0]["artifactLocation"] == {"uri": "my%20apps/app.yaml", "uriBaseId": "%SRCROOT%"}


def test_levels_follow_what_is_at_stake() -> None:
    """What cannot go on is an error, what destroys or drifted a warning, everything else a note."""
    found = results(sarif.render_plan(guarded()))
    levels = {r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"].rsplit("/")[-1]: r for r in found[1:]}

    assert (found[0]["ruleId"], found[0]["level"]) == ("InvalidInput", "error")
    assert found[0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert {name: r["level"] for name, r in levels.items()} == {
        **dict.fromkeys(("kept", "hidden"), "error"),
        **dict.fromkeys(("replaced", "deleted"), "warning"),
        **dict.fromkeys(("found", "released", "skipped"), "note"),
    }


def test_prints_tell_findings_apart_and_again() -> None:
    """The same finding has the same print in the next run whatever its values, and no two findings share one."""
    first, again = (results(sarif.render_drift(drifted())) for _ in range(2))
    moved = build_plan([build_step(Action.UPDATE, changes=(build_change(before=before),)) for before in ("a",)])
    later = build_plan([build_step(Action.UPDATE, changes=(build_change(before=before),)) for before in ("b",)])
    prints = [r["partialFingerprints"]["trueup/v1"] for r in first]

    assert prints == [r["partialFingerprints"]["trueup/v1"] for r in again]
    assert len(set(prints)) == len(prints)
    assert [r["partialFingerprints"] for r in results(sarif.render_plan(moved))] == [
        r["partialFingerprints"] for r in results(sarif.render_plan(later))
    ]


def test_many_findings_are_cut_and_counted() -> None:
    """A report holds 5,000 findings at most, 100 fields of one resource, and says how many more there are."""
    changes = tuple(build_change(f"/tags/t{n}") for n in range(250))
    steps = [build_step(Action.UPDATE, f"default/StorageAccount/s{n}", changes=changes) for n in range(60)]
    document = json.loads(sarif.render_plan(build_plan(steps)))
    (run,) = document["runs"]

    assert len(run["results"]) == 5_000
    assert "and 150 more fields" in run["results"][100]["message"]["text"]
    notices = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert notices[-1] == "1,060 more findings were left out."


def test_words_from_azure_make_no_links() -> None:
    """What stands in a value cannot become a link in a viewer."""
    plan = build_plan([build_step(Action.UPDATE, changes=(build_change(after="[here](https://bad.example)"),))])

    (found,) = results(sarif.render_plan(plan))

    assert "](" not in found["message"]["text"]
