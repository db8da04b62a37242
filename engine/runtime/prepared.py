"""What a pass works out of its objects before it looks at Azure.

The next pass takes it over if no object changed; not where names come from config maps, which may have changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from engine.desired.index import Index
from engine.desired.inputs import WantedInputs
from engine.model.ids import ArmId
from engine.model.state import CustomResource, DesiredState, ReadTarget
from engine.runtime.prints import Identity, print_of_object
from engine.runtime.scaling import find_scalers
from engine.runtime.selection import Selection

Around = tuple[frozenset[str], str]
"""Ids of children that other objects own, and the object that sets the capacity."""


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
        needs: Secrets, config maps and roles that the objects take values from.
        selection: What was selected of them.
        wanted: What is to be read, by id; several objects may stand for one resource if all but one leave it alone.
        homeless: Selected objects whose id is not known.
    """

    index: Index
    needs: WantedInputs
    selection: Selection
    wanted: Mapping[ArmId, Sequence[Wanted]]
    homeless: Sequence[CustomResource]

    @classmethod
    def nothing(cls, subscription: str) -> Prepared:
        """Return what is known before any object is."""
        return cls.of(Index.build((), subscription=subscription), WantedInputs(), Selection())

    @classmethod
    def of(
        cls,
        index: Index,
        needs: WantedInputs,
        selection: Selection,
        before: Prepared | None = None,
    ) -> Prepared:
        """Work out what is to be read of Azure; objects that are as they were ``before`` are not printed again."""
        wanted: dict[ArmId, tuple[Wanted, ...]] = {}
        homeless: list[CustomResource] = []
        known = before.by_identity if before is not None else {}
        for resource in index.resources if selection.only is None else index.pick(selection.only):
            target = index.target_of(resource)
            if not selection.covers(resource, target.id if target is not None else None):
                continue
            if target is None:
                homeless.append(resource)
                continue
            identity = resource.key.identity
            one = known.get(identity)
            if one is None or one.resource is not resource or one.target != target:
                one = Wanted(resource, identity, print_of_object(resource), target)
            wanted[target.id] = (*wanted.get(target.id, ()), one)
        return cls(index, needs, selection, wanted, homeless)

    def is_of(self, index: Index, selection: Selection) -> bool:
        """Whether this is what follows from an index: that is the same one while its objects are the very same."""
        return index is self.index and selection == self.selection

    @cached_property
    def targets(self) -> tuple[ReadTarget, ...]:
        """Return what is to be read, each id once."""
        return tuple(same[0].target for same in self.wanted.values())

    @cached_property
    def by_identity(self) -> Mapping[Identity, Wanted]:
        """Return what is to be read, by object."""
        return {one.identity: one for same in self.wanted.values() for one in same}

    @cached_property
    def scalers(self) -> Mapping[str, str]:
        """Return the setting that scales a resource, by the resource's id in lower case."""
        return find_scalers(self.index)

    def around(self, resource: ArmId) -> Around:
        """Return what other objects own and set of a resource."""
        return self.index.children_of(resource), self.scalers.get(resource.key, "")

    def with_scaler(self, state: DesiredState) -> DesiredState:
        """Return the state with the setting that scales its resource, where one does."""
        scaler = self.scalers.get(state.id.key) if state.id is not None else None
        return replace(state, scaled_by=scaler) if scaler else state
