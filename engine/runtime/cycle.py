"""Passes over one world: plan; and, where it was asked for, apply and remember."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.errors import EngineError
from engine.model.ids import ArmId, PlanId
from engine.model.path import FieldPath
from engine.model.plan import Step
from engine.model.result import ApplyResult
from engine.model.state import Baseline
from engine.runtime.desired import Locator
from engine.runtime.executor import Azure, Executor, ExecutorOptions, Progress, Resumed, Settle
from engine.runtime.group_watch import GroupWatch
from engine.runtime.heap import release_memory
from engine.runtime.interrupted import with_interrupted
from engine.runtime.ledger import Ledger
from engine.runtime.memory import PassMemory
from engine.runtime.notices import returned_notices
from engine.runtime.one_pass import Pass
from engine.runtime.prepared import Prepared
from engine.runtime.recarry import Recarry, Refresh
from engine.runtime.scope import InputScope
from engine.runtime.settle import Settlement
from engine.runtime.world import PassOptions, PassResult, World


class Cycle:
    """Runs passes over one world, remembering in between what was in sync."""

    def __init__(self, world: World, options: PassOptions, memory: PassMemory | None = None) -> None:
        """Keep the ports; nothing is read yet. ``memory`` is that of an earlier cycle; its own unless given."""
        self._world = world
        self._options = options
        self._memory = memory or PassMemory()
        self._resumed = Resumed()
        self._baselines: dict[ArmId, Baseline] | None = None

    @property
    def reads(self) -> int:
        """Return how many resources the pass under way reads; 0 while the input is not read."""
        return len(self._memory.prepared.targets) if self._memory.prepared is not None else 0

    @property
    def scope(self) -> InputScope:
        """Return what the input is called."""
        return self._options.scope

    @property
    def prepared(self) -> Prepared | None:
        """Return what the pass under way, or the last one, worked out of the objects; None before the first."""
        return self._memory.prepared

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return ``file:line`` of a place in the object that begins at ``origin``; the origin when it is not known."""
        source = self._world.source
        return source.locate(origin, path) if isinstance(source, Locator) else origin

    async def plan(self, *, keep_in_sync: bool = False) -> PassResult:
        """Observe everything selected and plan; sends nothing.

        Args:
            keep_in_sync: Keep the bodies of what is in sync, for ``apply``. They are most of the memory of a pass.
        """
        one = Pass(self._world, self._options, self._memory, self._known(), keep_in_sync=keep_in_sync)
        try:
            result = await one.run()
        finally:
            release_memory()
        said = () if self._options.limits.allow_rewrite else returned_notices(result.findings)
        plan = with_interrupted(result.plan, self._resumed.interrupted)
        return replace(result, plan=plan, notices=(*result.notices, *said))

    async def apply(
        self, planned: PassResult, *, report: Callable[[Progress], None], options: ExecutorOptions
    ) -> ApplyResult:
        """Carry out a plan of this cycle and remember what it left behind."""
        if planned.plan.appliable:
            self._world.store.prepare()
        settlement = Settlement(
            self._world.store,
            self._world.clock,
            planned.plan,
            known=self._known(),
            findings=planned.findings,
            scope=self._options.scope,
        )

        executor = self._executor(
            settlement.settle,
            report,
            options,
            ledger=self._ledger(planned.plan.id),
            refresh=self._recarry(planned),
            intend=settlement.intend,
            azure=GroupWatch(self._world.azure, planned.plan, planned.contents),
        )
        result = await executor.run(planned.plan)
        try:
            settlement.take(planned.findings)
            settlement.forget()
        except EngineError as exc:
            # What was done is to be reported all the same; the next run finds out anew what is in sync.
            self._world.audit.miss(f"what is in sync could not be remembered: {exc}")
        self._baselines = None
        return result

    async def resume(self) -> Resumed:
        """Follow operations an earlier run left behind; what cannot be followed is not written by ``apply``."""
        if self._world.store.operations():
            ledger = self._ledger(PlanId(""))
            executor = self._executor(lambda _step, _actual: "", lambda _news: None, ExecutorOptions(), ledger=ledger)
            self._resumed = await executor.resume()
        return self._resumed

    def _recarry(self, planned: PassResult) -> Recarry:
        prepared = self._memory.prepared
        return Recarry(
            planned.findings,
            children=_children_of(planned, prepared),
            today=self._world.clock.now().date(),
            secret_key=self._world.store.secret_key(),
        )

    def _known(self) -> dict[ArmId, Baseline]:
        if self._baselines is None:
            self._baselines = dict(self._world.store.load())
        return self._baselines

    def _ledger(self, plan: PlanId) -> Ledger:
        world = self._world
        return Ledger(world.audit, world.clock, plan=plan, secret_key=world.store.secret_key())

    def _executor(
        self,
        settle: Settle,
        report: Callable[[Progress], None],
        options: ExecutorOptions,
        *,
        ledger: Ledger,
        refresh: Refresh | None = None,
        intend: Callable[[Step], None] = lambda _step: None,
        azure: Azure | None = None,
    ) -> Executor:
        world = self._world
        return Executor(
            azure or world.azure,
            world.store,
            world.clock,
            ledger=ledger,
            settle=settle,
            refresh=refresh,
            intend=intend,
            report=report,
            options=options,
            unfinished=self._resumed.unfinished,
        )


def _children_of(planned: PassResult, prepared: Prepared | None) -> dict[str, frozenset[str]]:
    ids = [f.desired.id for f in planned.findings if f.desired.id is not None]
    return {i.key: prepared.index.children_of(i) for i in ids} if prepared is not None else {}
