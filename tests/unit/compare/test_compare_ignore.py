"""Ignore rules: what they name, and what is said of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from engine.compare.compare import compare_bodies
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ChangeOrigin, ResourceDiff
from engine.model.path import FieldPath
from engine.model.policy import IgnoreRule

NETWORK = "Microsoft.Network/virtualNetworks"


def subnets(**prefixes: str) -> dict[str, Any]:
    """Return a network with these subnets."""
    elements = [{"name": name, "properties": {"addressPrefix": prefix}} for name, prefix in prefixes.items()]
    return {"location": "westeurope", "tags": {"env": "a", "Cost": "1"}, "properties": {"subnets": elements}}


def diff(desired: Any, actual: Any, *pointers: str, remembered: Any = None, **rule: Any) -> ResourceDiff:
    """Compare two networks under ignore rules."""
    rules = tuple(IgnoreRule(path=FieldPath.parse_pointer(p), pointer=p, **rule) for p in pointers)
    subject = Subject(arm_type=NETWORK, api_version="2024-03-01", ignore=rules)
    then = RememberedBodies(remembered, remembered) if remembered is not None else None
    return compare_bodies(desired, actual, subject, remembered=then)


@pytest.mark.parametrize(
    ("pointer", "left"),
    [
        ("/properties/subnets/*/properties/addressPrefix", []),
        ("/properties/subnets/[name=web]/properties", ["b"]),
        ("/properties/subnets/[name=WEB]", ["b"]),
        ("/Properties/Subnets/[properties=web]", ["a", "b"]),
        ("/properties/subnets/[name=w*]", ["b"]),
        ("/properties/subnets/1", ["a"]),
        ("/properties/*", []),
        ("/properties/subnets/*/properties/addressPrefix/deeper", ["a", "b"]),
        ("/properties/sub", ["a", "b"]),
    ],
)
def test_rule_names_places_by_position_glob_and_key(pointer: str, left: list[str]) -> None:
    """A rule names what lies at or below its place; ``*`` is any text, ``[name=web]`` the element of that name."""
    found = diff(subnets(web="10.1", db="10.2"), subnets(db="10.9", web="10.8"), pointer)

    places = {"web": "a", "db": "b"}
    assert [places[c.path.segments[2].value] for c in found.changes] == left  # type: ignore[union-attr]
    assert sum(s.rule == "ignore" for s in found.suppressed) == 2 - len(left)


def test_element_of_azure_alone_is_found_by_its_key() -> None:
    """An element that only Azure has is named by its own member."""
    desired, actual = subnets(web="10.1"), subnets(web="10.1", spare="10.2")

    assert diff(desired, actual).changes
    assert diff(desired, actual, "/properties/subnets/[name=spare]").changes == ()
    assert diff(desired, actual, "/properties/subnets/[name=web]").changes


def test_glob_inside_a_name() -> None:
    """``*`` stands for a part of a key too, and letter case is free as in ARM."""
    desired, actual = subnets(), {**subnets(), "tags": {"env": "a", "cost": "2"}}

    assert [c.path.pointer for c in diff(desired, actual).changes] == ["/tags/Cost"]
    assert diff(desired, actual, "/tags/co*").changes == ()


def test_receipt_says_who_moved_and_which_rule() -> None:
    """Ignored drift keeps its origin, and the receipt names the rule with its place, day and source."""
    then, now = subnets(web="10.1"), subnets(web="10.9")

    found = diff(then, now, "/properties", remembered=then, source="rules.yaml: rule 2", until=date(2027, 3, 1))

    (receipt,) = found.suppressed
    assert (receipt.rule, receipt.origin) == ("ignore", ChangeOrigin.DRIFT)
    assert receipt.why == "rules.yaml: rule 2 names /properties until 2027-03-01"


def test_diff_says_which_rules_name_a_difference() -> None:
    """A rule that names something is used, also where another rule hides it already; others are not."""
    desired, actual = subnets(web="10.1"), {**subnets(web="10.2"), "location": "West Europe"}

    found = diff(desired, actual, "/location", "/tags", "/properties")

    assert [rule.pointer for rule in found.ignores] == ["/location", "/properties"]
    assert {s.path.pointer: s.rule for s in found.suppressed}["/location"] == "region"
