"""A baseline as one short text, for places that hold little: an annotation.

What does not fit becomes a print (``prints``), least loss first: parts of Azure's body that hold exactly what was asked
for (of those the manifest's side tells all), long texts, whole parts of Azure's body, whole parts of the manifest's.
Lists are kept or printed whole, because their elements are paired by what they hold.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import zstandard

from engine.compare.compare import find_differences, shape_for
from engine.compare.finding import Place
from engine.compare.prints import can_be_printed, make_print
from engine.compare.returning import encode_mended
from engine.compare.secrets import name_of_key
from engine.compare.shapes import member_of
from engine.model.document import canonical
from engine.model.path import FieldPath
from engine.model.state import Baseline
from schemas.nodes import Node

FORMAT: Final = "1"
DEFAULT_LIMIT: Final = 64 * 1024
_LEVEL = 9
_LEAST_PRINTED = 96
_LEAST_PROGRESS = 0.05
_NEARLY = 0.9
_WORTH = 0.02
_DESIRED, _ACTUAL = "desired", "actual"


@dataclass(frozen=True, slots=True)
class LostPart:
    """A part of a baseline that is only a print: it tells moved or not, not what was there.

    Attributes:
        document: ``desired`` or ``actual``.
        size: Of the part, in bytes of JSON.
        is_alike: The other side still tells what was there, where it was asked for.
    """

    document: str
    path: FieldPath
    size: int
    is_alike: bool


@dataclass(frozen=True, slots=True)
class EncodedBaseline:
    """A baseline as a text, and what it could not hold."""

    text: str
    lost: tuple[LostPart, ...]


def encode_baseline(baseline: Baseline, limit: int = DEFAULT_LIMIT, *, secret_key: bytes = b"") -> EncodedBaseline:
    """Return a text of at most ``limit`` characters that ``decode_baseline`` reads.

    Secrets are keyed hashes in a baseline, and stay so.

    Args:
        baseline: What is remembered.
        limit: Length of the text.
        secret_key: The key of its hashes; only a name of it goes into the text.

    Raises:
        ValueError: Not even prints fit.
    """
    key_name = name_of_key(secret_key)
    text = _encode(baseline, baseline.desired.value, baseline.actual.value, key_name)
    if len(text) <= limit:
        return EncodedBaseline(text, ())
    shrinking = _Shrinking(baseline)
    while len(text) > limit:
        if not shrinking.shrink(len(text) / limit):
            raise ValueError(f"the memory of {baseline.id} does not fit into {limit} characters")
        text = _encode(baseline, shrinking.bodies[_DESIRED], shrinking.bodies[_ACTUAL], key_name)
    return EncodedBaseline(text, shrinking.lost)


def _encode(baseline: Baseline, desired: Any, actual: Any, key_name: str) -> str:
    key = baseline.key
    content = {
        "id": baseline.id.text,
        "api": baseline.api_version,
        "hash": baseline.body_hash,
        "rules": baseline.rules,
        "key": None if key is None else [key.namespace, key.group, key.version, key.kind, key.name],
        "reconcile": baseline.reconcile.value,
        "protect": baseline.protect,
        "at": None if baseline.at is None else baseline.at.isoformat(),
        "secrets": key_name,
        _DESIRED: desired,
        _ACTUAL: actual,
        **({"mended": encode_mended(baseline.mended)} if baseline.mended else {}),
        **({"renewing": True} if baseline.renewing else {}),
        **({"asAsked": True} if baseline.as_asked else {}),
    }
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(canonical(content))
    return f"{FORMAT}.{base64.b64encode(packed).decode()}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A member that may become a print. ``size`` is what it takes now, ``value`` what it was."""

    document: str
    place: tuple[str, ...]
    value: Any
    node: Node
    size: int
    is_alike: bool
    is_printable: bool

    @property
    def is_long_text(self) -> bool:
        return isinstance(self.value, str)

    @property
    def lost(self) -> LostPart:
        is_told = self.is_alike and self.document == _ACTUAL
        return LostPart(self.document, FieldPath(self.place), len(canonical(self.value)), is_told)


_ORDER: Final[tuple[tuple[str, Callable[[_Part], bool]], ...]] = (
    (_ACTUAL, lambda p: p.is_alike and p.is_printable),
    (_DESIRED, lambda p: p.is_long_text),
    (_ACTUAL, lambda p: p.is_long_text),
    (_ACTUAL, lambda p: p.is_printable),
    (_DESIRED, lambda p: p.is_printable),
    (_ACTUAL, lambda _: True),
    (_DESIRED, lambda _: True),
)


