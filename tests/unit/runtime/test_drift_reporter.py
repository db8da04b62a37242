"""What passes saw becomes reports: whose turn it was counts, and who listens waits for no cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from engine.cluster.objects import ClusterObject
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError, UnavailableError
from engine.model.document import Document
from engine.model.plan import Action, Step
from engine.model.problem import Problem
from engine.model.state import CustomResource
from engine.runtime.controller.drift import DriftBook
from engine.runtime.controller.drift_reporter import DriftReporter
from engine.runtime.controller.holdings import Holdings, Terms
from engine.runtime.controller.objects import Objects
from tests.builders import build_step
from tests.drift_cases import NOON, drifted
from tests.fakes import FakeClock


@dataclass
class Kept:
    """Implements ``DriftReports``, as the API server keeps them."""

    reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    refuses: EngineError | None = None
    reads_fail: EngineError | None = None
    writes: int = 0

    async def read(self, namespace: str) -> Mapping[str, Any] | None:
        if self.reads_fail is not None:
            raise self.reads_fail
        return self.reports.get(namespace)

    async def write(self, namespace: str, report: Mapping[str, Any]) -> str:
        self.writes += 1
        metadata = {**report["metadata"], "resourceVersion": str(self.writes)}
        self.reports[namespace] = {**report, "metadata": metadata}
        return str(self.writes)

    async def remove(self, namespace: str) -> None:
        self.reports.pop(namespace, None)

    async def versions(self) -> Mapping[str, str]:
        if self.refuses is not None:
            raise self.refuses
        return {n: str(r["metadata"]["resourceVersion"]) for n, r in self.reports.items()}


class NoInputs:
    """Stands for a cluster in which every kind can be listed."""

    def problems(self) -> tuple[Problem, ...]:
        return ()


@dataclass
class Process:
    """One process with its book; ``heard`` is what a listener was told, reports by namespace."""

    kept: Kept
    terms: dict[int, int] = field(default_factory=lambda: {0: 1})
    heard: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    writes_when_heard: list[int] = field(default_factory=list)
    swept: Terms = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    is_sure: bool = True
    asked: int = 0
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOON))

    def __post_init__(self) -> None:
        self.objects = Objects(NoInputs())  # type: ignore[arg-type]
        self.book = DriftBook(self.clock, Holdings(1, self.held))
        self.begun: Terms = {}
        self.reporter = DriftReporter(
            self.book,
            self.kept,
            lambda _: 0 in self.terms and self.is_sure,
            self.clock,
            teller=None,
            listener=self,
            complain=self.log.append,
        )

    def held(self) -> Terms:
        self.asked += 1
        return self.terms

    def reported(self, namespace: str, report: Mapping[str, Any], read: frozenset[ObjectIdentity]) -> None:
        self.heard[namespace] = report

    def left(self, namespace: str) -> None:
        self.heard.pop(namespace, None)

    def brought(self, swept: Terms) -> None:
        self.swept = dict(swept)
        self.writes_when_heard.append(self.kept.writes)

    def sees(self, *steps: Step, is_whole: bool = True) -> None:
        """Let a pass end that saw these."""
        if is_whole:
            self.begun = self.book.begin()
        self.ends(*steps, is_whole=is_whole)

    def ends(self, *steps: Step, is_whole: bool = True) -> None:
        """Let a pass end that began a while ago."""
        self.book.note(steps)
        for step in steps:
            self.objects.put(ClusterObject(resource=CustomResource(key=step.key, spec=Document(value={}))))
        if is_whole:
            self.book.ended_full(self.objects, self.begun)
        else:
            self.book.ended()
        asyncio.run(self.reporter.flush())

    def loses(self, *names: str) -> None:
        """Let objects go."""
        for name in names:
            identity = clean(name).key.identity
            self.objects.drop(identity)
            self.book.drop(identity)

    def checked(self) -> dict[str, int]:
        return {n: r["summary"]["checked"] for n, r in self.heard.items()}


def clean(name: str) -> Step:
    """Return the decision to leave a resource as it is."""
    return build_step(Action.NOOP, name)


@pytest.fixture
def kept() -> Kept:
    return Kept()


ONE, TWO = "a/StorageAccount/one", "a/StorageAccount/two"


def test_who_has_a_shard_again_knows_nothing_of_before(kept: Kept) -> None:
    """What was seen before another replica had it is not counted with what is seen now."""
    process = Process(kept)
    process.sees(drifted(ONE), clean(TWO))
    process.terms = {}
    process.sees()
    process.terms = {0: 2}

    process.ends(clean(TWO), is_whole=False)
    assert (process.heard, process.swept) == ({}, {})
    process.sees(clean(ONE), clean(TWO))

    report = kept.reports["a"]
    assert (report["summary"]["checked"], report["summary"]["state"]) == (2, "InSync")
    assert [(e["object"], e["how"]) for e in report["ended"]] == [("StorageAccount/one", "NoLongerDiffers")]


def test_a_turn_that_nobody_noticed_is_another_turn(kept: Kept) -> None:
    """A shard that was lost and won again between two passes begins anew, too."""
    process = Process(kept)
    process.sees(drifted(ONE), drifted(TWO))
    process.terms = {0: 2}

    process.sees(drifted(TWO))

    assert process.checked() == {"a": 1}


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "not sure of"])
def test_a_moment_without_a_lease_makes_no_partial_report(kept: Kept, *, is_lost: bool) -> None:
    """A renewal came late and the shard was nobody else's: what was known of it is whole, or is not told."""
    process = Process(kept)
    process.sees(drifted(ONE), drifted(TWO))
    process.terms, process.is_sure = ({} if is_lost else process.terms), is_lost
    process.ends(drifted(ONE), is_whole=False)
    process.terms, process.is_sure = {0: 1}, True

    process.ends(drifted(ONE), is_whole=False)
    assert kept.reports["a"]["summary"]["checked"] == 2
    process.sees(drifted(ONE), drifted(TWO))

    assert process.checked() == {"a": 2}
    assert {f["since"] for f in process.heard["a"]["findings"]} == {"2026-11-23T12:00:00Z"}


