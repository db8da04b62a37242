"""All objects of an input by who they are, with their ids and what is wrong between them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from copy import copy
from functools import cached_property
from typing import Self

from engine.desired.between import (
    check_readable,
    find_moved,
    find_unique,
    is_writing,
    tell_clash,
    tell_cycle,
)
from engine.desired.exporters import Destination, find_exporters
from engine.desired.identity import NO_SUBSCRIPTION, Identity, ObjectIdentity
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.desired.owner_graph import OwnerGraph, SubscriptionOf
from engine.errors import InvalidSpecError
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource, ReadTarget


class Index:
    """Identities of all objects; ids are worked out when first asked for.

    Only names, owners and annotations are read. Linear in the number of objects, whatever the depth of the chains.
    """

    def __init__(
        self,
        resources: Sequence[CustomResource],
        *,
        subscription: str = "",
        subscription_of: SubscriptionOf | None = None,
        inputs: Inputs = NO_INPUTS,
        edition: int = 0,
    ) -> None:
        """Take objects in, duplicates included."""
        self._subscription = subscription
        self.asked_with = (subscription, subscription_of, inputs, edition)
        self._given = tuple(resources)
        unreadable = [problem for resource in resources if (problem := check_readable(resource)) is not None]
        broken = {problem.key.identity for problem in unreadable if problem.key is not None}
        readable = [r for r in resources if r.key.identity not in broken] if broken else resources
        self._unique, doubles, self._notices = find_unique(readable)
        self._double = [*unreadable, *doubles]
        self._by_identity = {r.key.identity: r for r in self._unique}
        self._of_kind: dict[tuple[str, str], tuple[CustomResource, ...]] = {}
        self._graph = OwnerGraph(self._unique, subscription_of or (lambda _: subscription), inputs)

    @classmethod
    def build(
        cls,
        resources: Iterable[CustomResource],
        *,
        subscription: str = "",
        subscription_of: SubscriptionOf | None = None,
        inputs: Inputs = NO_INPUTS,
        edition: int = 0,
        previous: Self | None = None,
    ) -> Self:
        """Return an index of these objects.

        Args:
            resources: All objects: those that others refer to have to be among them.
            subscription: Where resource groups lie; empty when every id must come from an armId.
            subscription_of: Where each object lies, if that is not the same for all of them.
            inputs: Config maps that names come from.
            edition: What changes when ``subscription_of`` answers otherwise.
            previous: An index of nearly the same objects: only what differs is worked out anew.
        """
        made = tuple(resources)
        if previous is not None and previous.asked_with == (subscription, subscription_of, inputs, edition):
            index = previous.after(made)
            if index is not None:
                return index
        return cls(made, subscription=subscription, subscription_of=subscription_of, inputs=inputs, edition=edition)

    def after(self, resources: tuple[CustomResource, ...]) -> Self | None:
        """Return the index of other objects, of which most are the same; None where all is to be worked out anew."""
        if self.named_by_config:
            return None
        if len(resources) == len(self._given) and all(map(operator.is_, resources, self._given)):
            return self
        if self._double or self._notices or not self._graph.is_plain:
            return None
        moved, gone = find_moved(self._unique, resources)
        by_identity = self._by_identity | moved
        for identity in gone:
            del by_identity[identity]
        if len(by_identity) != len(resources) or any(map(check_readable, moved.values())):
            return None
        index = copy(self)
        index.__dict__ |= {
            "_given": resources,
            "_unique": resources,
            "_by_identity": by_identity,
            "_of_kind": {},
            "_graph": self._graph.after(moved, gone),
        }
        for name in ("_exporters", "_clashes"):
            index.__dict__.pop(name, None)
        return index

    def learn(self, inputs: Inputs) -> None:
        """Take in what was fetched since; ids that come from a config map are worked out again."""
        if self._graph.learn(inputs):
            self.__dict__.pop("_clashes", None)

    @property
    def named_by_config(self) -> Sequence[CustomResource]:
        """Return the objects whose names come from config maps."""
        return self._graph.named_by_config

    @property
    def subscription(self) -> str:
        """Return where resource groups lie; empty when not known."""
        return self._subscription

    @property
    def resources(self) -> Sequence[CustomResource]:
        """Return every object that can be used: no doubles, and no two that write one Azure resource."""
        clashes = self._clashes
        return [r for r in self._unique if r.key.identity not in clashes] if clashes else self._unique

    @property
    def problems(self) -> Sequence[Problem]:
        """Return what is wrong between objects; what is wrong within one, ``build_desired`` says."""
        identities = self._graph.table.identities  # works out the cycles, too
        clashes = [tell_clash(identities[identity], same) for identity, same in self._clashes.items()]
        cycles = [tell_cycle(members) for members in self._graph.cycles]
        lacking = [Problem(error=InvalidSpecError(NO_SUBSCRIPTION))] if self._lacks_subscription() else []
        return (*self._double, *clashes, *cycles, *lacking)

    @property
    def notices(self) -> Sequence[Notice]:
        """Return what is odd between objects; an input without any is odd too."""
        if not self._unique and not self._double:
            return (*self._notices, Notice(text="the input holds no Azure Service Operator objects"))
        return self._notices

    @property
    def id_keys(self) -> Sequence[str]:
        """Return the ids of all objects, in the form equal ids share."""
        return self._graph.table.id_keys

    def children_of(self, resource: ArmId) -> frozenset[str]:
        """Return the ids of objects that lie right in a resource, in lower case."""
        return self._graph.table.below(resource)

    def holder_of(self, resource: ArmId) -> ResourceKey | None:
        """Return an object that stands for a resource; None when none does."""
        return next((i.resource.key for i in self._graph.table.holders(resource.key)), None)

    def pick(self, identities: Iterable[ObjectIdentity]) -> Sequence[CustomResource]:
        """Return those of these objects that can be used, in the order of their names."""
        clashes = self._clashes
        return [self._by_identity[i] for i in sorted(identities) if i in self._by_identity and i not in clashes]

    def of_kind(self, group: str, kind: str) -> Sequence[CustomResource]:
        """Return the objects of a kind that can be used."""
        if (group, kind) not in self._of_kind:
            found = tuple(r for r in self.resources if r.key.kind == kind and r.key.group == group)
            self._of_kind[group, kind] = found
        return self._of_kind[group, kind]

    def find(self, namespace: str, group: str, kind: str, name: str) -> Identity | None:
        """Return the identity of an object; None when the input has none of that name."""
        return self._graph.find((namespace, group, kind, name))

    def identify(self, resource: CustomResource) -> Identity | None:
        """Return the identity of one of the objects; None for what is no ARM resource."""
        return self.find(*resource.key.identity)

    def id_of(self, resource: CustomResource) -> ArmId | None:
        """Return an object's id; None when it is not known."""
        identity = self.identify(resource)
        return identity.id if identity is not None else None

    def target_of(self, resource: CustomResource) -> ReadTarget | None:
        """Return what has to be read to see an object's actual state; None when its id is not known."""
        identity = self.identify(resource)
        if identity is None or identity.id is None:
            return None
        kind = identity.kind
        return ReadTarget(id=identity.id, arm_type=kind.arm_type, api_version=ApiVersion(kind.api_version))

    def exporter_of(self, what: str, namespace: str, name: str) -> ResourceKey | None:
        """Return the object that fills a Secret or ConfigMap; None when no object of the input does."""
        return self._exporters.get((what, namespace, name))

    def links_of(self, key: ResourceKey, others: Iterable[ResourceKey]) -> tuple[ArmId | None, ...]:
        """Return the ids that an object's request is made from: its own, then those of the others in their order."""
        found = (self.find(*one.identity) for one in (key, *others))
        return tuple(identity.id if identity is not None else None for identity in found)

    @cached_property
    def _exporters(self) -> dict[Destination, ResourceKey]:
        return find_exporters(node.resource for node in self._graph.nodes.values())

    @cached_property
    def _clashes(self) -> dict[ObjectIdentity, list[Identity]]:
        """Return objects that share an id with another one, unless all but one leave Azure alone."""
        of_one_id = (self._graph.table.holders(key) for key in self._graph.table.shared)
        writers = ([i for i in same if is_writing(i.resource)] for same in of_one_id)
        return {i.resource.key.identity: same for same in writers if len(same) > 1 for i in same}

    def _lacks_subscription(self) -> bool:
        return not self._subscription and bool(self._graph.table.lost)
