"""Azure's state of many resources by the cheapest reads, as a stream of batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.errors import EngineError, TransientError
from engine.model.document import ABSENT, Document
from engine.model.ids import ApiVersion, ArmId
from engine.model.state import ActualState, Presence
from engine.ports import Clock, ReadTarget
from providers.arm.answer import Answer
from providers.arm.choose import ListRead, Lookup, Read, SingleRead, choose_reads, group_targets
from providers.arm.errors import (
    Fault,
    UnreachableError,
    decode_fault,
    error_from_fault,
    error_if_foreign,
    is_gone,
    missing_scope,
)
from providers.arm.origin import Origin
from providers.arm.pages import Item, TooDeepError, read_item, split_page

Batch = tuple[ActualState, ...]
FetchAnswer = Callable[[str, str], Awaitable[Answer]]
Choice = tuple[str, list[Read]]
"""Subscription and how to read what is wanted of it."""

_BATCHES_AHEAD: Final = 4
_FAILURES_IN_A_ROW: Final = 8


@dataclass(slots=True)
class GoneScopes:
    """Resources and groups that ARM says are not there: nothing below them needs to be asked for."""

    keys: set[str] = field(default_factory=set)

    def add(self, resource: ArmId) -> None:
        """Remember one that is absent."""
        self.keys.add(resource.key)

    def covers(self, resource: ArmId) -> bool:
        """Whether something above the resource is absent."""
        above = resource.parent if self.keys else None
        while above is not None:
            if above.key in self.keys:
                return True
            above = above.parent
        return False


class Observer:
    """Reads through ``fetch_answer``, which retries and never raises for a code."""

    def __init__(
        self, fetch_answer: FetchAnswer, *, origin: Origin, lookup: Lookup, clock: Clock, in_flight: int
    ) -> None:
        """Hold the way out and the facts.

        Args:
            fetch_answer: (method, URL) -> answer; raises engine errors when there is none.
            origin: Where URLs lead.
            lookup: ARM type -> what reads it has.
            clock: For Retry-After dates in error answers.
            in_flight: Requests at once per subscription.
        """
        self._fetch_answer = fetch_answer
        self._origin = origin
        self._lookup = lookup
        self._clock = clock
        self._in_flight = in_flight
        self._chosen: tuple[Iterable[ReadTarget], list[Choice]] = ((), [])

    async def observe(self, targets: Iterable[ReadTarget]) -> AsyncGenerator[Batch, None]:
        """Yield one state per distinct target, in batches as answers come; never raises for one resource."""
        output: asyncio.Queue[Batch | Exception | None] = asyncio.Queue(_BATCHES_AHEAD)
        lanes = self._lanes(targets, output)
        item: Batch | Exception | None = None
        async with asyncio.TaskGroup() as group:
            producer = group.create_task(_produce(lanes, output))
            try:
                while isinstance(item := await output.get(), tuple):
                    yield item
            except GeneratorExit:
                # The reader left. The group would wrap this exception, and a generator must not raise another.
                producer.cancel()
        if isinstance(item, Exception):
            raise item

    async def fetch(self, target: ReadTarget) -> ActualState:
        """Read one resource by itself."""
        (read,) = choose_reads([target], self._lookup(target.arm_type))
        assert isinstance(read, SingleRead)  # one target never makes a list
        try:
            return await self.read_single(read, GoneScopes())
        except EngineError as exc:
            return unreadable(target, str(exc))

    def _lanes(self, targets: Iterable[ReadTarget], output: asyncio.Queue[Batch | Exception | None]) -> list[_Lane]:
        gone = GoneScopes()
        lanes: dict[str, _Lane] = {}
        for subscription, reads in self._choose(targets):
            lane = lanes.get(subscription)
            if lane is None:
                lane = lanes[subscription] = _Lane(self, gone, output)
            lane.add(reads)
        return list(lanes.values())

    def _choose(self, targets: Iterable[ReadTarget]) -> list[Choice]:
        """Choose reads; for the very tuple of the last call they are the same ones."""
        if targets is self._chosen[0]:
            return self._chosen[1]
        chosen = [
            (group[0].id.subscription.lower(), choose_reads(group, self._lookup(group[0].arm_type)))
            for group in group_targets(targets)
        ]
        if isinstance(targets, tuple):
            self._chosen = (targets, chosen)
        return chosen

    @property
    def in_flight(self) -> int:
        """Return how many requests one subscription may have at once."""
        return self._in_flight

    async def read_single(self, read: SingleRead, gone: GoneScopes) -> ActualState:
        """Return what GET or HEAD says of one resource; remember what is gone.

        Raises:
            TransientError: It was not answered, or the answer says nothing (408, 429, 5xx).
            PolicyDeniedError: No token can be had.
        """
        target = read.target
        if gone.covers(target.id):
            return _absent(target)
        url = self._origin.resource_url(target.id, target.api_version)
        answer = await self._fetch_answer(read.method, url)
        what = f"{read.method} {target.id.text}"
        if answer.is_success:
            return _present(target, answer, read.method, what=what)
        fault = decode_fault(answer, self._clock.now())
        if (foreign := error_if_foreign(answer, what)) is not None:
            raise foreign
        if answer.is_silent:
            raise error_from_fault(fault, what=what)
        if not is_gone(answer, fault):
            return unreadable(target, fault.text if fault.code else f"HTTP {answer.status}: {fault.text}")
        _remember(gone, target.id, fault)
        return _absent(target)

    async def read_page(self, url: str) -> tuple[list[Item], str] | Fault:
        """Return a page's items and its link to the next; the fault where the list was refused or is none.

        Raises:
            TransientError: It was not answered, or the answer says nothing of the list.
            PolicyDeniedError: No token can be had.
        """
        answer = await self._fetch_answer("GET", url)
        if answer.is_success:
            try:
                return split_page(answer.body)
            except TooDeepError as exc:
                return Fault(status=answer.status, message=str(exc))
            except ValueError:
                pass  # what it is instead is told below
        what = f"GET {url.partition('?')[0]}"
        if (foreign := error_if_foreign(answer, what)) is not None:
            raise foreign
        fault = decode_fault(answer, self._clock.now())
        if answer.status in (401, 408, 429) or answer.decode() is ABSENT:
            raise error_from_fault(fault, what=what)
        return fault

    def choose_again(self, read: ListRead, left: Sequence[ReadTarget]) -> list[Read]:
        """Return other reads for what a list did not give."""
        return choose_reads(left, self._lookup(read.arm_type), excluded=read.excluded)

    def list_url(self, path: str, api_version: ApiVersion) -> str:
        """Return the URL of a list's first page."""
        return f"{self._origin.text}{path}?api-version={api_version}"

    def next_url(self, link: str) -> str | None:
        """Return the URL of a next page; None when it leads to another host."""
        return self._origin.localize(link)


