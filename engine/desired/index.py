"""All objects of an input by who they are, with their ids and what is wrong between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Final, Self

from engine.desired.exporters import Destination, find_exporters
from engine.desired.identity import (
    NO_SUBSCRIPTION,
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
)
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.desired.policy import BASELINE, parse_policy
from engine.errors import InvalidSpecError
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource, ReadTarget, Wait
from schemas.kind_types import Kind
from schemas.kinds import lookup_kind

_NAMED: Final = 10
"""Objects that one message names; with more, messages about many objects would grow with their square."""


SubscriptionOf = Callable[[CustomResource], str]
"""Returns the subscription an object lies in; empty when not known."""


class _Node:
    """One object while its identity is worked out."""

    __slots__ = ("identity", "kind", "owner", "resource", "visiting")

    def __init__(self, resource: CustomResource, kind: Kind) -> None:
        self.resource = resource
        self.kind = kind
        self.owner = read_owner(resource, kind)
        self.identity: Identity | None = None
        self.visiting = False


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
    ) -> None:
        """Take objects in, duplicates included."""
        self._subscription = subscription
        self._subscription_of = subscription_of or (lambda _: subscription)
        self._inputs = inputs
        unreadable = [problem for resource in resources if (problem := _check_readable(resource)) is not None]
        broken = {problem.key.identity for problem in unreadable if problem.key is not None}
        readable = [r for r in resources if r.key.identity not in broken] if broken else resources
        self._unique, doubles, self._notices = _unique(readable)
        self._double = [*unreadable, *doubles]
        self._nodes: dict[ObjectIdentity, _Node] = {}
        self._cycles: list[Sequence[CustomResource]] = []
        for resource in self._unique:
            key = resource.key
            kind = lookup_kind(key.group, key.version, key.kind)
            if kind is not None and kind.is_arm:
                self._nodes[key.identity] = _Node(resource, kind)

    @classmethod
    def build(
        cls,
        resources: Iterable[CustomResource],
        *,
        subscription: str = "",
        subscription_of: SubscriptionOf | None = None,
        inputs: Inputs = NO_INPUTS,
    ) -> Self:
        """Return an index of these objects.

        Args:
            resources: All objects: those that others refer to have to be among them.
            subscription: Where resource groups lie; empty when every id must come from an armId.
            subscription_of: Where each object lies, if that is not the same for all of them.
            inputs: Config maps that names come from.
        """
        return cls(tuple(resources), subscription=subscription, subscription_of=subscription_of, inputs=inputs)

    def learn(self, inputs: Inputs) -> None:
        """Take in what was fetched since; ids that come from a config map are worked out again."""
        self._inputs = inputs
        if any("azureNameFromConfig" in node.kind.spec.members for node in self._nodes.values()):
            for node in self._nodes.values():
                node.identity, node.visiting = None, False
            self._cycles.clear()
            for name in ("_clashes", "_ids"):
                self.__dict__.pop(name, None)

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
        identities = self._ids  # works out the cycles, too
        clashes = [_clash(identities[identity], same) for identity, same in self._clashes.items()]
        cycles = [_cycle(members) for members in self._cycles]
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
        return [identity.id.key for identity in self._ids.values() if identity.id is not None]

    def find(self, namespace: str, group: str, kind: str, name: str) -> Identity | None:
        """Return the identity of an object; None when the input has none of that name."""
        node = self._nodes.get((namespace, group, kind, name))
        return self._resolve(node) if node is not None else None

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
    def _ids(self) -> dict[ObjectIdentity, Identity]:
        return {identity: self._resolve(node) for identity, node in self._nodes.items()}

    @cached_property
    def _exporters(self) -> dict[Destination, ResourceKey]:
        return find_exporters(node.resource for node in self._nodes.values())

    @cached_property
    def _clashes(self) -> dict[ObjectIdentity, list[Identity]]:
        """Return objects that share an id with another one, unless all but one leave Azure alone."""
        by_id: dict[str, list[Identity]] = {}
        for identity in self._ids.values():
            if identity.id is not None:
                by_id.setdefault(identity.id.key, []).append(identity)
        if len(by_id) == len(self._ids):
            return {}
        writers = ([i for i in same if _writes(i.resource)] for same in by_id.values() if len(same) > 1)
        return {i.resource.key.identity: same for same in writers if len(same) > 1 for i in same}

    def _lacks_subscription(self) -> bool:
        return not self._subscription and any(
            wait.text == NO_SUBSCRIPTION for identity in self._ids.values() for wait in identity.waits
        )

    def _resolve(self, node: _Node) -> Identity:
        if node.identity is not None:
            return node.identity
        chain: list[_Node] = []
        at: _Node | None = node
        while at is not None and at.identity is None and not at.visiting:
            at.visiting = True
            chain.append(at)
            at = self._nodes.get(at.owner.object) if at.owner.object is not None else None
        if at is not None and at.identity is None:
            self._close_cycle(chain[chain.index(at) :])
        for member in reversed(chain):
            if member.identity is None:
                member.identity = self._identify(member)
        resolved = chain[0].identity
        assert resolved is not None
        return resolved

    def _close_cycle(self, members: Sequence[_Node]) -> None:
        keys = tuple(member.resource.key for member in members)
        self._cycles.append([member.resource for member in members])
        wait = Wait(text=f"owner cycle: {_circle(keys)}")
        for position, member in enumerate(members):
            owner = keys[(position + 1) % len(keys)]
            name = resolve_name(member.resource, member.kind, member.owner, self._inputs)
            member.identity = Identity(member.resource, member.kind, None, name.text, owner, (wait,))

    def _identify(self, node: _Node) -> Identity:
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

    def _base(self, node: _Node) -> Base:
        root = base_of_root(node.kind, self._subscription_of(node.resource))
        if root is not None:
            return root
        if node.owner.arm_id:
            return base_by_id(node.kind, node.owner.arm_id, self._subscription_of(node.resource))
        if node.owner.object is None:
            return Base()
        owner = self._nodes.get(node.owner.object)
        return base_by_owner(node.owner.object, owner.identity if owner is not None else None)


def _check_readable(resource: CustomResource) -> Problem | None:
    """Return what keeps a spec from being read: a cluster hands over bytes, and they may be nested too deeply."""
    try:
        _ = resource.spec.value
    except ValueError as exc:
        error = InvalidSpecError(f"{resource.key} cannot be read", detail=f"its spec is {exc}")
        return Problem(error=error, origin=resource.origin, key=resource.key)
    return None


def _unique(resources: Sequence[CustomResource]) -> tuple[Sequence[CustomResource], list[Problem], list[Notice]]:
    """Return objects without doubles. Two that differ are both left out: nobody can say which one is meant."""
    by_identity: dict[ObjectIdentity, list[CustomResource]] = {}
    for resource in resources:
        by_identity.setdefault(resource.key.identity, []).append(resource)
    if len(by_identity) == len(resources):
        return resources, [], []
    unique = [same[0] for same in by_identity.values() if _are_equal(same)]
    doubles = [same for same in by_identity.values() if len(same) > 1]
    notices = [_same(same) for same in doubles if _are_equal(same)]
    return unique, [_different(same) for same in doubles if not _are_equal(same)], notices


def _are_equal(same: Sequence[CustomResource]) -> bool:
    first = same[0]
    return all(
        other.key.version == first.key.version
        and _asking(other.annotations) == _asking(first.annotations)
        and other.spec == first.spec
        for other in same[1:]
    )


def _asking(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return the annotations that somebody wrote: what we remember asks for nothing."""
    return {name: text for name, text in annotations.items() if name != BASELINE}


