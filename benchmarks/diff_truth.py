"""The figures of comparison on recorded traffic, as the page of the docs that shows them.

    python -m benchmarks.diff_truth --recorded FOLDER [--write | --check]

Answers every question of the acceptance check in this process, says why each miss is one, and estimates from the same
recordings what share of first reads comes out clean on traffic nobody has seen. ``--check`` fails when the
page is stale.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from benchmarks.generalisation import Estimate, estimate_all
from benchmarks.pages import run_page
from benchmarks.questions import Figures, Miss, ask, load_questions
from engine.compare.reasons import HABITS, RULES
from schemas.comparison_facts import all_facts

PAGE = Path(__file__).parents[1] / "docs" / "diff-truth.md"

ASKED: Final[Mapping[str, str]] = {
    "first": "nothing remembered: nothing differs",
    "noise": "nothing remembered: harmless rewriting by the server adds nothing",
    "receipt": "each place where a plain comparison differs is a change or has a receipt",
    "memory": "last write remembered: nothing differs",
    "later": "last write remembered, a later read: nothing differs",
    "user": "the manifest moved: exactly those members, by the user",
    "azure": "Azure moved: exactly those members, drift",
    "both": "both moved different members: told apart",
    "same": "both moved the same member",
    "removed": "a member left the manifest: a change by the user",
}
CAUSES: Final = (
    (
        "microsoft.keyvault/vaults",
        "*accesspolicies*",
        "real: somebody else wrote into the access policies of the vault",
    ),
    ("*", "*/tags/creationdate*", "real: a policy of the subscription set a tag nobody asked for"),
    (
        "microsoft.managedidentity/userassignedidentities",
        "*location*",
        "artefact: one recording holds two regions for one identity",
    ),
    (
        "microsoft.network/loadbalancers",
        "*inboundnatrules*",
        "by design: a rule that somebody else put into this list is theirs, a PUT leaves it there",
    ),
    (
        "microsoft.machinelearningservices/workspaces",
        "*allowpublicaccesswhenbehindvnet*",
        "cold only: a legacy switch that Azure drops or turns on by itself; its move looks the same without memory",
    ),
)
"""Type, what the miss speaks of, and why it is one; looked into by hand."""

_HEAD = """# Diff truth

How true `trueup diff` is on recorded Azure traffic: {pairs:,} settled writes of {types} ARM types, {asked:,} questions.
This page is written by `python -m benchmarks.diff_truth --write`; CI fails when it is stale.

A naive comparison (every member asked for must be there and equal) calls about 28 % of these healthy resources changed.

## Figures

| question | right | of | share |
| --- | ---: | ---: | ---: |
"""
_SEEN = """
## Misses by cause

| cause | question | type | misses |
| --- | --- | --- | ---: |
"""
_UNSEEN = """
## What to expect of traffic nobody has seen

{rules} rules decide from the type definitions for certain and {habits} habits of many services are assumed until
somebody moves; {rows} rows of [comparison facts]({facts}) add what single types do. {alone} rows rest on recordings
alone, so the figures above flatter: the rows were made with these recordings in sight. Here each part of the recordings
is compared without the rows that only this part shows, then with those of them that public documentation states.

| held out | first reads clean | with documented rows | with all rows |
| --- | ---: | ---: | ---: |
"""
_TAIL = """
Held-out recordings stand for other resources of known types. Held-out types stand for types whose habits nobody has
seen: there only generic rules and rows about related types help, and each noisy type counts fully. In all cases one
settled write is enough: once remembered, nothing of this differs again.

A capacity that an autoscale setting sets, which is a resource of its own, is left to Azure while the setting is in the
same input and enabled. A setting that is not among the objects cannot be seen: put the capacity in `trueup.dev/ignore`.
"""


def render(figures: Figures, estimates: Sequence[Estimate], types: int) -> str:
    """Return the page."""
    lines = [_HEAD.format(pairs=figures.total["first"], types=types, asked=figures.total.total()).rstrip()]
    lines += [
        f"| {_question(name)} | {figures.good[name]:,} | {figures.total[name]:,} | {figures.share(name):.2f} % |"
        for name in sorted(figures.total, key=_rank)
    ]
    lines += [_SEEN.rstrip()]
    lines += [f"| {why} | {name} | {kind} | {count} |" for (why, name, kind), count in _by_cause(figures.misses)]
    lines += [_unseen().rstrip()]
    lines += [f"| {e.held_out} | {e.clean:.1f} % | {e.documented:.1f} % | {e.known:.1f} % |" for e in estimates]
    return "\n".join(lines) + "\n" + _TAIL


def _question(name: str) -> str:
    return ASKED.get(name, f"one thing changed in Azure: {name}")


def _rank(name: str) -> tuple[int, str]:
    order = list(ASKED)
    return (order.index(name), "") if name in ASKED else (len(order), name)


def _unseen() -> str:
    rows = all_facts()
    alone = sum(not row.is_documented for row in rows)
    facts = "../schemas/data/comparison_facts.json"
    return _UNSEEN.format(rules=len(RULES), habits=len(HABITS), rows=len(rows), alone=alone, facts=facts)


def cause_of(miss: Miss) -> str:
    """Return why a question was answered wrongly."""
    kind, said = miss.question.pair["type"].lower(), miss.why.lower()
    fits = (why for t, path, why in CAUSES if fnmatchcase(kind, t) and fnmatchcase(said, path))
    return next(fits, "not looked into")


def _by_cause(misses: Iterable[Miss]) -> list[tuple[tuple[str, str, str], int]]:
    counts = Counter((cause_of(m), m.question.name, m.question.label) for m in misses)
    return sorted(counts.items())


def main() -> int:
    """Print, write or check the page."""
    return run_page(PAGE, "benchmarks.diff_truth", __doc__, make_page)


def make_page(recorded: Path) -> str:
    """Return the page made from a folder of recorded traffic."""
    questions = load_questions(recorded)
    types = len({q.pair["type"].lower() for q in questions if q.name == "first"})
    return render(ask(questions), estimate_all(questions), types)


if __name__ == "__main__":
    sys.exit(main())
