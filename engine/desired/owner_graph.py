"""Who owns whom, and who each object is in Azure, which follows from it; for a few other objects little is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Self

from engine.desired.between import describe_circle
from engine.desired.id_table import IdTable, SharedSets
from engine.desired.identity import (
    CHILD_ID_OVERRIDE,
    Base,
    Identity,
    ObjectIdentity,
    base_by_id,
    base_by_owner,
    base_of_root,
    build_id,
    check_owner_kind,
    read_owner,
    recorded_id,
    resolve_name,
    spec_of,
)
from engine.desired.inputs import Inputs
from engine.desired.naming import FROM_CONFIG
from engine.model.state import CustomResource, Wait
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind

SubscriptionOf = Callable[[CustomResource], str]
"""Returns the subscription an object lies in; empty when not known."""


class Node:
    """One object while it is worked out who it is."""

    __slots__ = ("identity", "kind", "owner", "resource", "visiting")

    def __init__(self, resource: CustomResource, kind: Kind) -> None:
        self.resource = resource
        self.kind = kind
        self.owner = read_owner(resource, kind)
        self.identity: Identity | None = None
        self.visiting = False

    @classmethod
    def of(cls, resource: CustomResource) -> Self | None:
        """Return the node of an object; None for what is no ARM resource."""
        key = resource.key
        kind = lookup_kind(key.group, key.version, key.kind)
        return cls(resource, kind) if kind is not None and kind.is_arm else None

    def go_on(self, old: Node) -> Identity:
        """Take over who another node of the same object was found to be."""
        assert old.identity is not None
        self.identity = replace(old.identity, resource=self.resource)
        return self.identity

    @property
    def is_named_by_config(self) -> bool:
        """Whether the name comes from a config map."""
        return FROM_CONFIG in self.kind.spec.members and FROM_CONFIG in spec_of(self.resource)


class OwnerGraph:
    """Objects by identity; ids are worked out when first asked for, linear in the number of objects."""

    def __init__(self, resources: Iterable[CustomResource], subscription_of: SubscriptionOf, inputs: Inputs) -> None:
        """Take objects of different identities in; nothing is worked out yet."""
        self._subscription_of = subscription_of
        self._inputs = inputs
        self.nodes = {r.key.identity: node for r in resources if (node := Node.of(r)) is not None}
        self.cycles: list[Sequence[CustomResource]] = []
        self._owned: SharedSets[ObjectIdentity, ObjectIdentity] = SharedSets()
        for identity, node in self.nodes.items():
            if node.owner.object is not None:
                self._owned.add(node.owner.object, identity)

    def find(self, identity: ObjectIdentity) -> Identity | None:
        """Return who an object is; None for what is no ARM resource, or is not there."""
        node = self.nodes.get(identity)
        return self.resolve(node) if node is not None else None

    @property
    def is_plain(self) -> bool:
        """Whether all ids are worked out, from nothing but the objects."""
        return not self.cycles and not self.named_by_config and "table" in self.__dict__

    def learn(self, inputs: Inputs) -> bool:
        """Take in what was fetched since; return whether ids have to be worked out again."""
        self._inputs = inputs
        if not self.named_by_config:
            return False
        for node in self.nodes.values():
            node.identity, node.visiting = None, False
        self.cycles.clear()
        self.__dict__.pop("table", None)
        return True

    @cached_property
    def named_by_config(self) -> list[CustomResource]:
        """Return the objects whose names come from config maps."""
        return [node.resource for node in self.nodes.values() if node.is_named_by_config]

    @cached_property
    def table(self) -> IdTable:
        """Return who everybody is."""
        table = IdTable()
        for node in self.nodes.values():
            table.put(self.resolve(node))
        return table

    def after(self, moved: Mapping[ObjectIdentity, CustomResource], gone: Iterable[ObjectIdentity]) -> OwnerGraph:
        """Return the graph of other objects: what did not move is taken over, unless something above it did.

        Args:
            moved: Objects that are new, or not as they were.
            gone: Objects that are not there any more.
        """
        graph = copy(self)
        graph.exchange(moved, gone)
        return graph

    def __copy__(self) -> Self:
        """Return a copy; what was worked out is shared."""
        copied = type(self).__new__(type(self))
        own = {"nodes": self.nodes.copy(), "_owned": self._owned.copy(), "table": copy(self.table), "cycles": []}
        copied.__dict__ = self.__dict__ | own
        return copied

    def exchange(self, moved: Mapping[ObjectIdentity, CustomResource], gone: Iterable[ObjectIdentity]) -> None:
        """Put other objects in place."""
        stale = []
        self.named_by_config = []
        for identity in (*gone, *moved):
            resource = moved.get(identity)
            old, node = self.nodes.pop(identity, None), Node.of(resource) if resource is not None else None
            if node is not None:
                self.nodes[identity] = node
                self.named_by_config += [node.resource] if node.is_named_by_config else []
            if old is not None and node is not None and self._stands_for_the_same(old, node):
                self.table.put(node.go_on(old))
                continue
            for one, change in ((old, self._owned.discard), (node, self._owned.add)):
                if one is not None and one.owner.object is not None:
                    change(one.owner.object, identity)
            stale.append(identity)
        self._work_out(stale)

    def _stands_for_the_same(self, old: Node, new: Node) -> bool:
        """Whether nothing differs that an id is made from, apart from the owner's own id."""
        if old.identity is None or self._base(new).id is None:
            return False
        return old.kind is new.kind and self._sources_of(old) == self._sources_of(new)

    def _sources_of(self, node: Node) -> tuple[object, ...]:
        resource = node.resource
        return (
            node.owner,
            resolve_name(resource, node.kind, node.owner, self._inputs),
            check_owner_kind(resource, node.kind),
            resource.annotations.get(CHILD_ID_OVERRIDE, ""),
            self._subscription_of(resource),
        )

    def _work_out(self, stale: list[ObjectIdentity]) -> None:
        """Work out the ids of objects, and of everything that they own."""
        seen: set[ObjectIdentity] = set()
        while stale:
            identity = stale.pop()
            if identity not in seen:
                seen.add(identity)
                stale += self._owned.of(identity)
        for identity in seen:
            old = self.nodes.get(identity)
            if old is not None:
                self.nodes[identity] = Node(old.resource, old.kind)
        for identity in seen:
            node = self.nodes.get(identity)
            if node is None:
                self.table.drop(identity)
            else:
                self.table.put(self.resolve(node))

    def resolve(self, node: Node) -> Identity:
        """Return who an object is; worked out once."""
        if node.identity is not None:
            return node.identity
        chain: list[Node] = []
        at: Node | None = node
        while at is not None and at.identity is None and not at.visiting:
            at.visiting = True
            chain.append(at)
            at = self.nodes.get(at.owner.object) if at.owner.object is not None else None
        if at is not None and at.identity is None:
            self._close_cycle(chain[chain.index(at) :])
        for member in reversed(chain):
            if member.identity is None:
                member.identity = self._identify(member)
        resolved = chain[0].identity
        assert resolved is not None
        return resolved

    def _close_cycle(self, members: Sequence[Node]) -> None:
        keys = tuple(member.resource.key for member in members)
        self.cycles.append([member.resource for member in members])
        wait = Wait(text=f"owner cycle: {describe_circle(keys)}")
        for position, member in enumerate(members):
            owner = keys[(position + 1) % len(keys)]
            name = resolve_name(member.resource, member.kind, member.owner, self._inputs)
            member.identity = Identity(member.resource, member.kind, None, name.text, owner, (wait,))

    def _identify(self, node: Node) -> Identity:
        name = resolve_name(node.resource, node.kind, node.owner, self._inputs)
        base = self._base(node)
        found = (name.misfit, base.misfit, check_owner_kind(node.resource, node.kind))
        misfits = tuple(misfit for misfit in found if misfit is not None)
        waits = tuple(w for w in (name.wait, base.wait) if w is not None)
        arm_id = None
        if not misfits and name.wait is None:
            arm_id = (
                build_id(node.kind, base.id, name.text)
                if base.id is not None
                else recorded_id(node.resource, node.kind, name.text, self._subscription_of(node.resource))
            )
        return Identity(
            node.resource, node.kind, arm_id, name.text, base.owner, () if arm_id is not None else waits, misfits
        )

    def _base(self, node: Node) -> Base:
        root = base_of_root(node.kind, self._subscription_of(node.resource))
        if root is not None:
            return root
        if node.owner.arm_id:
            return base_by_id(node.kind, node.owner.arm_id, self._subscription_of(node.resource))
        if node.owner.object is None:
            return Base()
        owner = self.nodes.get(node.owner.object)
        return base_by_owner(node.owner.object, owner.identity if owner is not None else None)
