"""What annotations allow; a typing error never leads to a write."""

from __future__ import annotations

from datetime import date

import pytest

from engine.desired.policy import parse_policy
from engine.model.path import FieldPath
from engine.model.policy import DriftPolicy, ObjectPolicy, ReconcilePolicy
from tests.manifest_cases import ACCOUNT, GROUP, build_one

RECONCILE = "serviceoperator.azure.com/reconcile-policy"


def test_no_annotations_of_ours() -> None:
    """Annotations of others change nothing."""
    assert parse_policy({"a.b/c": "x"}, {"kubectl.kubernetes.io/x": "y"}) == ObjectPolicy()


@pytest.mark.parametrize(
    ("own", "namespace", "wanted"),
    [
        ("skip", "", ReconcilePolicy.SKIP),
        ("", "detach-on-delete", ReconcilePolicy.DETACH_ON_DELETE),
        ("manage", "skip", ReconcilePolicy.MANAGE),
        ("", "", ReconcilePolicy.MANAGE),
    ],
)
def test_reconcile_policy_of_object_then_namespace(own: str, namespace: str, wanted: ReconcilePolicy) -> None:
    """The object's own policy counts, then that of its namespace, then manage."""
    assert parse_policy({RECONCILE: own}, {RECONCILE: namespace}).reconcile is wanted


@pytest.mark.parametrize("text", ["Skip", "manged", "none"])
def test_unknown_reconcile_policy_skips(text: str) -> None:
    """An unknown reconcile policy means skip, with a warning."""
    policy = parse_policy({RECONCILE: text}, {})

    assert policy.reconcile is ReconcilePolicy.SKIP
    assert f"unknown value {text!r}, taken as 'skip'" in policy.warnings[0]


def test_unknown_drift_policy_reports() -> None:
    """An unknown drift policy means report, with a warning."""
    policy = parse_policy({"trueup.dev/drift-policy": "corect"}, {})

    assert policy.drift is DriftPolicy.REPORT
    assert "did you mean 'correct'?" in policy.warnings[0]


@pytest.mark.parametrize(
    ("text", "wanted"), [("true", True), ("True", True), ("false", False), ("", False), ("yes", True)]
)
def test_protect(text: str, *, wanted: bool) -> None:
    """Protection holds unless the text says false or nothing."""
    assert parse_policy({"trueup.dev/protect": text}, {}).protect is wanted


@pytest.mark.parametrize(("text", "wanted"), [("7", 7), ("", None), ("-1", None), ("seven", None), ("٣", None)])
def test_allow_replace(text: str, wanted: int | None) -> None:
    """A replace is approved for one generation, written in plain digits."""
    assert parse_policy({"trueup.dev/allow-replace": text}, {}).allow_replace == wanted


def test_ignore_lines() -> None:
    """Each line is a place, with an optional last day; blank lines and comments are none."""
    text = "/tags/cost center\n\n# why\n/properties/a~1b until=2027-03-01\n"

    rules = parse_policy({"trueup.dev/ignore": text}, {}).ignore

    assert [(rule.path.segments, rule.until) for rule in rules] == [
        (("tags", "cost center"), None),
        (("properties", "a/b"), date(2027, 3, 1)),
    ]


def test_ignore_line_with_a_bad_day_holds_for_good() -> None:
    """A date that is none does not make Trueup write: the place stays ignored, with a warning."""
    policy = parse_policy({"trueup.dev/ignore": "/a until=soon"}, {})

    assert policy.ignore[0].until is None
    assert "until=soon is not a date" in policy.warnings[0]


def test_ignored_place_may_be_named_in_the_spec() -> None:
    """A place below /spec is translated to the ARM body; one that is not sent is a warning."""
    lines = '{name: acct, annotations: {trueup.dev/ignore: "/spec/accessTier\\n/spec/owner/name\\n/sku/name"}}'

    policy = build_one(GROUP, ACCOUNT.replace("{name: acct}", lines)).policy

    assert [rule.path for rule in policy.ignore] == [
        FieldPath(("properties", "accessTier")),
        FieldPath(("sku", "name")),
    ]
    assert "'/spec/owner/name' is no place in the resource" in policy.warnings[0]


def test_unknown_annotation_of_ours() -> None:
    """An annotation of ours that means nothing is a warning with the nearest one."""
    warnings = parse_policy({"trueup.dev/protected": "true"}, {}).warnings

    assert warnings == ("annotation trueup.dev/protected means nothing; did you mean 'trueup.dev/protect'?",)
