"""What a pass works out of its objects before it looks at Azure.

The next pass takes it over if no object changed; not where names come from config maps, which may have changed.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.desired.index import Index
from engine.desired.inputs import WantedInputs
from engine.model.ids import ArmId
from engine.model.state import CustomResource, DesiredState, ReadTarget
from engine.runtime.memory import Around, Identity, print_of_object
from engine.runtime.scaling import find_scalers
from engine.runtime.selection import Selection


@dataclass(slots=True)
class Wanted:
    """One selected object whose actual state is to be read."""

    resource: CustomResource
    identity: Identity
    asked: bytes
    target: ReadTarget


@dataclass(frozen=True)
class Prepared:
    """Objects with their ids.

    Attributes:
        resources: What the source gave.
        needs: Secrets, config maps and roles that the objects take values from.
        wanted: What is to be read, by id; several objects may stand for one resource if all but one leave it alone.
        homeless: Selected objects whose id is not known.
    """

    resources: Sequence[CustomResource]
    index: Index
    needs: WantedInputs
    wanted: Mapping[ArmId, Sequence[Wanted]]
    homeless: Sequence[CustomResource]

    @classmethod
    def nothing(cls, subscription: str) -> Prepared:
        """Return what is known before any object is."""
        return cls.of((), Index.build((), subscription=subscription), WantedInputs(), Selection())

    @classmethod
    def of(
        cls, resources: Sequence[CustomResource], index: Index, needs: WantedInputs, selection: Selection
    ) -> Prepared:
        """Work out what is to be read of Azure."""
        wanted: dict[ArmId, tuple[Wanted, ...]] = {}
        homeless: list[CustomResource] = []
        only = selection.only
        for resource in index.resources:
            if only is not None and resource.key.identity not in only:
                continue
            target = index.target_of(resource)
            if not selection.covers(resource, target.id if target is not None else None):
                continue
            if target is None:
                homeless.append(resource)
                continue
            one = Wanted(resource, resource.key.identity, print_of_object(resource), target)
            wanted[target.id] = (*wanted.get(target.id, ()), one)
        return cls(resources, index, needs, wanted, homeless)

    def is_of(self, resources: Sequence[CustomResource]) -> bool:
        """Whether these are the very same objects; sources that build objects anew every time never give them."""
        return len(resources) == len(self.resources) and all(map(operator.is_, resources, self.resources))

    @cached_property
    def targets(self) -> tuple[ReadTarget, ...]:
        """Return what is to be read, each id once."""
        return tuple(same[0].target for same in self.wanted.values())

    @cached_property
    def children(self) -> Mapping[str, frozenset[str]]:
        """Return the ids of objects by the id of the object they lie in, both in lower case."""
        keys = self.index.id_keys
        owners = frozenset(keys)
        children: dict[str, set[str]] = {}
        for key in keys:
            owner = key.rsplit("/", 2)[0]
            if owner in owners:
                children.setdefault(owner, set()).add(key)
        return {owner: frozenset(held) for owner, held in children.items()}

    @cached_property
    def scalers(self) -> Mapping[str, str]:
        """Return the setting that scales a resource, by the resource's id in lower case."""
        return find_scalers(self.index)

    def around(self, resource: ArmId) -> Around:
        """Return what other objects own and set of a resource."""
        return self.children.get(resource.key, frozenset()), self.scalers.get(resource.key, "")

    def with_scaler(self, state: DesiredState) -> DesiredState:
        """Return the state with the setting that scales its resource, where one does."""
        scaler = self.scalers.get(state.id.key) if state.id is not None else None
        return replace(state, scaled_by=scaler) if scaler else state
