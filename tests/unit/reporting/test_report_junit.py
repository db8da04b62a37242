"""Reports as JUnit XML: what fails, what is an error, what is skipped."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from engine.model.plan import Action
from engine.reporting import junit
from tests.builders import build_change, build_plan, build_step
from tests.junit_rules import check_junit
from tests.report_cases import PLANS, applied, compared, drifted, guarded

RENDERED = {
    **{f"plan {name}": junit.render_plan(make()) for name, make in PLANS.items()},
    **{f"drift {name}": junit.render_drift(make()) for name, make in PLANS.items()},
    "result": junit.render_result(applied()),
    "comparison": junit.render_comparison(compared()),
}


def verdicts(root: ET.Element) -> dict[str, str]:
    """Return what became of each case, by the last part of its name."""
    return {c.attrib["name"].rsplit("/", 1)[-1]: c[0].tag if len(c) else "" for c in root.iter("testcase")}


@pytest.mark.parametrize("name", RENDERED)
def test_readers_take_it(name: str) -> None:
    """Every report keeps the rules of the schema that readers of JUnit files go by."""
    assert check_junit(RENDERED[name]).attrib["name"].startswith("trueup: ")


def test_plan_says_what_would_be_written() -> None:
    """What would be written fails, what is held back or unreadable is an error, what is left alone is skipped."""
    found = verdicts(check_junit(junit.render_plan(guarded())))

    assert {name: found[name] for name in ("replaced", "deleted", "found")} == dict.fromkeys(
        ("replaced", "deleted", "found"), "failure"
    )
    assert (found["kept"], found["hidden"]) == ("error", "error")
    assert (found["released"], found["skipped"], found["same"]) == ("skipped", "skipped", "")
    assert list(found.values()).count("error") == 3  # one of them is the input that could not be used


def test_drift_fails_only_what_moved() -> None:
    """Of a drift report the resources that moved fail, with what moved, and all others pass."""
    root = check_junit(junit.render_drift(drifted()))
    (app,) = [c for c in root.iter("testcase") if c.attrib["name"] == "default/StorageAccount/app"]

    assert verdicts(root) == {
        **dict.fromkeys(("app", "cache", "gone"), "failure"),
        **dict.fromkeys(("s0", "s1", "s2"), ""),
    }
    assert '~ properties.minimumTlsVersion: "TLS1_2" → "TLS1_0"  (changed in Azure)' in str(app[0].text)


def test_apply_has_times_and_azures_words() -> None:
    """A failed write carries Azure's words and how long it took; what waits for it is skipped."""
    root = check_junit(RENDERED["result"])
    (failed,) = [c for c in root.iter("testcase") if c.attrib["name"] == "default/FlexibleServer/db"]

    assert "ServerNameAlreadyExists" in failed[0].attrib["message"]
    assert failed.attrib["time"] == "3.200"
    assert verdicts(root)["orders"] == "skipped"


def test_what_xml_cannot_hold_is_written_as_an_escape() -> None:
    """Control characters, half surrogate pairs and markup in values and names end up as text."""
    change = build_change("/properties/a<b>&\x01", before="\x00]]>\ufffe", after='"\ud800')
    plan = build_plan([build_step(Action.UPDATE, 'default/StorageAccount/a"<x>', changes=(change,))])

    root = check_junit(junit.render_plan(plan))

    assert verdicts(root) == {'a"<x>': "failure"}
    assert "\\u0000]]>\\ufffe" in str(root[0][0][0].text)
