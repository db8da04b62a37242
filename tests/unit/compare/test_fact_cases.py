"""Each row of the comparison facts and each generic rule at work on an example, and missed when it is off."""

from __future__ import annotations

import pytest

from benchmarks.fact_cases import Example, examples
from benchmarks.rule_mutants import Mutant, run
from engine.compare import compare
from engine.compare.reasons import HABITS, WHY
from engine.compare.subject import RememberedBodies
from engine.model.change import ChangeOrigin
from schemas.comparison_facts import Effect, all_facts


@pytest.mark.parametrize("example", examples(), ids=[e.name for e in examples()])
def test_example_gives_the_changes_it_names(example: Example) -> None:
    """What a source says of a member decides an example of it, and nothing else in the example differs."""
    assert example.failure() == ""


def test_nothing_is_switched_off_unnoticed() -> None:
    """For every rule and every row there is an example that fails without it."""
    mutants: list[Mutant] = run(recorded=None)

    assert len(mutants) == len(WHY) + len(all_facts())
    assert [m.name for m in mutants if m.survives] == []


HABIT_EXAMPLES = [e for e in examples() if e.rule in HABITS]


@pytest.mark.parametrize("example", HABIT_EXAMPLES, ids=[e.rule for e in HABIT_EXAMPLES])
def test_habits_hide_nobody_who_moves(example: Example) -> None:
    """What a habit excuses on a first read is a change as soon as the manifest or Azure comes to it from elsewhere."""
    sent, held = example.raw["sent"], example.raw["held"]
    agreed, asked = RememberedBodies(held, held), RememberedBodies(sent, sent)

    by_user = compare.compare_bodies(sent, held, example.subject, remembered=agreed)
    by_azure = compare.compare_bodies(sent, held, example.subject, remembered=asked)

    assert {c.origin for c in by_user.changes} == {ChangeOrigin.USER}
    assert {c.origin for c in by_azure.changes} == {ChangeOrigin.DRIFT}


def test_values_handed_to_azure_have_a_counterpart_that_the_user_owns() -> None:
    """Each type whose values Azure may move has an example in which the same member is the user's and counts."""
    moved = [fact for fact in all_facts() if fact.effect is Effect.MOVED_BY_AZURE]
    owned = [e for e in examples() if e.raw.get("differs")]

    alone = [".".join(f.path) for f in moved if not any(_ends_at(e, f.path) for e in owned)]

    assert alone == []


def _ends_at(example: Example, path: tuple[str, ...]) -> bool:
    return any(pointer.lower().split("/")[-1] == path[-1] for pointer in example.raw["differs"])
