"""Groups of Microsoft Graph, through the real client, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, ThrottledError, UnavailableError
from engine.model.document import Secret
from engine.model.group import FoundGroup, GraphAccess, Membership, WantedGroup
from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from providers.graph.groups import GraphError, Groups, error_from_answer

pytestmark = pytest.mark.loopback

T = TypeVar("T")


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphAccess]:
    """Return the way into a directory."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("azure"), plain_http=True)
    with emulator_thread(options, SystemClock()) as connection:
        yield GraphAccess(endpoint=connection.arm, token=Secret("any-token"))


def using(ask: Callable[[Groups], Awaitable[T]]) -> T:
    async def run() -> T:
        groups = Groups()
        try:
            return await ask(groups)
        finally:
            await groups.close()

    return asyncio.run(run())


def wanted(name: str, **members: Any) -> WantedGroup:
    return WantedGroup(unique_name=f"trueup-{name}", display_name=f"The {name}'s & #1", mail_nickname=name, **members)


def test_a_group_lives(access: GraphAccess) -> None:
    """A group is created, found by id, by our name and by its display name, changed, and deleted, twice."""

    async def walk(groups: Groups) -> tuple[Any, ...]:
        made = await groups.create(access, wanted("life", description="first", membership=Membership.ASSIGNED_M365))
        named = await groups.find_named(access, "The life's & #1")
        unique = await groups.find_unique(access, "trueup-life")
        await groups.update(access, made.id, {"description": "second"})
        changed = await groups.find(access, made.id)
        await groups.delete(access, made.id)
        await groups.delete(access, made.id)
        return made, named, unique, changed, await groups.find(access, made.id)

    made, named, unique, changed, gone = using(walk)

    assert made.membership is Membership.ASSIGNED_M365
    assert made.mail == "life@emulator.invalid"
    assert list(named) == [made]
    assert unique == made
    assert isinstance(changed, FoundGroup)
    assert changed.description == "second"
    assert gone is None


def test_a_create_that_is_sent_twice_is_one_group(access: GraphAccess) -> None:
    """The answer to the first one may get lost: the second one finds what the first one made."""

    async def twice(groups: Groups) -> tuple[FoundGroup, FoundGroup]:
        return await groups.create(access, wanted("twice")), await groups.create(access, wanted("twice"))

    first, second = using(twice)

    assert first.id == second.id


def test_a_dynamic_group_is_not_created(access: GraphAccess) -> None:
    """Its rule has no place in the object; nothing is sent."""
    with pytest.raises(InvalidSpecError, match="membership rule"):
        using(lambda groups: groups.create(access, wanted("rule", membership=Membership.DYNAMIC)))


def test_a_refusal_keeps_graphs_words(access: GraphAccess) -> None:
    """What Graph says is passed on; the token is not."""
    bad = WantedGroup(unique_name="trueup-bad", display_name="Bad", mail_nickname="not a nickname")

    with pytest.raises(GraphError, match="mailNickname") as caught:
        using(lambda groups: groups.create(access, bad))

    assert "any-token" not in str(caught.value)


def test_nobody_there_is_transient() -> None:
    """A directory that does not answer may do so later."""
    nowhere = GraphAccess(endpoint="http://127.0.0.1:1", token=Secret("any-token"))

    with pytest.raises(UnavailableError, match="does not answer"):
        using(lambda groups: groups.find(nowhere, "x"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, ThrottledError), (503, UnavailableError), (401, PolicyDeniedError), (403, PolicyDeniedError)],
)
def test_answers_are_told_apart(status: int, kind: type[EngineError]) -> None:
    """Throttled, away, or not allowed: each is an error of its own."""
    found = error_from_answer(
        GraphAccess(endpoint="https://graph", token=Secret("t")), status, {"Retry-After": "7"}, {}
    )

    assert type(found) is kind
