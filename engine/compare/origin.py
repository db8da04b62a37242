"""Who moved: desired and actual now against what our last settled write asked for and left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.compare import lists, rules
from engine.compare.finding import Finding, Place, Weight
from engine.compare.places import find_key, find_map_key, get_member
from engine.compare.prints import Printed, is_print, read_print
from engine.compare.reach import narrow, reach
from engine.compare.reasons import WHY
from engine.compare.remembered import holds_more, is_known, is_marked, is_shortened, shown_value, was_held
from engine.compare.secrets import hash_of, holds_foreign, is_foreign, is_hash
from engine.compare.shapes import item_of, member_of, shape_of
from engine.compare.verdict import Verdict, hide, judge_without_memory
from engine.model.change import ChangeKind, ChangeOrigin
from engine.model.document import ABSENT, UNKNOWN, Body, Marker, Secret
from engine.model.path import ByKey
from schemas.nodes import Node

IDENTITY = ("name", "id", "type")


class Memory:
    """The four documents of one resource and how places in them correspond.

    Both moments may be of two api-versions: then only what both have tells who moved.
    """

    __slots__ = ("_actual", "_desired", "_key", "_node", "_pairings", "_then_actual", "_then_desired", "_then_node")

    def __init__(
        self,
        desired: Body,
        actual: Body,
        *,
        then_desired: Any,
        then_actual: Any,
        node: Node,
        key: bytes,
        then_node: Node | None = None,
    ) -> None:
        """Hold both moments.

        Args:
            desired: The body asked for now.
            actual: The body Azure holds now.
            then_desired: The body asked for then.
            then_actual: The body Azure held then.
            node: The shape of today's bodies.
            key: Key of the remembered hashes of secrets.
            then_node: The shape of the remembered bodies where it is another one.
        """
        self._desired = desired
        self._actual = actual
        self._then_desired = then_desired
        self._then_actual = then_actual
        self._then_node = then_node
        self._node = node
        self._key = key
        self._pairings: dict[tuple[int, int], dict[int, int]] = {}

    def judge(self, finding: Finding) -> Verdict:
        """Decide whether a difference counts, and who moved."""
        if finding.weight is Weight.SAME:
            return hide(finding)
        if self._then_node is not None:
            return self._judge_by_both_versions(finding, self._then_node)
        return self._judge(finding, finding)

    def _judge_by_both_versions(self, finding: Finding, then_node: Node) -> Verdict:
        """Decide by what both api-versions have: nothing is remembered of what only the new one has."""
        there = reach(then_node, finding.at)
        if there is None:
            return judge_without_memory(finding)
        seen = replace(finding, desired=narrow(finding.desired, there), actual=narrow(finding.actual, there))
        return self._judge(finding, seen)

    def _judge(self, finding: Finding, seen: Finding) -> Verdict:
        then_desired, then_actual = self._then_desired_of(finding), self.then_actual_of(finding)
        if finding.desired is UNKNOWN:
            return Verdict(finding=finding, is_hidden=False, rule="", why="", origin=ChangeOrigin.UNKNOWN)
        user = self._has_user_moved(seen, then_desired)
        azure = finding.weight is not Weight.YIELDED and self._has_left(seen, then_desired, then_actual)
        if not (user or azure) and (user is None or azure is None):
            first = judge_without_memory(finding)
            return replace(first, is_shortened=is_shortened(then_desired, then_actual))
        if user or azure:
            origin = ChangeOrigin.BOTH if user and azure else ChangeOrigin.USER if user else ChangeOrigin.DRIFT
            rule = why = ""
        else:
            origin = ChangeOrigin.UNKNOWN
            rule = finding.rule or "known-difference"
            why = finding.why or WHY["known-difference"]
        return Verdict(
            finding=finding,
            is_hidden=not (user or azure),
            rule=rule,
            why=why,
            origin=origin,
            then_desired=shown_value(then_desired),
            then_actual=shown_value(then_actual),
            is_shortened=is_shortened(then_desired, then_actual),
        )

    def removals(self, known: set[Place]) -> list[Verdict]:
        """Return members that left the desired body since the baseline: the user's move, whatever Azure does.

        Args:
            known: Places that were judged already.
        """
        if self._desired == self._then_desired or type(self._then_desired) is not dict:
            return []
        out: list[Verdict] = []
        self._find_removed(self._then_desired, self._desired, self._node, (), out)
        return [v for v in out if v.finding.at not in known]

    def _find_removed(self, then: Body, now: Body, node: Node, at: Place, out: list[Verdict]) -> None:
        is_map = _is_map(node, now, then)
        for key, old in then.items():
            spelled = find_map_key(now, key, is_tags=at == ("tags",)) if is_map else find_key(now, key)
            inner = member_of(node, now, then, key)
            if spelled is None:
                is_removed = not rules.is_empty(old) and not (at == () and key in IDENTITY)
                if is_removed and (self._then_node is None or reach(node, (key,)) is not None):
                    self._note_removed(old, now, node, (*at, self._spelled_by_azure(at, key, is_map=is_map)), out)
            elif is_print(old):
                self._find_removed_in_print(old, now[spelled], inner, (*at, spelled), out)
            elif type(old) is dict and type(now[spelled]) is dict and not is_hash(old):
                self._find_removed(old, now[spelled], inner, (*at, spelled), out)
            elif type(old) is list and type(now[spelled]) is list:
                self._find_removed_inside(old, now[spelled], inner, (*at, spelled), out)

    def _find_removed_in_print(self, old: Body, now: Any, node: Node, at: Place, out: list[Verdict]) -> None:
        """Note a part of the manifest that is another one now: what left it is not known, so all of it is sent."""
        held = self._resolve(at, self._desired, self._actual)
        if read_print(old, now, node).has_moved is False or not holds_more(held, now):
            return
        finding = Finding(
            at=at, there=at, desired=now, actual=held, weight=Weight.OPEN, kind=ChangeKind.CHANGE, node=node
        )
        user = ChangeOrigin.USER
        out.append(Verdict(finding=finding, is_hidden=False, rule="", why="", origin=user, is_shortened=True))

    def _spelled_by_azure(self, at: Place, key: str, *, is_map: bool) -> str:
        """Return the key of a removed member as Azure spells it: that is the one to be removed."""
        held = self._resolve(at, self._desired, self._actual)
        if type(held) is not dict:
            return key
        return (find_map_key(held, key, is_tags=at == ("tags",)) if is_map else find_key(held, key)) or key

    def _find_removed_inside(self, then: list[Any], now: list[Any], node: Node, at: Place, out: list[Verdict]) -> None:
        for i, j in self._counterparts(now, then, node).items():
            if type(then[j]) is dict and type(now[i]) is dict:
                self._find_removed(then[j], now[i], item_of(node), (*at, i), out)

    def _note_removed(self, old: Any, now: Body, node: Node, at: Place, out: list[Verdict]) -> None:
        held = self._resolve(at, self._desired, self._actual)
        then_held = self._resolve(at, self._desired, self._then_actual)
        if isinstance(then_held, Printed) and not (then_held.is_alike and is_known(old)):
            then_held = self._resolve(at, self._actual, self._then_actual)
        if (held is ABSENT or rules.is_empty(held)) and was_held(then_held, old):
            return
        if self._find_removed_below(old, held, now, node, at, out):
            return
        shape = shape_of(node, now, self._then_desired)
        prop = shape.find(str(at[-1])) if shape is not None else None
        is_server_owned = prop is not None and prop.is_read_only
        finding = Finding(
            at=at,
            there=at,
            desired=ABSENT,
            actual=held,
            weight=Weight.SAME if is_server_owned else Weight.OPEN,
            kind=ChangeKind.REMOVE,
            rule="server-owned" if is_server_owned else "",
            why=WHY["server-owned"] if is_server_owned else "",
            node=member_of(node, now, None, str(at[-1])),
            veiled=is_hash(old),
        )
        moved = held is not ABSENT and self._has_left(finding, old, then_held) is not False
        out.append(
            Verdict(
                finding=finding,
                is_hidden=is_server_owned,
                rule=finding.rule,
                why=finding.why,
                origin=ChangeOrigin.BOTH if moved else ChangeOrigin.USER,
                then_desired=shown_value(old),
                then_actual=shown_value(then_held),
                is_shortened=is_shortened(old, then_held),
            )
        )

    def _find_removed_below(self, old: Any, held: Any, now: Body, node: Node, at: Place, out: list[Verdict]) -> bool:
        """Note the members of a removed object one by one where Azure holds more of it than was ever asked for.

        Returns:
            False when the object left as a whole.
        """
        if type(old) is not dict or type(held) is not dict or is_marked(old) or not set(held) - set(old):
            return False
        inner = member_of(node, now, None, str(at[-1]))
        if _is_map(inner, old, held):
            return False
        before = len(out)
        self._find_removed(old, {}, inner, at, out)
        return len(out) > before

    # ------------------------------------------------------------------ then and now

    def _has_user_moved(self, finding: Finding, then: Any) -> bool | None:
        if isinstance(then, Printed):
            return then.has_moved
        if finding.desired is ABSENT:
            return then is not ABSENT
        return self._has_changed(finding.desired, then, finding.node)

    def has_azure_moved(self, finding: Finding, then: Any) -> bool | None:
        """Whether Azure holds another value than then; of elements and keys only whether they are there counts."""
        if isinstance(then, Printed):
            return then.has_moved
        if finding.is_presence:
            return (finding.actual is ABSENT) != (then is ABSENT)
        return self._has_changed(finding.actual, then, finding.node)

    def _has_changed(self, now: Any, then: Any, node: Node) -> bool | None:
        """Whether a value is another one than then; None where only a secret hashed with another key could tell."""
        if not self.is_same(now, then, node):
            return True
        return None if holds_foreign(then) else False

    def _has_left(self, finding: Finding, asked: Any, then: Any) -> bool | None:
        """Whether Azure moved; where only a print is left, by what was asked for if that was held exactly so."""
        if not (isinstance(then, Printed) and then.is_alike and is_known(asked)):
            return self.has_azure_moved(finding, then)
        return finding.actual is ABSENT if finding.is_presence else not self._holds(finding.actual, asked, finding.node)

    def _holds(self, held: Any, asked: Any, node: Node) -> bool:
        """Whether everything asked for is there as it was asked for, element by element."""
        if type(held) is dict and type(asked) is dict and not is_hash(asked):
            inner = ((k, v, member_of(node, asked, held, k)) for k, v in asked.items())
            return all(self._holds(get_member(held, k, is_map=_is_map(node, asked, held)), v, n) for k, v, n in inner)
        if type(held) is list and type(asked) is list and len(held) == len(asked):
            return all(self._holds(x, y, item_of(node)) for x, y in zip(held, asked, strict=True))
        return self.is_same(held, asked, node)

    def is_same(self, now: Any, then: Any, node: Node) -> bool:
        """Whether a value is what it was; secrets by hash, other forms of one value count as the same."""
        if is_print(then):
            return read_print(then, now, node).has_moved is False
        if is_foreign(then):
            return now is not ABSENT and not rules.is_empty(now)
        if is_hash(then):
            text = now.reveal() if isinstance(now, Secret) else now
            return text == then or (isinstance(text, str) and Secret(text).hash_with(self._key) == hash_of(then))
        if isinstance(now, Secret) or now is UNKNOWN:
            return now is UNKNOWN or bool(now.reveal() == then)
        if _is_nothing(now) and _is_nothing(then):
            return True
        if type(now) is dict and type(then) is dict:
            return self._is_same_object(now, then, node)
        if type(now) is list and type(then) is list:
            return len(now) == len(then) and all(
                self.is_same(x, y, item_of(node)) for x, y in zip(now, then, strict=True)
            )
        return (type(now) is type(then) and bool(now == then)) or rules.find_equivalence(
            now, then, node, ""
        ) is not None

    def _is_same_object(self, now: Body, then: Body, node: Node) -> bool:
        keys = {**now, **then}
        return all(
            self.is_same(now.get(key, ABSENT), then.get(key, ABSENT), member_of(node, now, then, key)) for key in keys
        )

    # ------------------------------------------------------------------ places

    def _then_desired_of(self, finding: Finding) -> Any:
        if finding.desired is ABSENT and _position(finding.there) is not None:
            then = self._resolve(finding.at[:-1], self._desired, self._then_desired)
            if self.follow(finding.at[:-1], self._desired)[0] == then:
                return ABSENT  # the list is what it was: what Azure alone has now was not asked for then either
            if isinstance(then, Printed):
                return then
            return self._element(finding.there, self._actual, then, is_then_desired=True)
        return self._resolve(finding.at, self._desired, self._then_desired)

    def then_actual_of(self, finding: Finding) -> Any:
        """Return what the remembered actual body holds at the place of a finding."""
        if finding.actual is ABSENT and _position(finding.at) is not None:
            then = self._resolve(finding.there[:-1], self._actual, self._then_actual)
            if self.follow(finding.there[:-1], self._actual)[0] == then:
                return ABSENT
            return then if isinstance(then, Printed) else self._element(finding.at, self._desired, then)
        return self._resolve(finding.there, self._actual, self._then_actual)

    def _element(self, place: Place, document: Any, then: Any, *, is_then_desired: bool = False) -> Any:
        """Find the counterpart of one element in a remembered list that has no counterpart now."""
        now, node = self.follow(place[:-1], document)
        position = _position(place)
        if type(now) is not list or type(then) is not list or position is None:
            return ABSENT
        if is_then_desired:
            backwards = self._counterparts(then, now, node)
            found = next((i for i, j in backwards.items() if j == position), None)
        else:
            found = self._counterparts(now, then, node).get(position)
        return ABSENT if found is None else then[found]

    def follow(self, place: Place, document: Any) -> tuple[Any, Node]:
        """Return what a document holds at a place of its own, and the place's shape."""
        node = self._node
        for step in place:
            if isinstance(step, str):
                node = member_of(node, document, None, step)
                document = get_member(document, step, is_map=True)
            else:
                node, index = item_of(node), _index(step)
                document = document[index] if type(document) is list and index < len(document) else ABSENT
        return document, node

    def _resolve(self, place: Place, now: Any, then: Any) -> Any:
        """Return what another document holds at the place a path has in this one."""
        node = self._node
        for depth, step in enumerate(place):
            if then is ABSENT:
                return ABSENT
            if is_print(then):
                return self._read(then, now, node, place[:depth])
            if isinstance(step, str):
                is_map, is_tags = _is_map(node, now, then), depth == 1 and place[0] == "tags"
                node = member_of(node, now, then, step)
                now = get_member(now, step, is_map=is_map, is_tags=is_tags)
                then = get_member(then, step, is_map=is_map, is_tags=is_tags)
            else:
                now, then = self._step(now, then, node, _index(step))
                node = item_of(node)
        return self._read(then, now, node, place) if is_print(then) else then

    def _read(self, marker: Body, now: Any, node: Node, place: Place) -> Printed:
        """Compare a print with what is there now, as the api-version of the print would see it."""
        if self._then_node is None:
            return read_print(marker, now, node)
        there = reach(self._then_node, place)
        return read_print(marker, UNKNOWN if there is None else narrow(now, there), there or node)

    def _step(self, now: Any, then: Any, node: Node, index: int) -> tuple[Any, Any]:
        if type(now) is not list or type(then) is not list or index >= len(now):
            return ABSENT, ABSENT
        found = self._counterparts(now, then, node).get(index)
        return now[index], ABSENT if found is None else then[found]

    def _counterparts(self, now: list[Any], then: list[Any], node: Node) -> dict[int, int]:
        """Return which positions of two lists belong together; worked out once per pair of lists."""
        key = (id(now), id(then))
        if key not in self._pairings:
            self._pairings[key] = dict(lists.correlate(now, then, node).pairs)
        return self._pairings[key]


def _is_map(node: Node, now: Any, then: Any) -> bool:
    shape = shape_of(node, now, then)
    return shape is not None and shape.is_map


def _is_nothing(value: Any) -> bool:
    return value is ABSENT or (not isinstance(value, Marker) and rules.is_empty(value))


def _position(place: Place) -> int | None:
    if not place or isinstance(place[-1], str):
        return None
    return _index(place[-1])


def _index(step: int | ByKey) -> int:
    return step if isinstance(step, int) else step.index
