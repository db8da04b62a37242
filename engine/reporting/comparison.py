"""Two states of the same resources side by side: as text, JSON and NDJSON."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.model.change import ResourceDiff
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.reporting.changes import Line, change_lines, known_after
from engine.reporting.events import EVENTS_FORMAT
from engine.reporting.phrases import full_stop, plural, type_text
from engine.reporting.style import TextOptions
from engine.reporting.text import dress, scope_title
from engine.reporting.values import printable
from engine.reporting.wire import change_json, encode_json, suppressed_json
from engine.reporting.wire_values import object_json, text

DIFF_FORMAT = "trueup.diff/1"


class Standing(enum.StrEnum):
    """How a resource of the second state stands to the first."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    UNREADABLE = "unreadable"


_SIGNS = {
    Standing.SAME: "=",
    Standing.CHANGED: "~",
    Standing.ADDED: "+",
    Standing.REMOVED: "-",
    Standing.UNREADABLE: "?",
}
_TONES = {Standing.CHANGED: "warn", Standing.ADDED: "good", Standing.REMOVED: "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One resource.

    Attributes:
        key: The object; None where no object is known.
        diff: ``before`` is the first state, ``after`` the second; empty unless changed or the same.
        detail: Why it is unreadable.
    """

    key: ResourceKey | None
    id: ArmId | None
    arm_type: str
    api_version: ApiVersion
    standing: Standing
    diff: ResourceDiff = field(default_factory=ResourceDiff)
    detail: str = ""

    @property
    def name(self) -> str:
        """Return what it is called: the object, else where it is."""
        if self.key is not None:
            return str(self.key)
        return self.id.text if self.id is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two states.

    Attributes:
        first, second: What they are, for people.
    """

    first: str
    second: str
    resources: tuple[Compared, ...]

    def of(self, standing: Standing) -> list[Compared]:
        """Return the resources that stand so."""
        return [r for r in self.resources if r.standing is standing]

    @property
    def has_differences(self) -> bool:
        """Whether anything that could be compared differs."""
        return any(r.standing not in (Standing.SAME, Standing.UNREADABLE) for r in self.resources)


def comparison_line(comparison: Comparison) -> str:
    """Return the last line: one sentence, stable enough to search for."""
    counts = {standing: len(comparison.of(standing)) for standing in Standing}
    compared = plural(len(comparison.resources), "resource")
    if counts[Standing.SAME] == len(comparison.resources):
        return f"No differences. {compared} compared."
    parts = [f"{counts[s]:,} {s.value}" for s in (Standing.CHANGED, Standing.ADDED, Standing.REMOVED)]
    if counts[Standing.UNREADABLE]:
        parts.append(f"{counts[Standing.UNREADABLE]:,} unreadable")
    return f"Diff: {', '.join(parts)}; {counts[Standing.SAME]:,} the same."


def render_comparison(comparison: Comparison, options: TextOptions | None = None) -> str:
    """Return what differs as text, values read "first → second"."""
    style = options or TextOptions()
    shown = [r for r in comparison.resources if style.verbose or r.standing is not Standing.SAME]
    head = [[f"From {printable(comparison.first)} to {printable(comparison.second)}:"]] if shown else []
    blocks = [*head, *(list(_block(r, style)) for r in shown)]
    blocks.append([style.paint("bold", comparison_line(comparison))])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _block(one: Compared, style: TextOptions) -> Iterator[str]:
    head = f"{_SIGNS[one.standing]} {one.name}  {type_text(one.arm_type, one.api_version)}"
    where = scope_title(one.id)
    yield style.paint(_TONES.get(one.standing, ""), printable(head))
    yield style.paint("dim", f"    {where[0].lower()}{where[1:]}")
    if one.detail:
        yield f"    {full_stop(one.detail)}"
    yield from (dress(line, style, indent=4) for line in compared_lines(one, style))
    hidden = len(one.diff.suppressed)
    if hidden and one.standing is Standing.CHANGED:
        verb = "does" if hidden == 1 else "do"
        yield style.paint("dim", f"      {plural(hidden, 'difference')} that {verb} not count hidden")


def compared_lines(one: Compared, options: TextOptions) -> list[Line]:
    """Return the lines of what differs, values read "first → second"."""
    say = known_after(())
    return [line for change in one.diff.changes for line in change_lines(change, say, options, note="")]


def encode_comparison(comparison: Comparison) -> bytes:
    """Return what differs as JSON; what is the same is only counted."""
    return encode_json(
        {
            "format": DIFF_FORMAT,
            "from": text(comparison.first),
            "to": text(comparison.second),
            "summary": _summary_json(comparison),
            "resources": [_resource_json(r) for r in _differing(comparison)],
        }
    )


def comparison_lines(comparison: Comparison) -> Iterator[bytes]:
    """Yield version, one ``resource_diff`` per resource that is not the same, ``diff_summary``."""
    yield encode_json({"type": "version", "format": EVENTS_FORMAT}, indent=False)
    for one in _differing(comparison):
        yield encode_json({"type": "resource_diff", "resource": _resource_json(one)}, indent=False)
    yield encode_json({"type": "diff_summary", "summary": _summary_json(comparison)}, indent=False)


def _differing(comparison: Comparison) -> Sequence[Compared]:
    return [r for r in comparison.resources if r.standing is not Standing.SAME]


def _summary_json(comparison: Comparison) -> dict[str, Any]:
    counts = {standing.value: len(comparison.of(standing)) for standing in Standing}
    return {"text": comparison_line(comparison), "compared": len(comparison.resources), **counts}


def _resource_json(one: Compared) -> dict[str, Any]:
    encoded = {
        "id": text(one.id.text) if one.id is not None else None,
        "object": object_json(one.key) if one.key is not None else None,
        "type": one.arm_type,
        "api": one.api_version,
        "state": one.standing.value,
        "changes": [change_json(c) for c in one.diff.changes],
        "suppressed": [suppressed_json(s, values=True) for s in one.diff.suppressed],
    }
    return encoded | ({"detail": text(one.detail)} if one.detail else {})
