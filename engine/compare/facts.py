"""Apply the rows of the comparison facts to one difference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from engine.compare import rules, texts, yaml_text
from engine.compare.finding import Place, Weight
from engine.compare.places import get_member
from engine.model.document import ABSENT, Secret
from schemas.comparison_facts import ComparisonFact, Effect, facts_for, secret_members

Judge = Callable[[ComparisonFact, Any, Any], bool]


class FactTable:
    """The rows of one type@version, by path."""

    __slots__ = ("_exact", "_folded_maps", "_loose", "_loose_secrets", "_returned", "_secrets")

    def __init__(self, facts: Iterable[ComparisonFact], secrets: Iterable[tuple[str, ...]] = ()) -> None:
        """Index the rows; those with a free key are looked through one by one.

        Args:
            facts: The rows of the type.
            secrets: Members that hold a secret; ``{}`` stands for every key of a map.
        """
        rows, paths = tuple(facts), tuple(secrets)
        self._secrets = frozenset(paths) | _paths_of(rows, Effect.SECRET)
        self._loose_secrets = tuple(path for path in self._secrets if "{}" in path)
        self._returned = _paths_of(rows, Effect.RETURNED)
        self._folded_maps = _paths_of(rows, Effect.KEY_CASE)
        rows = tuple(row for row in rows if row.effect in _JUDGES)
        self._loose = [row for row in rows if "{}" in row.path]
        self._exact: dict[tuple[str, ...], list[ComparisonFact]] = {}
        for row in rows:
            if "{}" not in row.path:
                self._exact.setdefault(row.path, []).append(row)

    def folds_keys(self, at: Place) -> bool:
        """Whether Azure returns the keys of this free map in another letter case."""
        return bool(self._folded_maps) and _key(at) in self._folded_maps

    def is_secret(self, at: Place) -> bool:
        """Whether a member holds a secret although the type definition does not say so."""
        if not self._secrets:
            return False
        key = _key(at)
        return key in self._secrets or any(_fits(path, key) for path in self._loose_secrets)

    def is_returned(self, at: Place) -> bool:
        """Whether reads return a member that the type definition flags as write-only."""
        return bool(self._returned) and _key(at) in self._returned

    def find(
        self, at: Place, desired: Any, actual: Any, *, bodies: tuple[Any, Any], there: Place, is_scaled: bool = False
    ) -> ComparisonFact | None:
        """Return the row that accounts for a difference; None when none does.

        Args:
            at: The place in the desired body.
            desired: What was asked for; ABSENT for an element or key that only Azure has.
            actual: What Azure holds; ABSENT when it returned nothing.
            bodies: Both whole bodies, for conditions on other members.
            there: The place in the actual body.
            is_scaled: Another object sets the resource's capacity.
        """
        if not (self._exact or self._loose):
            return None
        key = _key(at)
        candidates = self._exact.get(key, [])
        if self._loose:
            candidates = candidates + [fact for fact in self._loose if _fits(fact.path, key)]
        for fact in candidates:
            if fact.when_scaled and not is_scaled:
                continue
            if _accounts_for(fact, desired, actual) and _conditions_hold(fact, at, there, bodies):
                return fact
        return None


@lru_cache(maxsize=1_024)
def table_for(arm_type: str, api_version: str) -> FactTable:
    """Return the rows of a type@version, indexed once."""
    return FactTable(facts_for(arm_type, api_version), secret_members(arm_type))


def weight_of(fact: ComparisonFact) -> Weight:
    """Return what a difference is worth when this row accounts for it."""
    return _WEIGHTS.get(fact.effect, Weight.SAME)


_WEIGHTS: Final[Mapping[Effect, Weight]] = {
    Effect.NOT_RETURNED: Weight.EXCUSED,
    Effect.FORCED: Weight.EXCUSED,
    Effect.GENERATED: Weight.EXCUSED,
    Effect.RAISED: Weight.EXCUSED,
    Effect.FILLED: Weight.EXCUSED,
    Effect.DROPPED_ELEMENT: Weight.EXCUSED,
    Effect.YAML: Weight.EXCUSED,
    Effect.MOVED_BY_AZURE: Weight.YIELDED,
}


def _paths_of(facts: Iterable[ComparisonFact], effect: Effect) -> frozenset[tuple[str, ...]]:
    return frozenset(fact.path for fact in facts if fact.effect is effect)


def _key(at: Place) -> tuple[str, ...]:
    return tuple(s.lower() if isinstance(s, str) else "[]" for s in at)


def _fits(pattern: tuple[str, ...], key: tuple[str, ...]) -> bool:
    return len(pattern) == len(key) and all(p in ("{}", k) for p, k in zip(pattern, key, strict=True))


def _accounts_for(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    value = desired.reveal() if isinstance(desired, Secret) else desired
    if fact.sent and not any(_is_value(value, sent) for sent in fact.sent):
        return False
    return _JUDGES[fact.effect](fact, value, actual)


def _is_value(value: Any, wanted: Any) -> bool:
    """Whether a member has a value named by a row; texts without letter case, objects with exactly these members."""
    if isinstance(value, str) and isinstance(wanted, str):
        return value.lower() == wanted.lower()
    if isinstance(value, dict) and isinstance(wanted, dict):
        return len(value) == len(wanted) and _has_members(value, wanted)
    if rules.is_number(value) and rules.is_number(wanted):
        return bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)


def _has_members(value: Any, wanted: Mapping[str, Any]) -> bool:
    return all(_is_value(get_member(value, key), inner) for key, inner in wanted.items())


def _conditions_hold(fact: ComparisonFact, at: Place, there: Place, bodies: tuple[Any, Any]) -> bool:
    """Ask the desired body first, since it says what will be; the actual one where the user wrote nothing.

    What Azure may move is decided by the object's own settings alone.
    """
    for name, allowed in fact.when.items():
        value = _lookup(bodies[0], at, name)
        if value is ABSENT and fact.effect is not Effect.MOVED_BY_AZURE:
            value = _lookup(bodies[1], there, name)
        if name.lower().endswith("location") and isinstance(value, str):
            value = rules.fold_region(value)
        if not any(_is_allowed(value, wanted) for wanted in allowed):
            return False
    return True


def _is_allowed(value: Any, wanted: Any) -> bool:
    is_there = value is not ABSENT and value is not None
    if wanted in (None, "*"):
        return is_there is (wanted is not None)
    return bool(is_there and _is_value(value, wanted))


def _lookup(body: Any, place: Place, name: str) -> Any:
    if name.startswith("/"):
        steps: tuple[Any, ...] = tuple(name[1:].split("/"))
    else:
        steps = (*place[:-1], *name.split("/"))
    for step in steps:
        body = _step(body, step)
    return body


def _step(body: Any, step: Any) -> Any:
    if isinstance(step, str):
        return get_member(body, step)
    index = step if isinstance(step, int) else step.index
    return body[index] if type(body) is list and index < len(body) else ABSENT


def _is_nothing(value: Any) -> bool:
    return value is ABSENT or rules.is_empty(value)


def _is_left_out(desired: Any, actual: Any) -> bool:
    """Whether reads leave a member out; an object that comes back empty is there, and lost what was in it."""
    return _is_nothing(actual) and not (type(desired) is dict and type(actual) is dict)


def _both_texts(judge: Callable[[str, str], bool]) -> Judge:
    return lambda _fact, desired, actual: (
        isinstance(desired, str) and isinstance(actual, str) and judge(desired, actual)
    )


def _is_forced(fact: ComparisonFact, _desired: Any, actual: Any) -> bool:
    return any(_is_value(actual, held) for held in fact.held)


def _is_generated(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    if fact.pattern and not (isinstance(actual, str) and re.fullmatch(fact.pattern, actual)):
        return False
    return type(desired) is type(actual) and not _is_nothing(actual)


def _is_raised(_fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    try:
        return float(actual) > float(desired)
    except (TypeError, ValueError):
        return False


def _is_alias(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    held = fact.values.get(str(desired).lower(), ABSENT)
    return held is not ABSENT and _is_value(actual, held)


def _is_prefix_alias(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    if not (isinstance(desired, str) and isinstance(actual, str)):
        return False
    wanted, held = desired.lower(), actual.lower()
    return any(wanted.startswith(a) and held == b + wanted[len(a) :] for a, b in fact.values.items())


def _is_completed(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    """Whether Azure appended one of the endings the row lists."""
    if not (isinstance(desired, str) and isinstance(actual, str)):
        return False
    return any(actual == desired + ending for ending in fact.held)


def _is_added_element(fact: ComparisonFact, desired: Any, actual: Any) -> bool:
    return desired is ABSENT and _has_members(actual, fact.match)


_JUDGES: Final[Mapping[Effect, Judge]] = {
    Effect.NOT_RETURNED: lambda _fact, desired, actual: _is_left_out(desired, actual),
    Effect.FORCED: _is_forced,
    Effect.GENERATED: _is_generated,
    Effect.RAISED: _is_raised,
    Effect.FILLED: lambda _fact, desired, actual: rules.is_empty(desired) and not _is_nothing(actual),
    Effect.DROPPED_ELEMENT: lambda _fact, _desired, actual: actual is ABSENT,
    Effect.ADDED_ELEMENT: _is_added_element,
    Effect.ADDED_KEY: lambda _fact, desired, _actual: desired is ABSENT,
    Effect.ALIAS: _is_alias,
    Effect.ALIAS_PREFIX: _is_prefix_alias,
    Effect.COMPLETED: _is_completed,
    Effect.CASE: _both_texts(lambda desired, actual: desired.lower() == actual.lower()),
    Effect.SLASH: _both_texts(lambda desired, actual: desired.strip("/") == actual.strip("/")),
    Effect.ID_BELOW_PROVIDER: _both_texts(lambda desired, actual: _below_provider(desired) == _below_provider(actual)),
    Effect.XML: _both_texts(texts.is_same_xml),
    Effect.JSON: _both_texts(texts.is_same_json),
    Effect.YAML: _both_texts(yaml_text.is_same_yaml),
    Effect.MOVED_BY_AZURE: lambda _fact, _desired, actual: not _is_nothing(actual),
}


def _below_provider(arm_id: str) -> str:
    return rules.fold_id(arm_id).partition("/providers/")[2] or arm_id