class _Lane:
    """The reads of one subscription: a queue that its workers empty, and that reads may lengthen."""

    def __init__(self, observer: Observer, gone: GoneScopes, output: asyncio.Queue[Batch | Exception | None]) -> None:
        self._observer = observer
        self._gone = gone
        self._output = output
        self._reads: asyncio.Queue[Read | None] = asyncio.Queue()
        self._open = 0
        self._failures = 0
        self._down = ""

    def add(self, reads: Iterable[Read]) -> None:
        """Queue reads."""
        for read in reads:
            self._open += 1
            self._reads.put_nowait(read)

    async def run(self) -> None:
        """Carry out everything."""
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._observer.in_flight, max(self._open, 1))):
                group.create_task(self._work())

    async def _work(self) -> None:
        while self._open and (read := await self._reads.get()) is not None:
            await self._carry_out(read)
            self._open -= 1
            if not self._open:
                for _ in range(self._observer.in_flight):
                    self._reads.put_nowait(None)

    async def _carry_out(self, read: Read) -> None:
        left = {read.target.id.key: read.target} if isinstance(read, SingleRead) else dict(read.wanted)
        try:
            if self._down:
                await self._give(*(unreadable(t, self._down) for t in left.values()))
            elif isinstance(read, SingleRead):
                await self._give(await self._observer.read_single(read, self._gone))
            else:
                await self._read_list(read, left)
        except EngineError as exc:
            self._note(exc)
            await self._give(*(unreadable(t, str(exc)) for t in left.values()))
        else:
            self._failures = 0

    def _note(self, error: EngineError) -> None:
        """Stop asking an endpoint that cannot be reached, or that failed so often in a row that it is down."""
        self._failures += isinstance(error, TransientError)
        if isinstance(error, UnreachableError) or self._failures >= _FAILURES_IN_A_ROW:
            self._down = str(error)

    async def _read_list(self, read: ListRead, left: dict[str, ReadTarget]) -> None:
        """Take from the pages what is wanted; other reads decide about the rest: a list proves no absence."""
        url: str | None = self._observer.list_url(read.path, read.api_version)
        for _ in range(len(read.wanted)):
            if url is None or not left:
                break
            page = await self._observer.read_page(url)
            if isinstance(page, Fault):
                self._refused(read, page)
                break
            items, link = page
            await self._give(*_take(items, left, read.method))
            url = self._observer.next_url(link) if link else None
        await self._give(*_take_gone(left, self._gone))
        if left:
            self.add(self._observer.choose_again(read, list(left.values())) if url else _singles(left, read.method))
            left.clear()

    def _refused(self, read: ListRead, fault: Fault) -> None:
        """Learn from a refused list that the group or the parent it lists below is gone."""
        if fault.status == 404 and missing_scope(fault):
            for target in read.wanted.values():
                _remember(self._gone, target.id, fault)

    async def _give(self, *states: ActualState) -> None:
        if states:
            await self._output.put(states)


