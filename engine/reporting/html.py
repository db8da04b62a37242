"""One page for people: nothing is fetched, and texts of users stand in it as data or escaped, never as markup."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

import orjson

from engine.reporting.page import Page, State
from engine.reporting.page_tree import grow_tree
from engine.reporting.phrases import plural
from engine.reporting.values import printable

DATA_LIMIT: Final = 14_000_000
"""Bytes of data in a page; 10,000 resources are to fit 15 MB with everything else."""
_PROBLEMS: Final = 50
_HOLE: Final = re.compile(r"\{\{([a-z-]+)\}\}")
_UNSAFE: Final = re.compile(rb"[<>&]|\xe2\x80[\xa8\xa9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageParts:
    """The files a page is made of.

    Attributes:
        template: HTML with ``{{holes}}``.
    """

    template: str
    style: str
    script: str


def render_page(page: Page, parts: PageParts, *, limit: int = DATA_LIMIT) -> str:
    """Return the page as one HTML document; differences that are too many for the limit are counted instead."""
    holes = {
        "title": html.escape(page.title),
        "line": html.escape(printable(page.line)),
        "made": f"Azure was read at {page.made.astimezone(UTC):%Y-%m-%d %H:%M} UTC." if page.made else "",
        "notes": _notes(page),
        "states": "".join(_state_button(n, state, count) for n, state, count in _counted(page)),
        "style": parts.style,
        "style-hash": _source_hash(parts.style),
        "script": parts.script,
        "script-hash": _source_hash(parts.script),
        "data": encode_data(page, limit=limit).decode(),
    }
    return _HOLE.sub(lambda m: holes[m[1]], parts.template)


def _source_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _notes(page: Page) -> str:
    problems = [printable(p) for p in page.problems[:_PROBLEMS]]
    if len(page.problems) > _PROBLEMS:
        problems.append(f"and {len(page.problems) - _PROBLEMS:,} more")
    head = f"<h2>{plural(len(page.problems), 'problem')}</h2>" if problems else ""
    return head + _list("problems", problems) + _list("notes", [printable(n) for n in page.notes])


def _list(name: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f'<ul class="{name}">{items}</ul>' if items else ""


def _counted(page: Page) -> list[tuple[int, State, int]]:
    counts = Counter(row.state for row in page.rows)
    return [(n, state, counts[state.word]) for n, state in enumerate(page.states) if counts[state.word]]


def _state_button(number: int, state: State, count: int) -> str:
    pressed = "false" if state.is_quiet else "true"
    return (
        f'<button type="button" class="{state.tone}" data-state="{number}" aria-pressed="{pressed}">'
        f'<span class="sign" aria-hidden="true">{html.escape(state.sign)}</span> {html.escape(state.word)} '
        f"<b>{count:,}</b></button>"
    )


def encode_data(page: Page, *, limit: int = DATA_LIMIT) -> bytes:
    """Return what the page's script reads: JSON that can stand in a script element."""
    lines = list(grow_tree([r.id for r in page.rows], [r.title for r in page.rows]))
    numbers = {node.index: n for n, (_, node) in enumerate(lines) if node.index is not None}
    states = {state.word: n for n, state in enumerate(page.states)}
    head = {"sides": page.sides, "states": [[s.word, s.sign, s.tone, int(s.is_quiet)] for s in page.states]}
    rows: list[_Encoded] = []
    for depth, node in lines:
        if node.index is None:
            rows.append(_Encoded(depth, -1, _dump({"n": printable(node.title)}), ()))
        else:
            row = page.rows[node.index]
            rows.append(_Encoded(depth, states[row.state], _dump(row.encode(numbers)), [_dump(c) for c in row.changes]))
    cap = _fair_share([sum(map(len, r.changes)) for r in rows], limit - sum(len(r.head) + 20 for r in rows))
    return _dump(head)[:-1] + b',"rows":[\n' + b",\n".join(r.join(cap) for r in rows) + b"\n]}"


def _dump(value: object) -> bytes:
    """Encode for a script element: no tag, comment or line end of JavaScript can come of it."""
    return _UNSAFE.sub(lambda m: f"\\u{ord(m[0].decode()):04x}".encode(), orjson.dumps(value))


@dataclass(frozen=True, slots=True)
class _Encoded:
    """One line of the page's data; ``state`` is -1 for a mere place."""

    depth: int
    state: int
    head: bytes
    changes: Sequence[bytes]

    def join(self, cap: int) -> bytes:
        """Return depth, state and members; changes beyond the cap are counted."""
        kept, used = 0, 0
        for change in self.changes:
            used += len(change)
            if used > cap:
                break
            kept += 1
        more = b',"c":[' + b",".join(self.changes[:kept]) + b"]" if kept else b""
        if kept < len(self.changes):
            more += b',"x":%d' % (len(self.changes) - kept)
        return b"[%d,%d,%b%b}]" % (self.depth, self.state, self.head[:-1], more)


def _fair_share(sizes: Sequence[int], room: int) -> int:
    """Return how much each may take so that all fit: what small ones leave goes to the big ones."""
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = max(0, room) // (len(ordered) - index)
        if size > share:
            return share
        room -= size
    return max(ordered, default=0)
