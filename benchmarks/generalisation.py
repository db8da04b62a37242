"""How well the comparison facts hold beyond the traffic they were seen in.

    python -m benchmarks.generalisation --recorded FOLDER

A row that only held-out recordings show would not have been known without them. Each held-out part is compared without
those rows, and the share of its first reads that come out clean is the estimate for traffic nobody has seen. A second
estimate keeps the rows that public documentation states: they could be written for any type, seen or not.
Parts are recordings (other tests on types known already), ARM types and whole providers (types never seen at all).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.questions import Question, load_questions
from benchmarks.switched_off import without_facts
from schemas.comparison_facts import all_facts

FOLDS = 3
SEEDS = range(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Clean first reads of what was held out.

    Attributes:
        held_out: What a part is.
        clean: Share of clean first reads in percent, over all parts.
        documented: The same with the rows that documentation states.
        known: The same with every row, for comparison.
        lost: Pairs that are clean with every row and not without those learned from their own part alone.
    """

    held_out: str
    clean: float
    documented: float
    known: float
    lost: int
    types_lost: Mapping[str, int]


class Evidence:
    """Which first reads each row is needed for."""

    def __init__(self, questions: Sequence[Question]) -> None:
        """Ask every first read with all rows, then those of a row's types without the row."""
        self.questions = questions
        self.is_clean = [q.judge(q.answer())[0] for q in questions]
        self.needed = {n: self._needed_for(n) for n in range(len(all_facts()))}

    def _needed_for(self, row: int) -> frozenset[int]:
        fact = all_facts()[row]
        asked = [n for n, q in enumerate(self.questions) if self.is_clean[n] and fact.holds_for(*_type(q))]
        with without_facts({row}):
            return frozenset(n for n in asked if not _is_clean(self.questions[n]))

    def unknown_without(self, held_out: frozenset[int]) -> set[int]:
        """Return the rows that nothing but these questions shows."""
        return {row for row, needed in self.needed.items() if needed and needed <= held_out}

    def clean_without_own(self, held_out: frozenset[int], *, keeps_documented: bool = False) -> frozenset[int]:
        """Return the held-out questions that are clean without the rows only they show.

        Args:
            held_out: Numbers of questions.
            keeps_documented: Rows with a public source stay.
        """
        unknown = self.unknown_without(held_out)
        if keeps_documented:
            unknown = {row for row in unknown if not all_facts()[row].is_documented}
        suspects = {n for row in unknown for n in self.needed[row]}
        with without_facts(unknown):
            return frozenset(
                n for n in held_out if self.is_clean[n] and (n not in suspects or _is_clean(self.questions[n]))
            )


def _type(question: Question) -> tuple[str, str]:
    return question.pair["type"].lower(), question.pair["api"]


def _is_clean(question: Question) -> bool:
    return question.judge(question.answer())[0]


def estimate(evidence: Evidence, held_out: str, parts: Iterable[frozenset[int]]) -> Estimate:
    """Hold out one part after the other."""
    total = clean = documented = known = 0
    types: dict[str, int] = {}
    for part in parts:
        still = evidence.clean_without_own(part)
        total += len(part)
        clean += len(still)
        documented += len(evidence.clean_without_own(part, keeps_documented=True))
        known += sum(evidence.is_clean[n] for n in part)
        for n in part - still:
            if evidence.is_clean[n]:
                name = evidence.questions[n].pair["type"]
                types[name] = types.get(name, 0) + 1
    return Estimate(
        held_out=held_out,
        clean=100 * clean / total,
        documented=100 * documented / total,
        known=100 * known / total,
        lost=known - clean,
        types_lost=types,
    )


def parts_by(questions: Sequence[Question], name: Callable[[Question], str]) -> list[frozenset[int]]:
    """Group the questions, by number."""
    groups: dict[str, set[int]] = {}
    for n, question in enumerate(questions):
        groups.setdefault(name(question), set()).add(n)
    return [frozenset(group) for group in groups.values()]


def folds(parts: Sequence[frozenset[int]], seed: int, count: int = FOLDS) -> list[frozenset[int]]:
    """Deal parts out to folds."""
    shuffled = list(parts)
    random.Random(seed).shuffle(shuffled)
    return [frozenset().union(*shuffled[n::count]) for n in range(count)]


def estimate_all(questions: Sequence[Question]) -> list[Estimate]:
    """Return the estimates for every way of holding out."""
    firsts = [q for q in questions if q.name == "first"]
    evidence = Evidence(firsts)
    recordings = parts_by(firsts, lambda q: str(q.pair["recording"]))
    thirds = [fold for seed in SEEDS for fold in folds(recordings, seed)]
    halves = [fold for seed in SEEDS for fold in folds(recordings, seed, 2)]
    return [
        estimate(evidence, "one recording at a time", recordings),
        estimate(evidence, f"a third of the recordings, {len(SEEDS)} times dealt", thirds),
        estimate(evidence, f"half of the recordings, {len(SEEDS)} times dealt", halves),
        estimate(evidence, "one ARM type at a time", parts_by(firsts, lambda q: q.pair["type"].lower())),
        estimate(evidence, "one provider at a time", parts_by(firsts, lambda q: q.pair["type"].lower().split("/")[0])),
    ]


def main() -> None:
    """Print the estimates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", type=Path, required=True, help="the folder with checks/ and corpus/")
    args = parser.parse_args()
    for row in estimate_all(load_questions(args.recorded)):
        print(
            f"{row.held_out:45} {row.clean:6.2f} %  (documented: {row.documented:6.2f} %, all rows: {row.known:6.2f} %)"
        )
        worst = sorted(row.types_lost.items(), key=lambda item: -item[1])[:30]
        print("   ", ", ".join(f"{name} {count}" for name, count in worst))


if __name__ == "__main__":
    main()
