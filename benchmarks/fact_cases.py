"""Hand-made examples of the rows of the comparison facts and of the generic rules; see the file they are in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.compare import compare
from engine.compare.subject import RememberedBodies, Subject
from engine.model.document import UNKNOWN
from engine.model.path import FieldPath
from engine.model.policy import IgnoreRule
from schemas.comparison_facts import ComparisonFact

EXAMPLES = Path(__file__).parents[1] / "tests" / "unit" / "compare" / "fact_cases.yaml"


class _Loader(yaml.SafeLoader):
    """YAML with a mark for values that are not known yet."""


_Loader.add_constructor("!unknown", lambda _loader, _node: UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One pair of bodies and the changes there must be between them.

    Attributes:
        name: Where it stands in the file, with its type.
        rule: The generic rule it shows; empty for examples of rows.
    """

    name: str
    rule: str
    arm_type: str
    api_version: str
    raw: dict[str, Any]

    @property
    def subject(self) -> Subject:
        """Return what is known of the resource."""
        raw = self.raw
        return Subject(
            arm_type=self.arm_type,
            api_version=self.api_version,
            id=raw.get("id", ""),
            owned=frozenset(i.lower() for i in raw.get("owned", ())),
            ignore=tuple(IgnoreRule(path=FieldPath.parse_pointer(p), pointer=p) for p in raw.get("ignore", ())),
            unseen=frozenset(tuple(p[1:].split("/")) for p in raw.get("unseen", ())),
            scaled_by=raw.get("scaled_by", ""),
            open_keys=frozenset(tuple(p[1:].split("/")) for p in raw.get("open_keys", ())),
        )

    def failure(self) -> str:
        """Compare; return what is wrong, empty when nothing is."""
        then = self.raw.get("then")
        remembered = None if then is None else RememberedBodies(then["sent"], then["held"])
        diff = compare.compare_bodies(self.raw["sent"], self.raw["held"], self.subject, remembered=remembered)
        found, wanted = [c.path.pointer for c in diff.changes], self.raw.get("differs", [])
        if found != wanted:
            return f"changes at {found}, not {wanted}"
        receipts = {s.rule for s in diff.suppressed}
        return f"receipts say {sorted(receipts)}" if self.rule and self.rule not in receipts else ""

    def is_about(self, fact: ComparisonFact) -> bool:
        """Whether a row speaks of the example's type."""
        return fact.holds_for(self.arm_type.lower(), self.api_version)


@cache
def examples() -> tuple[Example, ...]:
    """Read the file."""
    raw = yaml.load(EXAMPLES.read_text(encoding="utf-8"), Loader=_Loader)
    return tuple(_example(part, n, row) for part in ("facts", "rules") for n, row in enumerate(raw[part]))


def _example(part: str, number: int, raw: dict[str, Any]) -> Example:
    arm_type, _, version = raw["type"].partition("@")
    about = raw.get("rule", arm_type.removeprefix("Microsoft."))
    return Example(
        name=f"{part}[{number}] {about}",
        rule=raw.get("rule", ""),
        arm_type=arm_type,
        api_version=version,
        raw=raw,
    )