async def _produce(lanes: Sequence[_Lane], output: asyncio.Queue[Batch | Exception | None]) -> None:
    """Run all lanes and end the stream; a defect travels through the queue, where the reader can meet it."""
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane.run())
    except Exception as exc:
        await output.put(exc)
    else:
        await output.put(None)


def unreadable(target: ReadTarget, cause: str) -> ActualState:
    """Return the state of a resource that could not be read: nothing may be planned from it."""
    return ActualState(id=target.id, presence=Presence.UNREADABLE, cause=cause)


def _absent(target: ReadTarget) -> ActualState:
    return ActualState(id=target.id, presence=Presence.ABSENT)


def _present(target: ReadTarget, answer: Answer, method: str, *, what: str) -> ActualState:
    if method == "HEAD":
        return ActualState(id=target.id, presence=Presence.PRESENT, document=Document(raw=b"{}"))
    try:
        item = read_item(answer.body)
    except ValueError as exc:
        if (foreign := error_if_foreign(answer, what)) is not None:
            raise foreign from exc
        return unreadable(target, f"HTTP {answer.status} with a body that cannot be used: {exc}")
    etag = item.etag or answer.header("etag")
    return ActualState(id=target.id, presence=Presence.PRESENT, document=item.document, etag=etag)


def _take(items: Iterable[Item], left: dict[str, ReadTarget], method: str) -> list[ActualState]:
    """Return the states of wanted items and remove them from what is left."""
    found: list[ActualState] = []
    for item in items:
        target = left.pop(item.id.lower(), None)
        if target is not None:
            document = item.document if method == "GET" else Document(raw=b"{}")
            found.append(ActualState(id=target.id, presence=Presence.PRESENT, document=document, etag=item.etag))
    return found


def _take_gone(left: dict[str, ReadTarget], gone: GoneScopes) -> list[ActualState]:
    """Return the states of what lies below something gone and remove it from what is left."""
    covered = [target for target in left.values() if gone.covers(target.id)]
    return [_absent(left.pop(target.id.key)) for target in covered]


def _singles(left: dict[str, ReadTarget], method: str) -> list[Read]:
    return [SingleRead(target=t, method=method) for t in left.values()]


def _remember(gone: GoneScopes, resource: ArmId, fault: Fault) -> None:
    gone.add(resource)
    match missing_scope(fault):
        case "group" if resource.resource_group:
            gone.add(ArmId("/" + "/".join(resource.segments[:4])))
        case "parent" if resource.parent is not None:
            gone.add(resource.parent)
