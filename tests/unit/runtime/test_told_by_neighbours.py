"""Way is given to an ASO that is known by what it writes alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from engine.cluster.detect import Lease
from engine.cluster.names import OPERATOR_NAMESPACE
from engine.cluster.objects import ClusterObject
from engine.model.document import Document
from engine.model.state import CustomResource
from engine.runtime.controller.neighbour import QUIET, Beside
from engine.runtime.controller.tenure import Everything
from tests.builders import build_key
from tests.fakes import FakeClock

OPERATOR = "operators"


class World:
    """A pod beside others."""

    def __init__(self) -> None:
        self.clock, self.said, self.leases = FakeClock(), list[str](), dict[str, Lease]()
        self.returns = 0
        self.tenure = Beside(
            Everything(),
            self.clock,
            namespaces=[OPERATOR],
            read=self.read,
            member_prefix="member-",
            gone=self.gone,
            tell=self.said.append,
        )
        asyncio.run(self.tenure.look())

    async def read(self, _namespace: str, name: str) -> Lease | None:
        return self.leases.get(name)

    def gone(self) -> None:
        self.returns += 1

    def lead(self, holder: str) -> None:
        renewed = self.clock.now()
        self.leases["controllers-leader-election-azinfra-generated"] = Lease(
            holder=holder, renewed=renewed, lasts=timedelta(seconds=15)
        )
        asyncio.run(self.tenure.look())

    def write(self, operator: str | None) -> None:
        marks = {} if operator is None else {OPERATOR_NAMESPACE: operator}
        resource = CustomResource(key=build_key(), spec=Document(value={}), annotations=marks)
        self.tenure.wrote(ClusterObject(resource=resource))

    def later(self, after: timedelta) -> None:
        self.clock.advance(after.total_seconds())
        asyncio.run(self.tenure.look())

    @property
    def may_write(self) -> bool:
        return self.tenure.left("default") > timedelta(0)


def test_a_write_holds_until_nothing_followed_for_long() -> None:
    """Each write counts for as long as ASO may take until the next; then everything is looked at again."""
    world = World()

    world.write(OPERATOR)
    first = world.may_write
    world.later(QUIET / 2)
    world.write(None)
    world.later(QUIET / 2)
    between = world.may_write
    world.later(QUIET / 2)

    assert (first, between, world.may_write) == (False, False, True)
    assert world.returns == 1
    assert len(world.said) == 2


def test_what_another_operator_owns_is_no_sign() -> None:
    """An ASO that writes to objects of its own is no neighbour of ours."""
    world = World()

    world.write("elsewhere")

    assert world.may_write


def test_a_lease_says_more_than_writes() -> None:
    """Of an ASO with a Lease what it wrote says nothing: it has gone when the Lease is given up."""
    world = World()

    world.write(OPERATOR)
    world.lead("aso-1")
    world.write(OPERATOR)
    beside = world.may_write
    world.lead("")

    assert not beside
    assert world.may_write
