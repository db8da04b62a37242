"""Walk desired, actual and schema in lockstep; note every place where a plain comparison would differ.

What is equal costs one dictionary look-up; rules, facts and paths are looked at only where something differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.compare import lists, rules
from engine.compare.conventions import find_absence_habit, find_camel_key, find_habit
from engine.compare.finding import Finding, Place, Weight, name_of, renamed
from engine.compare.notes import Frame, Notes
from engine.compare.places import find_key, find_map_key
from engine.compare.shapes import is_free_map, item_of, shape_of
from engine.compare.veil import Veil, veil_of, veil_of_member
from engine.model.document import ABSENT, UNKNOWN, Body, Secret
from schemas.nodes import ANY, ListNode, Node, ObjectNode, UnionNode

IDENTITY = frozenset({"name", "id", "type"})


def walk(desired: Body, actual: Body, frame: Frame) -> list[Finding]:
    """Return every difference, hidden or not, in the order of the desired body."""
    notes = Notes(desired, actual, frame)
    _Walker(desired, actual, frame, notes).walk_object(desired, actual, frame.shape, Veil.NONE, (), ())
    return notes.findings


class _Walker:
    """One walk over both bodies."""

    __slots__ = ("_bodies", "_frame", "_notes")

    def __init__(self, desired: Body, actual: Body, frame: Frame, notes: Notes) -> None:
        self._bodies = (desired, actual)
        self._frame = frame
        self._notes = notes

    # ------------------------------------------------------------------ objects

    def walk_object(self, desired: Any, actual: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        """Compare the members that were asked for."""
        shape = shape_of(node, desired, actual)
        if shape is not None and shape.is_map:
            self._walk_map(desired, actual, shape, veil, at, there)
            return
        for key, value in desired.items():
            found = actual.get(key, ABSENT)
            kind = type(value)
            if kind is not dict and kind is not list and value == found and kind is type(found):
                continue
            self._walk_member(key, value, actual, shape, veil, at, there)

    def _walk_member(
        self, key: str, value: Any, actual: Body, shape: ObjectNode | None, veil: Veil, at: Place, there: Place
    ) -> None:
        spelled = find_key(actual, key)
        found = ABSENT if spelled is None else actual[spelled]
        at, there = (*at, key), (*there, spelled or key)
        prop = shape.find(key) if shape is not None else None
        if spelled is not None and spelled != key:
            self._notes.add(at, there, value, found, Weight.SAME, rule="key-case")
        if len(at) == 1 and key.lower() in IDENTITY:
            self._notes.unless_equal(at, there, value, found, "identity")
        elif prop is not None and prop.is_read_only:
            self._notes.unless_equal(at, there, value, found, "server-owned")
        else:
            self._walk_value(value, found, prop.node if prop else ANY, veil_of_member(veil, prop), at, there)

    def _walk_map(self, desired: Any, actual: Any, shape: ObjectNode, veil: Veil, at: Place, there: Place) -> None:
        """Compare a free map: keys and texts exactly, keys only Azure has are extra."""
        node, veil = shape.additional or ANY, veil_of(shape, veil)
        taken: set[str] = set()
        for key, value in desired.items():
            spelled = find_map_key(actual, key, is_tags=at == ("tags",))
            if spelled is None and self._frame.facts.folds_keys(at):
                spelled = find_key(actual, key)
            camel = find_camel_key(actual, key, value, desired) if spelled is None else None
            if camel is not None:
                taken.add(camel)
                self._note_camel_key(value, actual[camel], node, veil, (*at, key), (*there, camel))
                continue
            taken.add(spelled or key)
            found = ABSENT if spelled is None else actual[spelled]
            inner, outer = (*at, key), (*there, spelled or key)
            if spelled is not None and spelled != key:
                rule = "map-key-id" if rules.is_arm_id(key) else "tag-name-case" if at == ("tags",) else "key-case"
                self._notes.add(inner, outer, value, found, Weight.SAME, rule=rule)
            self._walk_map_value(value, found, node, veil, inner, outer)
        for key, found in actual.items():
            if key not in taken and found is not None:
                self._notes.surplus(found, node, veil, (*at, key), (*there, key), is_key=True)

    def _note_camel_key(self, value: Any, found: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        veil = self._veil_at(node, veil, value, at)
        self._notes.add(at, there, value, found, Weight.EXCUSED, rule="key-camel-case", node=node, veil=veil)

    def _walk_map_value(self, value: Any, found: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        if rules.is_collection(value) and found is not ABSENT:
            self._walk_value(value, found, node, veil, at, there)
        elif value is UNKNOWN:
            self._notes.unknown(found, veil, at, there)
        elif value is None and (found is ABSENT or found is None):
            self._notes.unless_equal(at, there, value, found, "empty")
        elif found is ABSENT or not (type(value) is type(found) and value == found):
            self._walk_scalar(value, found, node, veil, at, there, is_exact=True)

    # ------------------------------------------------------------------ values

    def _walk_value(self, value: Any, found: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        kind, found_kind = type(value), type(found)
        if kind is dict and found_kind is dict:
            self.walk_object(value, found, node, veil_of(node, veil), at, there)
        elif kind is list and found_kind is list:
            self._walk_list(value, found, node, veil_of(node, veil), at, there)
        elif value is UNKNOWN:
            self._notes.unknown(found, veil_of(node, veil), at, there)
        elif kind is found_kind and value == found:
            return
        elif found is ABSENT or rules.is_empty(found):
            self._walk_missing(value, found, node, veil, at, there)
        elif value is None:
            self._walk_null(found, node, veil, at, there)
        else:
            self._walk_scalar(value, found, node, veil, at, there)

    def _walk_null(self, found: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        """Null means none for tags, no opinion for other collections, and gone for the rest."""
        if at == ("tags",) and type(found) is dict:
            self._notes.add(at, there, None, found, Weight.SAME, rule="empty")
            for key, value in found.items():
                self._notes.surplus(value, ANY, veil, (*at, key), (*there, key), is_key=True)
        elif rules.is_collection(found) or isinstance(node, ListNode | ObjectNode | UnionNode):
            self._notes.add(at, there, None, found, Weight.YIELDED, rule="no-opinion", node=node)
        else:
            self._walk_scalar(None, found, node, veil, at, there)

    def _walk_scalar(
        self, value: Any, found: Any, node: Node, veil: Veil, at: Place, there: Place, *, is_exact: bool = False
    ) -> None:
        veil = self._veil_at(node, veil, value, at)
        shown = value.reveal() if isinstance(value, Secret) else value
        if type(shown) is type(found) and shown == found:
            return
        rule = self._equivalence(shown, found, node, at, is_exact=is_exact)
        if rule:
            self._notes.add(at, there, value, found, Weight.SAME, rule=rule, node=node, veil=veil)
        elif self._may_be_left_out(veil, at) and (found is ABSENT or rules.is_empty(found) or rules.is_masked(found)):
            self._notes.add(at, there, value, found, Weight.EXCUSED, rule="write-only", node=node, veil=veil)
        else:
            habit = None if is_exact else find_habit(shown, found, node, at)
            self._notes.by_fact(value, found, node, veil, at, there, habit=habit)

    def _veil_at(self, node: Node, outer: Veil, value: Any, at: Place) -> Veil:
        veil = veil_of(node, outer, value)
        return Veil.SENSITIVE if self._frame.facts.is_secret(at) else veil

    def _may_be_left_out(self, veil: Veil, at: Place) -> bool:
        return veil is not Veil.NONE and not self._frame.facts.is_returned(at)

    def _equivalence(self, value: Any, found: Any, node: Node, at: Place, *, is_exact: bool) -> str | None:
        if is_exact:
            return "number" if rules.is_same_number(value, found, node, "") else None
        rule = rules.find_equivalence(value, found, node, name_of(at))
        if rule is None and rules.is_relative_id(value, found, self._bodies[1].get("id")):
            return "relative-id"
        return rule

    def _walk_missing(self, value: Any, found: Any, node: Node, veil: Veil, at: Place, there: Place) -> None:
        """Decide about a value that Azure does not hold: a container is excused when everything in it is."""
        veil = self._veil_at(node, veil, value, at)
        if rules.is_empty(value):
            self._notes.unless_equal(at, there, value, found, "empty")
        elif self._may_be_left_out(veil, at):
            self._notes.add(at, there, value, found, Weight.EXCUSED, rule="write-only", node=node, veil=veil)
        elif at == ("location",):
            self._notes.add(at, there, value, found, Weight.EXCUSED, rule="location-not-returned", node=node)
        else:
            mark = len(self._notes.findings)
            habit = find_absence_habit(value, found, at, self._bodies)
            if found is None and self._holds_secret(value, node, at):
                habit = "secret-container"
            self._notes.by_fact(value, found, node, veil, at, there, habit=habit)
            if self._notes.findings[-1].weight is Weight.OPEN and type(value) is dict and not is_free_map(node):
                self._excuse_by_parts(value, found, node, mark, at, there)

    def _holds_secret(self, value: Any, node: Node, at: Place) -> bool:
        """Whether one of an object's own members is a secret."""
        shape = shape_of(node, value, None) if type(value) is dict else None
        if shape is None:
            return False
        nodes = ((key, inner, shape.find(key)) for key, inner in value.items())
        return any(
            self._veil_at(prop.node if prop else ANY, Veil.NONE, inner, (*at, key)) is Veil.SENSITIVE
            for key, inner, prop in nodes
        )

    def _excuse_by_parts(self, value: Body, found: Any, node: Node, mark: int, at: Place, there: Place) -> None:
        """Replace the finding at the container by those of its members, when all of them are excused."""
        whole = self._notes.findings[mark:]
        del self._notes.findings[mark:]
        shape = shape_of(node, value, found)
        for key, inner in value.items():
            prop = shape.find(key) if shape is not None else None
            if prop is not None and prop.is_read_only:
                self._notes.add((*at, key), (*there, key), inner, ABSENT, Weight.SAME, rule="server-owned")
            elif inner is not UNKNOWN:
                inner_node = prop.node if prop else ANY
                inner_veil = veil_of_member(Veil.NONE, prop)
                self._walk_missing(inner, ABSENT, inner_node, inner_veil, (*at, key), (*there, key))
        if any(f.weight is Weight.OPEN for f in self._notes.findings[mark:]) or len(self._notes.findings) == mark:
            self._notes.findings[mark:] = whole

    # ------------------------------------------------------------------ lists

    def _walk_list(
        self, desired: list[Any], actual: list[Any], node: Node, veil: Veil, at: Place, there: Place
    ) -> None:
        """Accept the order given when nothing differs in it; else pair the elements."""
        walked: dict[int, list[Finding]] = {}
        if len(desired) == len(actual):
            mark = len(self._notes.findings)
            is_same = self._walk_in_order(desired, actual, item_of(node), veil, at, there, walked)
            is_silent = len(self._notes.findings) == mark
            del self._notes.findings[mark:]
            if is_same:
                if not is_silent:
                    self._name_elements(desired, node, len(at), walked)
                return
        self._walk_paired(desired, actual, node, veil, at, there, walked)

    def _walk_in_order(
        self,
        desired: list[Any],
        actual: list[Any],
        item: Node,
        veil: Veil,
        at: Place,
        there: Place,
        walked: dict[int, list[Finding]],
    ) -> bool:
        """Compare position by position; give up at the first difference that no rule excuses.

        What was found is kept in ``walked``, so that no element is walked twice: lists in lists would double the work
        at every level.
        """
        for i, (value, found) in enumerate(zip(desired, actual, strict=True)):
            kind = type(value)
            if kind is dict or kind is list or value != found or kind is not type(found):
                mark = len(self._notes.findings)
                self._walk_element(value, found, item, veil, (*at, i), (*there, i))
                walked[i] = self._notes.findings[mark:]
                if any(f.weight is Weight.OPEN for f in walked[i]):
                    return False
        return True

    def _name_elements(self, desired: list[Any], node: Node, depth: int, walked: dict[int, list[Finding]]) -> None:
        """Keep what was found in elements that are all the same in place, under their names."""
        identifiers = lists.naming(desired, node)
        for i, findings in walked.items():
            self._notes.findings += renamed(findings, depth, lists.segment(i, desired[i], identifiers))

    def _walk_paired(
        self,
        desired: list[Any],
        actual: list[Any],
        node: Node,
        veil: Veil,
        at: Place,
        there: Place,
        walked: dict[int, list[Finding]],
    ) -> None:
        item = item_of(node)

        def find_in_place(i: int) -> list[Finding]:
            if i not in walked:
                mark = len(self._notes.findings)
                self._walk_element(desired[i], actual[i], item, veil, (*at, i), (*there, i))
                walked[i] = self._notes.findings[mark:]
                del self._notes.findings[mark:]
            return walked[i]

        pairing = lists.correlate(
            desired,
            actual,
            node,
            name=name_of(at),
            is_apart=self._apart(at),
            is_same_in_place=lambda i: all(f.weight is not Weight.OPEN for f in find_in_place(i)),
        )
        for i, j in pairing.pairs:
            step = lists.segment(i, desired[i], pairing.identifiers)
            if i == j:
                self._notes.findings += renamed(find_in_place(i), len(at), step)
            else:
                self._walk_element(desired[i], actual[j], item, veil, (*at, step), (*there, j))
        for i in pairing.missing:
            step = lists.segment(i, desired[i], pairing.identifiers)
            self._note_missing_element(desired[i], item, veil, (*at, step), (*there, i))
        for j in pairing.extra:
            step = lists.segment(j, actual[j], pairing.identifiers)
            self._notes.surplus(actual[j], item, veil, (*at, step), (*there, j))
        if pairing.is_reordered:
            self._notes.order(desired, actual, node, pairing, at, there)

    def _apart(self, at: Place) -> Callable[[Any], bool] | None:
        owned = self._frame.owned
        if owned.is_shared(at):
            return lambda _element: True
        return (lambda element: owned.covers(element, at)) if owned else None

    def _walk_element(self, value: Any, found: Any, item: Node, veil: Veil, at: Place, there: Place) -> None:
        if value is None or (found is None and not rules.is_collection(value)):
            if value is not found:
                self._notes.by_fact(value, found, item, veil, at, there)
        else:
            self._walk_value(value, found, item, veil, at, there)

    def _note_missing_element(self, value: Any, item: Node, veil: Veil, at: Place, there: Place) -> None:
        veil = veil_of(item, veil, value)
        if self._frame.owned.covers(value, at[:-1]):
            self._notes.add(at, there, value, ABSENT, Weight.SAME, rule="owned", veil=veil, is_presence=True)
        elif veil:
            self._notes.add(at, there, value, ABSENT, Weight.EXCUSED, rule="write-only", veil=veil, is_presence=True)
        else:
            self._notes.by_fact(value, ABSENT, item, veil, at, there, is_presence=True)
