"""Switch each rule and each row of the comparison facts off in turn and print what fails then.

    python -m benchmarks.rule_mutants [--recorded FOLDER] [-o json]

First the hand-made examples are asked, then, where recordings are there, the questions of the acceptance check that the
rule or row had a part in. One that nothing needs survives: it has no reason to be there. Exit code 1 when one does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.fact_cases import Example, examples
from benchmarks.questions import Question, load_questions
from benchmarks.switched_off import without_facts, without_rule
from engine.compare.reasons import WHY
from schemas.comparison_facts import ComparisonFact, all_facts

_MOST_ASKED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One rule or row switched off.

    Attributes:
        name: The rule; of a row its effect, path and types.
        example: The hand-made example that fails then; empty when none does.
        question: The question on recorded traffic that is answered wrongly then; empty when none is, or none was asked.
    """

    name: str
    example: str
    question: str

    @property
    def survives(self) -> bool:
        """Whether nothing fails without it."""
        return not (self.example or self.question)


class Cases:
    """Examples and questions, with what each question needs."""

    def __init__(self, asked: Sequence[Question]) -> None:
        """Ask every question once, to know which rules had a part in its answer."""
        self._by_rule: dict[str, list[Question]] = defaultdict(list)
        self._by_type: dict[str, list[Question]] = defaultdict(list)
        for question in asked:
            answer = question.answer()
            if not question.judge(answer)[0]:
                continue
            for rule in {s["rule"] for s in answer["suppressed"]}:
                self._by_rule[rule].append(question)
            self._by_type[question.label].append(question)

    def without_row(self, number: int) -> Mutant:
        """Switch one row off."""
        fact = all_facts()[number]
        asked = [q for group in self._by_type.values() if fact.holds_for(*_type(group[0])) for q in group]
        with without_facts({number}):
            example = _first_failure(e for e in examples() if e.is_about(fact))
            question = _first_wrong(asked)
        return Mutant(name=row_name(fact), example=example, question=question)

    def without_rule(self, name: str) -> Mutant:
        """Switch one generic rule off."""
        with without_rule(name):
            example = _first_failure(e for e in examples() if e.rule == name)
            question = _first_wrong(self._by_rule[name])
        return Mutant(name=name, example=example, question=question)


def row_name(fact: ComparisonFact) -> str:
    """Return what people call a row."""
    when = f" when {dict(fact.when)}" if fact.when else " when scaled" if fact.when_scaled else ""
    return f"{fact.effect} {'.'.join(fact.path)} of {', '.join(fact.types)}{when[:80]}"


def _type(question: Question) -> tuple[str, str]:
    return question.pair["type"].lower(), question.pair["api"]


def _first_failure(asked: Iterable[Example]) -> str:
    return next((f"{e.name}: {why}" for e in asked if (why := e.failure())), "")


def _first_wrong(asked: Sequence[Question]) -> str:
    for question in asked[:: max(1, len(asked) // _MOST_ASKED)]:
        is_right, why = question.judge(question.answer())
        if not is_right:
            return f"{question.name}, {question.label}: {why[:120]}"
    return ""


def run(recorded: Path | None) -> list[Mutant]:
    """Switch everything off in turn, generic rules first.

    Args:
        recorded: Folder of recorded traffic; None asks the examples alone.
    """
    asked = [q for q in load_questions(recorded) if q.name != "noise"] if recorded else []
    cases = Cases(asked)
    mutants = [cases.without_rule(name) for name in sorted(WHY)]
    return mutants + [cases.without_row(n) for n in range(len(all_facts()))]


def main() -> int:
    """Print one line per mutant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", type=Path, help="the folder with checks/ and corpus/; without it examples only")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    args = parser.parse_args()
    mutants = run(args.recorded)
    if args.output == "json":
        print(json.dumps([asdict(m) for m in mutants], indent=1))
    else:
        for mutant in mutants:
            print(f"{mutant.name}\n    {mutant.example or mutant.question or 'SURVIVES'}")
    survivors = [m.name for m in mutants if m.survives]
    print(f"{len(mutants)} switched off, {len(survivors)} not missed", file=sys.stderr)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
