"""The questions of the acceptance check on recorded traffic, answered in this process.

The check is a script of its own, kept with the recordings; it makes the cases and judges the answers. Asking them here
instead of through the command allows one rule to be switched off and only the cases it had a part in to be asked again.
"""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.app.pairs import compare_line

CHECK = Path("checks") / "diff.py"
PAIRS = Path("corpus") / "pairs.jsonl.xz"
UPDATES = Path("corpus") / "updates.jsonl.xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One case of the check.

    Attributes:
        name: The question's name (first, memory, removed ...).
        pair: The recorded pair it was made from: type, api, id, recording.
        case: The check's own case; knows how to judge an answer.
    """

    name: str
    pair: Any
    case: Any

    @property
    def label(self) -> str:
        """Return type and version."""
        return f"{self.pair['type']}@{self.pair['api']}"

    def answer(self) -> Any:
        """Return what the command would print for the case."""
        return json.loads(compare_line(0, self.case.line.encode()).line)

    def judge(self, answer: Any, first: Any = None) -> tuple[bool, str]:
        """Return whether the answer is right, and what is wrong with it otherwise.

        Args:
            answer: What the product said.
            first: What it says of the pair without memory; some cases subtract it.
        """
        if "changes" not in answer:
            return False, f"no result: {answer.get('error')}"
        good, why = self.case.judge(self.case, answer, first)
        return bool(good), why


def load_questions(folder: Path) -> list[Question]:
    """Return every case of the check, cold ones first.

    Args:
        folder: Holds ``checks/diff.py`` and ``corpus/``.
    """
    check = _load_check(folder / CHECK)
    groups = check.build(check.load(str(folder / PAIRS)), check.load(str(folder / UPDATES)))
    return [Question(name=case.question, pair=case.p, case=case) for group in groups for case in group]


def _load_check(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("acceptance_check", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A question answered wrongly."""

    question: Question
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many cases of each question are answered rightly."""

    total: Counter[str]
    good: Counter[str]
    misses: Sequence[Miss]

    def share(self, name: str) -> float:
        """Return the share of right answers in percent."""
        return 100 * self.good[name] / self.total[name]


def ask(questions: Iterable[Question]) -> Figures:
    """Answer and judge every question."""
    asked = list(questions)
    firsts = {id(q.pair): q.answer() for q in asked if q.name == "first"}
    total: Counter[str] = Counter()
    good: Counter[str] = Counter()
    misses = []
    for question in asked:
        first = firsts.get(id(question.pair))
        answer = first if question.name == "first" else question.answer()
        is_right, why = question.judge(answer, first)
        total[question.name] += 1
        good[question.name] += is_right
        if not is_right:
            misses.append(Miss(question=question, why=why))
    return Figures(total=total, good=good, misses=misses)
