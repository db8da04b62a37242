"""Note the differences that a walk finds, with the rule or fact that decides about each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.compare import lists
from engine.compare.facts import FactTable, weight_of
from engine.compare.finding import Finding, Place, Weight, kind_of
from engine.compare.owned import OwnedChildren
from engine.compare.reasons import WHY
from engine.compare.veil import Veil
from engine.model.change import ChangeKind
from engine.model.document import ABSENT, UNKNOWN, Body
from engine.model.path import Segment
from schemas.nodes import ANY, ListNode, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a walk needs beside the two bodies.

    Attributes:
        shape: The whole body's node; ANY when the type is unknown.
        unseen: Places whose value is a Secret that is not available here.
        open_keys: Places of maps with a key that is not known yet: keys only Azure has are no difference there.
        scaled_by: The object that sets the resource's capacity; empty when none does.
    """

    shape: Node
    facts: FactTable
    owned: OwnedChildren
    unseen: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    open_keys: frozenset[tuple[str, ...]] = field(default_factory=frozenset)
    scaled_by: str = ""


class Notes:
    """The findings of one walk so far, and the only place that makes one."""

    __slots__ = ("_bodies", "_frame", "findings")

    def __init__(self, desired: Body, actual: Body, frame: Frame) -> None:
        """Start with nothing found.

        Args:
            desired: The whole body asked for, for conditions on other members.
            actual: The whole body Azure holds.
            frame: What is known of the resource beside its bodies.
        """
        self._bodies = (desired, actual)
        self._frame = frame
        self.findings: list[Finding] = []

    def surplus(self, found: Any, node: Node, veil: Veil, at: Place, there: Place, *, is_key: bool = False) -> None:
        """Note an element or key that only Azure has."""
        fact = self._frame.facts.find(at, ABSENT, found, bodies=self._bodies, there=there)
        if not is_key and self._frame.owned.covers(found, at[:-1]):
            self.add(at, there, ABSENT, found, Weight.SAME, rule="owned", veil=veil, is_presence=True)
        elif not is_key and self._frame.owned.is_shared(at[:-1]):
            self.add(at, there, ABSENT, found, Weight.YIELDED, rule="shared-list", veil=veil, is_presence=True)
        elif fact is not None:
            self.add(at, there, ABSENT, found, weight_of(fact), rule=fact.effect, why=f"{fact.note} ({fact.source})")
        elif is_key and tuple(map(str, at[:-1])) in self._frame.open_keys:
            self.add(at, there, ABSENT, found, Weight.SAME, rule="key-not-known")
        else:
            self.add(at, there, ABSENT, found, Weight.OPEN, node=node, veil=veil, is_presence=True)

    def unknown(self, found: Any, veil: Veil, at: Place, there: Place) -> None:
        """Note a value that is not known yet, or a Secret that is not available here."""
        if veil or tuple(_plain(s) for s in at) in self._frame.unseen:
            self.add(at, there, UNKNOWN, found, Weight.SAME, rule="secret-not-compared", veil=Veil.SENSITIVE)
        else:
            self.add(at, there, UNKNOWN, found, Weight.OPEN)

    def by_fact(
        self,
        value: Any,
        found: Any,
        node: Node,
        veil: Veil,
        at: Place,
        there: Place,
        *,
        is_presence: bool = False,
        habit: str | None = None,
    ) -> None:
        """Note a difference that no certain rule excuses: a fact of the type does, or a habit, or it is one."""
        scaler = self._frame.scaled_by
        fact = self._frame.facts.find(at, value, found, bodies=self._bodies, there=there, is_scaled=bool(scaler))
        rule, why, weight = habit or "", "", Weight.EXCUSED if habit else Weight.OPEN
        if fact is not None:
            note = f"{fact.note}, here {scaler}" if fact.when_scaled else fact.note
            rule, why, weight = fact.effect.value, f"{note} ({fact.source})", weight_of(fact)
        self.add(at, there, value, found, weight, rule=rule, why=why, node=node, veil=veil, is_presence=is_presence)

    def unless_equal(self, at: Place, there: Place, value: Any, found: Any, rule: str) -> None:
        """Note another form of a member that is no setting."""
        if type(value) is not type(found) or value != found:
            self.add(at, there, value, found, Weight.SAME, rule=rule)

    def add(
        self,
        at: Place,
        there: Place,
        desired: Any,
        actual: Any,
        weight: Weight,
        *,
        rule: str = "",
        why: str = "",
        kind: ChangeKind | None = None,
        node: Node = ANY,
        veil: Veil = Veil.NONE,
        is_presence: bool = False,
    ) -> None:
        """Note a difference and what it is worth."""
        self.findings.append(
            Finding(
                at=at,
                there=there,
                desired=desired,
                actual=actual,
                weight=weight,
                kind=kind or kind_of(desired, actual),
                rule=rule,
                why=why or WHY.get(rule, ""),
                node=node,
                is_presence=is_presence,
                veiled=veil is Veil.SENSITIVE,
            )
        )

    def order(self, desired: Any, actual: Any, node: Node, pairing: lists.Pairing, at: Place, there: Place) -> None:
        """Note elements in another order."""
        ordered = isinstance(node, ListNode) and node.is_ordered
        free = bool(pairing.identifiers) or (isinstance(node, ListNode) and node.is_set)
        if free and not ordered:
            self.add(at, there, desired, actual, Weight.SAME, rule="list-order", kind=ChangeKind.REORDER)
        else:
            self.add(at, there, desired, actual, Weight.OPEN, kind=ChangeKind.REORDER, node=node)


def _plain(segment: Segment) -> str:
    return segment if isinstance(segment, str) else str(segment if isinstance(segment, int) else segment.index)
