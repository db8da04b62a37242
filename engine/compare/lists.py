"""Pair the elements of two lists that describe the same thing: by identifier, by value, by least difference."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.compare import rules
from engine.compare.shapes import item_of, member_of
from engine.model.document import canonical
from engine.model.path import ByKey, Segment
from schemas.nodes import ANY, AnyNode, ListNode, Node, ObjectNode, UnionNode

COMMON_IDENTIFIERS: Final = ("name", "id", "key", "objectId", "principalId", "path", "flag", "port", "value")
"""Members that name an element where no table says so; used only when present and unique on both sides."""

_MAX_DISTANCES = 4_096
_MAX_SHAPES = 32
"""Sets of member names among elements without identifier; each costs a look at all of Azure's elements."""

_MAX_DEEP_DISTANCES = 16
_MAX_DEEP_NESTING = 2
"""Lists within lists within an element: order is ignored in each, which costs their product."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which positions of two lists belong together.

    Attributes:
        pairs: (desired position, actual position), by desired position.
        missing: Desired positions without a counterpart.
        extra: Actual positions without a counterpart.
        identifiers: Members that paired them; empty when they were paired otherwise.
        is_reordered: Pairs cross each other.
    """

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    extra: tuple[int, ...]
    identifiers: tuple[str, ...] = ()
    is_reordered: bool = False


def correlate(
    desired: Sequence[Any],
    actual: Sequence[Any],
    node: Node = ANY,
    *,
    name: str = "",
    is_apart: Callable[[Any], bool] | None = None,
    is_same_in_place: Callable[[int], bool] | None = None,
) -> Pairing:
    """Pair elements that describe the same thing.

    Linear for elements with identifiers and for scalars; for the rest the number of distances is bounded, beyond it
    elements are paired by equal contents and then by position.

    Args:
        desired: Elements as the user wrote them.
        actual: Elements as Azure returned them, in any order and with more members.
        node: The list's shape, for its identifiers.
        name: The list's own name, for rules that depend on it.
        is_apart: Elements of which it is true are paired by identifier only, never as one renamed into another.
        is_same_in_place: Whether nothing differs between the elements at one position of both; such elements without
            identifier stay together, even when one of them would fit into another as well.
    """
    item = item_of(node)
    if _all_objects(desired) and _all_objects(actual):
        names = _find_names(desired, actual, node)
        if names is not None:
            return _by_identifier(desired, actual, names, is_apart)
        return _by_difference(desired, actual, item, is_same_in_place or (lambda _position: False))
    return _by_value(desired, actual, item, name)


@dataclass(frozen=True, slots=True)
class _Names:
    """The members that name elements, and what each element of both lists is called."""

    keys: tuple[str, ...]
    desired: list[tuple[Any, ...]]
    actual: list[tuple[Any, ...]]


def _find_names(desired: Sequence[Any], actual: Sequence[Any], node: Node) -> _Names | None:
    """Return the first identifier under which every element of either list is unique; None when there is none."""
    item = item_of(node)
    for keys in _candidates(desired, node):
        left = _names(desired, keys, item)
        right = _names(actual, keys, item) if left is not None else None
        if left is not None and right is not None:
            return _Names(keys, left, right)
    return None


def _candidates(desired: Sequence[Any], node: Node) -> Iterator[tuple[str, ...]]:
    """Yield the table's members first (those that the desired elements use), then common names one by one."""
    if isinstance(node, ListNode) and node.identifiers:
        used = tuple(key for key in node.identifiers if any(_is_name(element.get(key)) for element in desired))
        if used:
            yield used
    yield from ((key,) for key in COMMON_IDENTIFIERS)


def naming(elements: Sequence[Any], node: Node) -> tuple[str, ...]:
    """Return the members that name the elements of one list; empty when nothing does."""
    found = _find_names(elements, elements, node) if elements and _all_objects(elements) else None
    return () if found is None else found.keys


def segment(position: int, element: Any, identifiers: tuple[str, ...]) -> Segment:
    """Return the path segment of an element: by identifier where it has one."""
    if not identifiers:
        return position
    named = [(key, str(element[key])) for key in identifiers if element.get(key) is not None]
    return ByKey(position, ",".join(key for key, _ in named), ",".join(value for _, value in named))


def _all_objects(values: Iterable[Any]) -> bool:
    return all(type(v) is dict for v in values)