def test_who_holds_what_is_not_asked_for_each_namespace(kept: Kept) -> None:
    """An edit costs what it touches, however many namespaces there are."""
    asked = []
    for count in (10, 40):
        process = Process(Kept())
        process.sees(*(clean(f"n{n}/StorageAccount/one") for n in range(count)))
        before = process.asked
        process.sees(clean("n0/StorageAccount/one"), is_whole=False)
        asked.append(process.asked - before)

    assert asked[0] == asked[1]


def test_a_pass_that_began_before_a_shard_was_won_saw_only_part_of_it(kept: Kept) -> None:
    """The report that the replica before left stays until everything was looked at; times go on from it."""
    before = Process(kept)
    before.sees(drifted(ONE), drifted(TWO))
    process = Process(kept, terms={})
    process.clock.advance(600)
    process.begun = process.book.begin()
    process.terms = {0: 1}
    process.ends(drifted(TWO))
    assert (process.heard, process.swept) == ({}, {})
    assert kept.reports["a"]["summary"]["checked"] == 2

    process.sees(drifted(ONE), drifted(TWO))

    assert process.swept == {0: 1}
    assert {f["since"] for f in process.heard["a"]["findings"]} == {"2026-11-23T12:00:00Z"}


def test_a_pass_that_leaves_a_namespace_out_takes_nothing_from_its_report(kept: Kept) -> None:
    """Its Lease was about to end when the pass began, and was renewed in time: nobody looked there."""
    Process(kept).sees(drifted(ONE))
    process = Process(kept)
    process.begun = process.book.begin(["a"])
    process.ends()

    assert (process.swept, list(kept.reports)) == ({}, ["a"])


def test_a_pass_that_ends_after_another_began_takes_nothing_back(kept: Kept) -> None:
    """The rest of one full pass may end when the next has begun, or even ended."""
    process = Process(kept)
    first = process.book.begin()
    process.terms = {0: 2}
    process.sees(clean(ONE))

    process.book.ended_full(process.objects, first)

    assert (process.book.swept, process.book.namespaces()) == ({0: 2}, {"a"})


def test_who_listens_waits_for_no_report(kept: Kept) -> None:
    """It hears of all namespaces before the first report is written."""
    process = Process(kept)

    process.sees(drifted(ONE), drifted("b/StorageAccount/one"))

    assert (sorted(process.heard), process.writes_when_heard, kept.writes) == (["a", "b"], [0], 2)


def test_who_listens_hears_also_when_reports_cannot_be_kept(kept: Kept) -> None:
    """Without the definition of DriftReport alerts are told all the same, and reports written when they can be."""
    process = Process(kept)
    kept.refuses = UnavailableError("no such kind")
    process.sees(drifted(ONE))
    process.sees(drifted(ONE), clean(TWO))
    assert (process.checked(), kept.writes) == ({"a": 2}, 0)
    assert process.log == ["DriftReports cannot be written: no such kind"]

    kept.refuses = None
    process.ends(is_whole=False)

    assert kept.reports["a"]["summary"]["checked"] == 2


def test_a_report_that_cannot_be_read_is_not_written_over(kept: Kept) -> None:
    """What it knows of is joined as soon as it can be read; who listens hears of the drift meanwhile."""
    Process(kept).sees(drifted(ONE))
    process = Process(kept)
    process.clock.advance(600)
    kept.reads_fail = UnavailableError("busy")
    process.sees(drifted(ONE))
    assert (process.heard["a"]["findings"][0]["since"], kept.writes) == ("2026-11-23T12:10:00Z", 1)

    kept.reads_fail = None
    process.ends(is_whole=False)

    assert process.heard["a"]["findings"][0]["since"] == "2026-11-23T12:00:00Z"


def test_a_namespace_that_holds_something_again_keeps_it(kept: Kept) -> None:
    """What is seen while the report of an empty namespace is removed is not forgotten with it."""
    process, remove = Process(kept), kept.remove
    process.sees(drifted(ONE))
    process.loses(ONE)

    async def see_another(namespace: str) -> None:
        await remove(namespace)
        process.book.note([drifted(TWO)])

    kept.remove = see_another  # type: ignore[method-assign]
    process.ends(is_whole=False)
    assert kept.reports == {}
    kept.remove = remove  # type: ignore[method-assign]
    process.ends(is_whole=False)

    assert [f["object"]["name"] for f in kept.reports["a"]["findings"]] == ["two"]


def test_an_empty_namespace_has_no_report(kept: Kept) -> None:
    """It goes with the last object, and so does one that an earlier process left; who listens hears of it."""
    Process(kept).sees(drifted("b/StorageAccount/one"))
    process = Process(kept)
    process.sees(drifted(ONE))
    assert list(kept.reports) == ["a"]
    process.clock.advance(timedelta(minutes=5).total_seconds())
    process.loses(ONE)

    process.ends(is_whole=False)

    assert (kept.reports, process.heard) == ({}, {})