def _same(same: Sequence[CustomResource]) -> Notice:
    first = same[0]
    text = f"{first.key} is there {len(same)} times, with the same content: {_places(same)}"
    return Notice(text=text, origin=first.origin, key=first.key)


def _different(same: Sequence[CustomResource]) -> Problem:
    first = same[0]
    summary = f"{first.key} is there {len(same)} times, with different content"
    error = InvalidSpecError(summary, detail=_places(same), hint="keep one")
    return Problem(error=error, origin=first.origin, key=first.key)


def _places(same: Sequence[CustomResource]) -> str:
    named = ", ".join(resource.origin or "unknown place" for resource in same[:_NAMED])
    return named + _rest(len(same) - _NAMED)


def _writes(resource: CustomResource) -> bool:
    policy = parse_policy(resource.annotations, resource.namespace_annotations)
    return policy.reconcile is not ReconcilePolicy.SKIP


def _clash(identity: Identity, same: Sequence[Identity]) -> Problem:
    resource = identity.resource
    others = [other.resource for other in islice(same, _NAMED + 1) if other is not identity][:_NAMED]
    named = ", ".join(f"{other.key} ({other.origin})" if other.origin else str(other.key) for other in others)
    named += _rest(len(same) - 1 - len(others))
    error = InvalidSpecError(
        f"{resource.key} stands for the same Azure resource as another object",
        detail=f"{identity.id}, also {named}",
        hint="remove one, or annotate all but one with serviceoperator.azure.com/reconcile-policy: skip",
    )
    return Problem(error=error, origin=resource.origin, key=resource.key)


def _cycle(members: Sequence[CustomResource]) -> Problem:
    first = min(members, key=lambda member: member.key)
    at = members.index(first)
    keys = [member.key for member in (*members[at:], *members[:at])]
    error = InvalidSpecError("owners form a cycle", detail=_circle(keys), hint="give one of them another owner")
    return Problem(error=error, origin=first.origin, key=first.key)


def _circle(keys: Sequence[ResourceKey]) -> str:
    shown = " -> ".join(str(key) for key in keys[:_NAMED])
    return f"{shown}{_rest(len(keys) - _NAMED)} -> {keys[0]}"


def _rest(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
