"""One pass: observe, compare, plan. Everything between the ports is pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

from engine.compare.attribution import with_author
from engine.compare.compare import compare
from engine.compare.settled import is_settled, provisioning_state
from engine.compare.subject import Witness
from engine.desired.build import build_desired
from engine.desired.identity import ObjectIdentity
from engine.desired.index import Index
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.desired.places import spec_path_of
from engine.desired.wanted import inputs_of_selected, wanted_inputs
from engine.errors import EngineError
from engine.model.change import DiffState, ResourceDiff
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Action, Step
from engine.model.problem import Notice, Problem
from engine.model.state import ActualState, Baseline, CustomResource, DesiredState, Presence
from engine.planning.finding import Finding, PlanInput
from engine.planning.planner import build_plan, plan_step
from engine.ports import ReadTarget
from engine.runtime.as_asked import compare_with
from engine.runtime.baselines import recall_baseline
from engine.runtime.desired import fetch_inputs, place_notices, place_problems
from engine.runtime.holds import heed_holds, read_contents
from engine.runtime.ignores import idle_fleet_notices, idle_notices, with_fleet_rules
from engine.runtime.memory import PassMemory, Verdict
from engine.runtime.prepared import Prepared, Wanted
from engine.runtime.prints import print_of_body
from engine.runtime.scope import elsewhere_notices
from engine.runtime.second_look import look_at_owners, look_for_deleted_twins
from engine.runtime.seen import SeenStatus, reread, seen_by, state_without_body
from engine.runtime.selection import tell_empty
from engine.runtime.spans import span
from engine.runtime.stakes import groups_at_stake, may_be_deleted, objects_at_stake
from engine.runtime.turns import GLANCE, LOOK, Turns
from engine.runtime.world import PassOptions, PassResult, World


class Pass:
    """The state of one pass; used once."""

    def __init__(
        self,
        world: World,
        options: PassOptions,
        memory: PassMemory,
        baselines: Mapping[ArmId, Baseline],
        *,
        keep_in_sync: bool,
    ) -> None:
        self._world = world
        self._options = options
        self._memory = memory
        self._baselines = baselines
        self._keep_in_sync = keep_in_sync
        self._began = world.clock.now()
        self._today = self._began.date()
        self._problems: list[Problem] = []
        self._notices: list[Notice] = []
        self._open: list[Finding] = []
        self._in_sync: list[Step] = []
        self._kept: list[Finding] = []
        self._orphans: list[tuple[Baseline, ActualState]] = []
        self._elsewhere: list[Baseline] = []
        self._prepared = Prepared.nothing(options.subscription)
        self._inputs: Inputs = NO_INPUTS

    async def run(self) -> PassResult:
        """Walk from the objects to the plan."""
        with span("read cluster"):
            await self._prepare()
        with span("fetch from Azure", resources=len(self._prepared.targets)):
            await self._observe()
        with span("plan") as planning:
            result = await self._plan()
            planning.note(steps=len(result.plan.steps), problems=len(result.problems))
        return result

    async def _plan(self) -> PassResult:
        """Look once more at what differs, and decide."""
        await self._ask_for_status()
        self._open = await look_for_deleted_twins(self._world.azure, self._open)
        self._open = await look_at_owners(self._world.azure, self._open)
        self._recall_children()
        problems = place_problems(self._problems, self._world.source)
        data = PlanInput(
            findings=tuple(self._open),
            endpoint=self._options.endpoint,
            in_sync=tuple(self._in_sync),
            orphans=tuple(self._orphans),
            contents=await read_contents(self._world.azure, self._groups_at_stake),
            others=self._others(),
            limits=self._options.limits,
            problems=tuple(str(p) for p in problems),
            refusals=tuple(self._world.store.refusals()),
        )
        plan = await heed_holds(self._world.azure, build_plan(data), data)
        is_partial = self._options.selection.is_partial
        self._notices += idle_fleet_notices(self._options.ignore, plan.steps, self._today, is_partial=is_partial)
        return PassResult(
            plan=plan,
            findings=(*self._open, *self._kept),
            contents=data.contents,
            problems=problems,
            notices=place_notices(self._notices, self._world.source),
            at=self._began,
        )

    async def _prepare(self) -> None:
        """Read the objects; objects whose id is not known become findings at once.

        Owners and references are found among all objects, selected or not.
        """
        resources = await self._world.source.list_resources()
        index, only, before = self._index(resources), self._options.selection.only, self._memory.prepared
        if before is not None and before.is_of(index, self._options.selection):
            known, needs = before, before.needs
        else:
            needs = inputs_of_selected(index.resources if only is None else index.pick(only), index.named_by_config)
            known = None
        self._inputs = await fetch_inputs(self._world.source, needs, azure=self._world.azure, index=index)
        if known is None:
            known = Prepared.of(index, needs, self._options.selection, before)
            if self._memory.verdicts:
                self._memory.forget_others({r.key.identity for r in resources})
        self._prepared = self._memory.prepared = known
        self._problems.extend((*self._world.source.problems(), *index.problems))
        self._notices.extend(index.notices)
        if not (known.wanted or known.homeless):
            problems, notices = tell_empty(self._options.selection, len(known.index.resources))
            self._problems += problems
            self._notices += notices
        for resource in known.homeless:
            finding = self._look_at(resource, None)
            if finding is not None:
                self._open.append(finding)

    def _index(self, resources: Sequence[CustomResource]) -> Index:
        """Return the index of the objects: the last one, if it is of these."""
        last, options = self._memory.last, self._options
        last.index = Index.build(
            resources,
            subscription=options.subscription,
            subscription_of=options.subscription_of,
            edition=options.edition,
            previous=last.index,
        )
        return last.index

    async def _observe(self) -> None:
        """Read everything by the cheapest requests and judge each batch as it comes."""
        wanted = self._prepared.wanted
        orphans = self._find_orphans(wanted)
        targets = self._prepared.targets
        if orphans:
            targets += tuple(
                ReadTarget(id=b.id, arm_type=b.id.resource_type, api_version=b.api_version) for b in orphans.values()
            )
        turns = Turns()
        async for batch in self._world.azure.observe(targets):
            with span("compare", resources=len(batch)):
                for actual in batch:
                    for one in wanted.get(actual.id, ()):
                        await turns.after(self._judge(one, actual))
                    if orphans and actual.id in orphans:
                        self._orphans.append((orphans[actual.id], actual))

    def _find_orphans(self, wanted: Mapping[ArmId, object]) -> dict[ArmId, Baseline]:
        """Return what was applied from this input and is no longer asked for; a filtered run cannot tell.

        An object that is wrong, or whose id is not known now, is still asked for: its name keeps its resource.
        """
        if self._options.selection.is_partial:
            return {}
        named = {p.key.identity for p in self._problems if p.key is not None}
        named |= {f.desired.key.identity for f in self._open}
        gone = {
            i: b
            for i, b in self._baselines.items()
            if i not in wanted and (b.key is None or b.key.identity not in named)
        }
        scope = self._options.scope
        self._elsewhere = [b for b in gone.values() if not scope.covers(b.source)]
        self._notices += elsewhere_notices(scope, self._baselines.values(), self._elsewhere)
        return {i: b for i, b in gone.items() if scope.covers(b.source)}

    def _judge(self, wanted: Wanted, actual: ActualState) -> int:
        """Reuse the last verdict where nothing moved, else compare; return what it cost."""
        step = self._recall(wanted, actual)
        if step is not None:
            self._in_sync.append(step)
            return GLANCE
        self._memory.verdicts.pop(wanted.identity, None)
        finding = self._look_at(wanted.resource, actual)
        if finding is not None:
            self._take(finding, wanted)
        return LOOK

    def _take(self, finding: Finding, wanted: Wanted) -> None:
        if finding.desired.policy.ignore:
            self._notices.extend(idle_notices(finding, self._today))
        step = self._memorise(wanted, finding) if _is_quiet(finding) else None
        if step is None:
            self._open.append(finding)
            return
        self._in_sync.append(step)
        if self._keep_in_sync:
            self._kept.append(finding)

    def _recall(self, wanted: Wanted, actual: ActualState) -> Step | None:
        """Return the step of an earlier pass if object, body, baseline and ids are what they were then."""
        verdict = self._memory.verdicts.get(wanted.identity)
        if verdict is None or verdict.asked != wanted.asked or actual.presence is not Presence.PRESENT:
            return None
        if verdict.stored is not (self._baselines.get(actual.id) if self._baselines else None):
            return None
        if verdict.held != print_of_body(actual):
            return None
        if verdict.index is not self._prepared.index:
            if verdict.links != self._links_of(verdict.step) or verdict.around != self._prepared.around(actual.id):
                return None
            verdict.index = self._prepared.index
        return verdict.step

    def _memorise(self, wanted: Wanted, finding: Finding) -> Step | None:
        """Keep the verdict where prints tell all there is to know: no secret, nothing looked up, no date to come.

        What was parsed is dropped: from now on only prints are compared.
        """
        assert finding.actual is not None
        if any(rule.until is not None for rule in finding.desired.policy.ignore):
            return None
        needs = wanted_inputs((wanted.resource,))
        if needs.secrets or needs.config_maps or needs.role_names:
            return None
        step = plan_step(finding, self._plan_input)
        if step.action is not Action.NOOP:
            return None
        remembered = replace(step, desired=None)
        self._memory.verdicts[wanted.identity] = Verdict(
            asked=wanted.asked,
            links=self._links_of(step),
            around=self._prepared.around(finding.actual.id),
            held=print_of_body(finding.actual),
            stored=self._baselines.get(finding.actual.id),
            step=remembered,
            index=self._prepared.index,
        )
        wanted.resource.spec.release()
        if finding.actual.document is not None:
            finding.actual.document.release()
        return step if self._keep_in_sync else remembered

    def _links_of(self, step: Step) -> tuple[ArmId | None, ...]:
        return self._prepared.index.links_of(step.key, step.depends_on)

    @cached_property
    def _plan_input(self) -> PlanInput:
        return PlanInput(findings=(), endpoint=self._options.endpoint, limits=self._options.limits)

    def _build(self, resource: CustomResource) -> DesiredState | None:
        """Convert one object; what is wrong with it becomes a problem and the others go on."""
        built = build_desired(resource, self._prepared.index, self._inputs, strict=self._options.strict)
        self._problems.extend(built.problems)
        self._notices.extend(built.notices)
        identity = self._prepared.index.identify(resource) if self._options.ignore else None
        state = self._prepared.with_scaler(built.state) if built.state is not None else None
        waits = self._options.drift_waits.get(resource.key.identity, "")
        if state is not None and waits:
            state = replace(state, policy=replace(state.policy, drift_waits=waits))
        if state is None or identity is None:
            return state
        return with_fleet_rules(state, self._options.ignore, identity.kind)

    def _look_at(self, resource: CustomResource, actual: ActualState | None) -> Finding | None:
        desired = self._build(resource)
        if desired is None:
            return None
        recalled = self._recall_baseline(resource, actual)
        return self._name_places(self._compare(desired, actual, recalled, self._seen_by(resource, desired)), resource)

    def _recall_baseline(self, resource: CustomResource, actual: ActualState | None) -> Baseline | None:
        """Return what is remembered; an annotation is decoded only for what is there to be compared."""
        if actual is None:
            return None
        stored = self._baselines.get(actual.id)
        if actual.presence is Presence.UNREADABLE or not resource.annotations:
            return stored
        secret_key = self._world.store.secret_key()
        recalled = recall_baseline(resource, actual, stored, secret_key=secret_key, now=self._began)
        if recalled.notice is not None:
            self._notices.append(recalled.notice)
        return recalled.baseline

    async def _ask_for_status(self) -> None:
        """Compare again, with the object's status as a witness, what differs and nothing is remembered of."""
        doubtful: dict[ObjectIdentity, int] = {}
        for n, finding in enumerate(self._open):
            actual = finding.actual
            if actual is None or actual.presence is Presence.UNREADABLE or finding.baseline is not None:
                continue
            if finding.diff.changes or actual.presence is Presence.ABSENT:
                doubtful[finding.desired.key.identity] = n
        asked = [r for r in self._prepared.index.pick(doubtful) if r.status is None]
        for identity, resource in (await reread(self._world.source, asked)).items():
            n = doubtful[identity]
            desired, actual = self._open[n].desired, self._open[n].actual
            seen = self._seen_by(resource, desired)
            self._open[n] = self._name_places(self._compare(desired, actual, None, seen), resource)

    def _seen_by(self, resource: CustomResource, desired: DesiredState) -> SeenStatus | None:
        identity = self._prepared.index.identify(resource)
        if identity is None:
            return None
        return seen_by(resource, identity.kind, desired.policy.reconcile, desired.id)

    def _name_places(self, finding: Finding, resource: CustomResource) -> Finding:
        """Say of each change where in the object it belongs."""
        identity = self._prepared.index.identify(resource)
        if not finding.diff.changes or identity is None:
            return finding
        spec = resource.spec.value
        changes = tuple(replace(c, spec_path=spec_path_of(identity.kind, spec, c.path)) for c in finding.diff.changes)
        return replace(finding, diff=replace(finding.diff, changes=changes))

    def _compare(
        self, desired: DesiredState, actual: ActualState | None, baseline: Baseline | None, seen: SeenStatus | None
    ) -> Finding:
        if actual is None or actual.presence is not Presence.PRESENT or actual.document is None:
            diff = ResourceDiff(state=state_without_body(actual, baseline, seen))
            return Finding(desired=desired, actual=actual, diff=diff, baseline=baseline)
        try:
            body = actual.document.value
            look = partial(self._diff, seen=seen if baseline is None else None)
            key = self._world.store.secret_key()
            baseline, diff = compare_with(baseline, desired, actual, secret_key=key, compare=look)
        except (ValueError, EngineError) as exc:
            broken = ActualState(id=actual.id, presence=Presence.UNREADABLE, cause=f"its body cannot be read: {exc}")
            return Finding(desired=desired, actual=broken, diff=ResourceDiff(state=DiffState.UNREADABLE))
        settled = is_settled(desired.arm_type, body)
        return Finding(
            desired=desired,
            actual=actual,
            diff=with_author(diff, body, baseline) if settled else diff,
            baseline=baseline,
            provisioning=provisioning_state(body),
            settled=settled,
            seen=seen,
        )

    def _diff(
        self, desired: DesiredState, actual: ActualState, baseline: Baseline | None, seen: Witness | None
    ) -> ResourceDiff:
        owned, key = self._prepared.around(actual.id)[0], self._world.store.secret_key()
        return compare(desired, actual, baseline, seen=seen, owned=owned, today=self._today, secret_key=key)

    @property
    def _groups_at_stake(self) -> set[ArmId]:
        return groups_at_stake(self._open, self._orphans, self._options.limits)

    def _recall_children(self) -> None:
        """Build again what is in sync inside a resource that may be replaced: it is created anew with it."""
        limits = self._options.limits
        parents = [f.desired.id for f in self._open if f.desired.id is not None and may_be_deleted(f, limits)]
        for n, step in enumerate(self._in_sync if parents else ()):
            if step.desired is None and step.id is not None and any(step.id.is_within(p) for p in parents):
                same = (w.resource for w in self._prepared.wanted.get(step.id, ()) if w.resource.key == step.key)
                self._in_sync[n] = replace(step, desired=self._build(next(same)))

    def _others(self) -> dict[ArmId, ResourceKey]:
        """Return the resources of objects that get no step with an id: filtered out, wrong, or not known where now."""
        index, lost = self._prepared.index, {p.key.identity: p.key for p in self._problems if p.key is not None}
        lost |= {r.key.identity: r.key for r in self._prepared.homeless}
        elsewhere = {b.id: b.key for b in self._elsewhere if b.key is not None}
        if not lost and not self._options.selection.is_partial:
            return elsewhere
        stepped = {f.desired.id for f in self._open} | {s.id for s in self._in_sync}
        ids = objects_at_stake(self._open, self._orphans, self._options.limits, index)
        ids |= {i: key for key in lost.values() if (i := index.links_of(key, ())[0]) is not None}
        ids |= {b.id: b.key for b in self._baselines.values() if b.key is not None and b.key.identity in lost}
        return elsewhere | {i: key for i, key in ids.items() if i not in stepped}


def _is_quiet(finding: Finding) -> bool:
    """Whether nothing differs and nothing is awaited."""
    return finding.settled and not finding.diff.changes and not finding.desired.waits
