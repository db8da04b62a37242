"""The page of figures: what it says of misses, and what holding out recordings means."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from benchmarks.diff_truth import cause_of, render
from benchmarks.generalisation import Estimate, Evidence, estimate, folds
from benchmarks.questions import Figures, Miss, Question

APIS = "Microsoft.ApiManagement/service/apis"


def build_question(number: int, desired: Any, actual: Any, arm_type: str = APIS) -> Question:
    """Return a first read that is right when nothing differs; of an API unless another type is named."""
    import json

    pair = {"type": arm_type, "api": "2022-08-01", "id": "/x", "recording": f"r{number}"}
    case = SimpleNamespace(
        line=json.dumps({**pair, "desired": desired, "actual": actual}),
        judge=lambda _case, answer, _first: (not answer["changes"], "changes"),
    )
    return Question(name="first", pair=pair, case=case)


SOFT_DELETE = (
    {"properties": {"enableSoftDelete": False}},
    {"properties": {"enableSoftDelete": True}},
    "Microsoft.KeyVault/vaults",
)
REVISION = ({"properties": {"apiRevision": "first"}}, {"properties": {"apiRevision": "1"}})
PLAIN = ({"properties": {"displayName": "a"}}, {"properties": {"displayName": "a"}})


def test_a_row_that_one_part_alone_shows_is_unknown_to_it() -> None:
    """Without the row that only the held-out read shows, that read is not clean; with another witness it is."""
    alone = Evidence([build_question(0, *REVISION), build_question(1, *PLAIN)])
    twice = Evidence([build_question(0, *REVISION), build_question(1, *REVISION)])

    assert alone.clean_without_own(frozenset({0})) == frozenset()
    assert twice.clean_without_own(frozenset({0})) == frozenset({0})


def test_a_documented_row_is_known_without_recordings() -> None:
    """A row with a public source stays in the second estimate, though only the held-out read shows it."""
    documented = Evidence([build_question(0, *SOFT_DELETE)])
    recorded = Evidence([build_question(0, *REVISION)])

    assert documented.clean_without_own(frozenset({0})) == frozenset()
    assert documented.clean_without_own(frozenset({0}), keeps_documented=True) == frozenset({0})
    assert recorded.clean_without_own(frozenset({0}), keeps_documented=True) == frozenset()


def test_estimate_counts_every_part() -> None:
    """The estimate is the share over all parts, beside the share with every row."""
    evidence = Evidence([build_question(0, *REVISION), build_question(1, *PLAIN)])

    found = estimate(evidence, "one", [frozenset({0}), frozenset({1})])

    assert (found.clean, found.known, found.lost, found.types_lost) == (50.0, 100.0, 1, {APIS: 1})


def test_folds_hold_every_part_once() -> None:
    """Dealing out loses nothing and repeats nothing."""
    parts = [frozenset({n}) for n in range(10)]

    dealt = folds(parts, seed=1)

    assert sorted(n for fold in dealt for n in fold) == list(range(10))


def test_misses_are_listed_by_cause() -> None:
    """A miss of a known kind names its cause, any other says that nobody looked."""
    vault = SimpleNamespace(name="first", pair={"type": "Microsoft.KeyVault/vaults"}, label="vault")
    known = Miss(question=vault, why='{"path": "/properties/accessPolicies/1"}')  # type: ignore[arg-type]
    other = Miss(question=vault, why='{"path": "/sku"}')  # type: ignore[arg-type]

    assert cause_of(known).startswith("real:")
    assert cause_of(other) == "not looked into"


def test_page_shows_shares_misses_and_estimates() -> None:
    """Every question has a line, every miss its cause, every way of holding out its estimate."""
    vault = SimpleNamespace(name="first", pair={"type": "Microsoft.KeyVault/vaults"}, label="vaults@1")
    miss = Miss(question=vault, why="sku")  # type: ignore[arg-type]
    figures = Figures(
        total=Counter({"first": 4, "tag gone": 1}), good=Counter({"first": 3, "tag gone": 1}), misses=[miss]
    )
    guess = Estimate(held_out="half", clean=91.25, documented=95.5, known=99.0, lost=3, types_lost={})

    page = render(figures, [guess], types=2)

    assert "| nothing remembered: nothing differs | 3 | 4 | 75.00 % |" in page
    assert "| not looked into | first | vaults@1 | 1 |" in page
    assert "| half | 91.2 % | 95.5 % | 99.0 % |" in page