class _Shrinking:
    """The bodies of a baseline while parts of them become prints."""

    def __init__(self, baseline: Baseline) -> None:
        self._shape = shape_for(baseline.id.resource_type, baseline.api_version)
        self._whole: dict[str, Any] = {_DESIRED: baseline.desired.value, _ACTUAL: baseline.actual.value}
        self.bodies = dict(self._whole)
        self._printed: dict[tuple[str, tuple[str, ...]], _Part] = {}
        found = find_differences(baseline.id.resource_type, baseline.api_version, *self._whole.values())
        self._residue = {_DESIRED: _places(f.at for f in found), _ACTUAL: _places(f.there for f in found)}

    @property
    def lost(self) -> tuple[LostPart, ...]:
        """Return what became prints, by document and place."""
        parts = [p.lost for p in self._printed.values()]
        return tuple(sorted(parts, key=lambda p: (p.document, p.path.sort_key())))

    def shrink(self, excess: float) -> bool:
        """Print what is lost least; False when nothing is left.

        Args:
            excess: How many times too long the text is.
        """
        total = sum(len(canonical(body)) for body in self.bodies.values())
        for worth, (document, is_wanted) in itertools.product((_WORTH * total, 0), _ORDER):
            parts = [p for p in self._parts(document) if is_wanted(p) and p.size >= worth]
            if parts:
                for part in _choose(parts, total * max(1 - 1 / excess, _LEAST_PROGRESS)):
                    self._print(part)
                return True
        return False

    def _parts(self, document: str) -> Iterator[_Part]:
        """Yield what may become a print: members on a way without lists."""
        residue = self._residue[document]
        stack: list[tuple[tuple[str, ...], Any, Any, Node]] = []
        stack.append(((), self._whole[document], self.bodies[document], self._shape))
        while stack:
            above, whole, body, node = stack.pop()
            for key, value in whole.items():
                place, size = (*above, key), len(canonical(body[key]))
                if size < _LEAST_PRINTED or (document, place) in self._printed:
                    continue
                shape = member_of(node, whole, None, key)
                if type(value) is dict:
                    stack.append((place, value, body[key], shape))
                yield _Part(document, place, value, shape, size, not residue.touches(place), can_be_printed(value))

    def _print(self, part: _Part) -> None:
        document, place = part.document, part.place
        marker = make_print(part.value, part.node, is_alike=part.lost.is_alike)
        self.bodies[document] = _put(self.bodies[document], place, marker)
        inside = [at for d, at in self._printed if d == document and at[: len(place)] == place]
        for at in inside:
            del self._printed[document, at]
        self._printed[document, place] = part


def _choose(parts: Sequence[_Part], needed: float) -> list[_Part]:
    """Return parts that lie apart and are large enough together: rather a deep one than all that is around it."""
    ranked = sorted(parts, key=lambda p: (p.size, p.place), reverse=True)
    enough = min(needed, _NEARLY * ranked[0].size)
    first = next(p for p in reversed(ranked) if p.size >= enough)
    chosen: list[_Part] = []
    taken: set[tuple[str, ...]] = set()
    around: set[tuple[str, ...]] = set()
    for part in (first, *ranked):
        ways = [part.place[:n] for n in range(1, len(part.place) + 1)]
        if needed <= 0:
            break
        if part.place not in around and taken.isdisjoint(ways):
            chosen.append(part)
            taken.add(part.place)
            around.update(ways)
            needed -= part.size
    return chosen


@dataclass(frozen=True, slots=True)
class _Places:
    """Places where something differed; ``around``: those and everything they lie in."""

    exact: frozenset[Place]
    around: frozenset[Place]

    def touches(self, place: Place) -> bool:
        """Whether something differed in, at or around a place."""
        return place in self.around or any(place[:n] in self.exact for n in range(1, len(place)))


def _places(places: Iterable[Place]) -> _Places:
    exact = frozenset(places)
    return _Places(exact, frozenset(itertools.chain.from_iterable((p[:n] for n in range(len(p) + 1)) for p in exact)))


def _put(body: Any, place: tuple[str, ...], value: Any) -> Any:
    """Return a copy of the body with another value at a place."""
    if not place:
        return value
    return {**body, place[0]: _put(body[place[0]], place[1:], value)}