def _names(elements: Sequence[Any], keys: tuple[str, ...], item: Node) -> list[tuple[Any, ...]] | None:
    nodes = [(key, member_of(item, None, None, key)) for key in keys]
    names: list[tuple[Any, ...]] = []
    for element in elements:
        if not any(_is_name(element.get(key)) for key in keys):
            return None
        names.append(tuple(rules.token(element.get(key), node, key) for key, node in nodes))
    return names if len(set(names)) == len(names) else None


def _is_name(value: Any) -> bool:
    return type(value) in (str, int, float) and value != ""


def _by_identifier(
    desired: Sequence[Any], actual: Sequence[Any], names: _Names, is_apart: Callable[[Any], bool] | None
) -> Pairing:
    """Pair equal names; then names that differ in letter case alone; then, in place, elements renamed but alike."""
    found = _match(_with_positions(names.desired), _with_positions(names.actual))
    pairs, missing, extra = found
    if missing and extra:
        more, missing, extra = _match(
            ((_fold(names.desired[i]), i) for i in missing), ((_fold(names.actual[j]), j) for j in extra)
        )
        pairs = pairs + more
    if missing and extra and len(desired) == len(actual):
        apart = is_apart or (lambda _element: False)
        renamed = {
            i
            for i in set(missing) & set(extra)
            if not apart(desired[i]) and not apart(actual[i]) and _is_renamed(desired[i], actual[i], names.keys)
        }
        pairs = pairs + [(i, i) for i in renamed]
        missing = [i for i in missing if i not in renamed]
        extra = [j for j in extra if j not in renamed]
    return _pairing(pairs, missing, extra, names.keys)


def _with_positions(names: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, int]]:
    return ((name, i) for i, name in enumerate(names))


def _fold(name: tuple[Any, ...]) -> str:
    return repr(name).lower()


def _is_renamed(desired: Any, actual: Any, keys: tuple[str, ...]) -> bool:
    """Whether at least half of what does not name the element is alike; an element of names alone is."""
    total, same = _count({key: value for key, value in desired.items() if key not in keys}, actual)
    return 2 * same >= total


def _match(
    left: Iterable[tuple[Any, int]], right: Iterable[tuple[Any, int]]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    waiting: dict[Any, deque[int]] = defaultdict(deque)
    for name, j in right:
        waiting[name].append(j)
    pairs, missing = [], []
    for name, i in left:
        queue = waiting.get(name)
        if queue:
            pairs.append((i, queue.popleft()))
        else:
            missing.append(i)
    return pairs, missing, sorted(j for queue in waiting.values() for j in queue)


def _by_value(desired: Sequence[Any], actual: Sequence[Any], item: Node, name: str) -> Pairing:
    """Pair scalars by value; in lists of one length what is left is paired where positions agree."""
    left = [(_token(v, item, name), i) for i, v in enumerate(desired)]
    right = [(_token(v, item, name), j) for j, v in enumerate(actual)]
    in_place = {i for i, ((x, _), (y, _)) in enumerate(zip(left, right, strict=False)) if x == y}
    pairs, missing, extra = _match(
        ((t, i) for t, i in left if i not in in_place), ((t, j) for t, j in right if j not in in_place)
    )
    pairs += [(i, i) for i in in_place]
    return _pairing(*_pair_in_place(desired, actual, (pairs, missing, extra)))


def _pair_in_place(
    desired: Sequence[Any], actual: Sequence[Any], found: tuple[list[tuple[int, int]], list[int], list[int]]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    pairs, missing, extra = found
    if len(desired) != len(actual):
        return pairs, missing, extra
    both = set(missing) & set(extra)
    pairs = pairs + [(i, i) for i in both]
    return pairs, [i for i in missing if i not in both], [j for j in extra if j not in both]


def _token(value: Any, item: Node, name: str) -> Any:
    if rules.is_collection(value):
        return ("json", canonical(value))
    return rules.token(value, item, name)


def _by_difference(
    desired: Sequence[Any], actual: Sequence[Any], item: Node, is_same: Callable[[int], bool]
) -> Pairing:
    """Pair objects without identifier: equal contents first, then the least different."""
    pairs, missing, extra = _by_contents(desired, actual, is_same)
    if missing and extra and len(missing) * len(extra) <= _MAX_DISTANCES:
        more, missing, extra = _least_different(desired, actual, missing, extra, item)
        pairs += more
    return _pairing(*_pair_in_place(desired, actual, (pairs, missing, extra)))


def _by_contents(
    desired: Sequence[Any], actual: Sequence[Any], is_same: Callable[[int], bool]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pair elements whose desired members are all equal: in place first, then whole ones, then by their members."""
    in_place = {i for i, (x, y) in enumerate(zip(desired, actual, strict=False)) if _is_within(x, y) or is_same(i)}
    pairs, missing, extra = _match(
        ((canonical(x), i) for i, x in enumerate(desired) if i not in in_place),
        ((canonical(y), j) for j, y in enumerate(actual) if j not in in_place),
    )
    pairs += [(i, i) for i in in_place]
    shapes: dict[frozenset[str], list[int]] = defaultdict(list)
    for i in missing:
        shapes[frozenset(desired[i])].append(i)
    for keys, places in itertools.islice(shapes.items(), _MAX_SHAPES):
        left = [(_projection(desired[i], keys), i) for i in places]
        more, _, extra = _match(left, [(_projection(actual[j], keys), j) for j in extra])
        pairs += more
    paired = {i for i, _ in pairs}
    return pairs, [i for i in missing if i not in paired], extra


def _projection(element: dict[str, Any], keys: frozenset[str]) -> bytes:
    return canonical({key: element.get(key) for key in keys})


def _is_within(desired: Any, actual: Any) -> bool:
    if type(desired) is dict and type(actual) is dict:
        return all(key in actual and _is_within(value, actual[key]) for key, value in desired.items())
    return type(desired) is type(actual) and bool(desired == actual)


def _least_different(
    desired: Sequence[Any], actual: Sequence[Any], missing: list[int], extra: list[int], item: Node
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    measure = _measure_for(item, [desired[i] for i in missing], [actual[j] for j in extra])
    ranked = sorted(
        (distance, i != j, i, j)
        for i in missing
        for j in extra
        if (distance := measure(desired[i], actual[j])) is not None
    )
    pairs: list[tuple[int, int]] = []
    used_i: set[int] = set()
    used_j: set[int] = set()
    for _, _, i, j in ranked:
        if i not in used_i and j not in used_j:
            pairs.append((i, j))
            used_i.add(i)
            used_j.add(j)
    return pairs, [i for i in missing if i not in used_i], [j for j in extra if j not in used_j]


def _measure_for(item: Node, desired: list[Any], actual: list[Any]) -> Callable[[Any, Any], float | None]:
    is_small = len(desired) * len(actual) <= _MAX_DEEP_DISTANCES
    if isinstance(item, AnyNode) and is_small and all(_nesting(e) <= _MAX_DEEP_NESTING for e in (*desired, *actual)):
        return _deep_distance
    if isinstance(item, ObjectNode | UnionNode | AnyNode):
        return _leaf_distance
    return lambda _x, _y: None


def _nesting(value: Any) -> int:
    """Return how many lists stand in each other."""
    if type(value) is dict:
        return max(map(_nesting, value.values()), default=0)
    return 1 + max(map(_nesting, value), default=0) if type(value) is list else 0


def _leaf_distance(desired: Any, actual: Any) -> float | None:
    """Return the share of desired leaves that differ; None when nothing is alike."""
    total, same = _count(desired, actual)
    return 1 - same / total if same else None


def _count(desired: Any, actual: Any) -> tuple[int, int]:
    if type(desired) is dict:
        inside = actual if type(actual) is dict else {}
        counts = [_count(value, inside.get(key)) for key, value in desired.items()]
    elif type(desired) is list:
        other = actual if type(actual) is list else []
        counts = [_count(v, other[i] if i < len(other) else None) for i, v in enumerate(desired)]
    else:
        return 1, int(_is_alike(desired, actual))
    return sum(t for t, _ in counts), sum(s for _, s in counts)


def _is_alike(desired: Any, actual: Any) -> bool:
    if isinstance(desired, str) and isinstance(actual, str):
        return desired.lower() == actual.lower()
    return type(desired) is type(actual) and bool(desired == actual)


def _deep_distance(desired: Any, actual: Any) -> float | None:
    """Measure what it takes to turn one free-form object into the other; None when nothing is alike."""
    if _leaf_distance(desired, actual) is None:
        return None
    from deepdiff import DeepDiff

    known = {key: actual[key] for key in desired if key in actual}
    diff = DeepDiff(
        desired,
        known,
        ignore_order=True,
        report_repetition=True,
        get_deep_distance=True,
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,
    )
    return float(diff.get("deep_distance", 0.0))


def _pairing(
    pairs: list[tuple[int, int]], missing: list[int], extra: list[int], identifiers: tuple[str, ...] = ()
) -> Pairing:
    pairs = sorted(pairs)
    order = [j for _, j in pairs]
    crossed = any(x > y for x, y in itertools.pairwise(order))
    return Pairing(tuple(pairs), tuple(sorted(missing)), tuple(sorted(extra)), identifiers, crossed)
