"""What a second pass need not look at again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest

from engine.compare.decoding import decode_baseline
from engine.compare.encoding import encode_baseline
from engine.desired.policy import BASELINE
from engine.model.document import Document
from engine.model.hold import HoldKind, Holds
from engine.model.ids import ApiVersion, ArmId, ResourceKey
from engine.model.plan import Action
from engine.model.state import ActualState, Baseline, CustomResource, Presence, ReadTarget
from engine.runtime.cycle import Cycle
from engine.runtime.world import PassOptions, PassResult, World
from tests.fakes import FakeClock

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/app"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net"


def build_object(
    kind: str, name: str, spec: dict[str, Any], *, group: str = "network", version: str = "v1api20240301", **rest: Any
) -> CustomResource:
    key = ResourceKey(namespace="default", group=f"{group}.azure.com", kind=kind, name=name, version=version)
    return CustomResource(key=key, spec=Document(value=spec), **rest)


def build_group(**rest: Any) -> CustomResource:
    spec = {"location": "westus", "tags": {"a": "1"}}
    return build_object("ResourceGroup", "app", spec, group="resources", version="v1api20200601", **rest)


def build_body(**members: Any) -> bytes:
    return Document(value={"id": GROUP, "name": "app", "location": "westus", "tags": {"a": "1"}, **members}).raw


class WatchedDocument(Document):
    """Knows whether somebody looked inside, even if what was parsed is dropped again."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.was_parsed = False

    @property
    def value(self) -> Any:
        self.was_parsed = True
        return super().value


class FakeWorld:
    """Objects, Azure's bodies by id in lower case, and nothing remembered."""

    def __init__(self, *objects: CustomResource) -> None:
        self.objects: list[CustomResource] = list(objects)
        self.bodies = {GROUP.lower(): build_body()}
        self.seen: list[WatchedDocument] = []
        self.clock = FakeClock()
        options = PassOptions(endpoint="https://arm", subscription=SUBSCRIPTION)
        self.cycle = Cycle(World(source=self, azure=self, store=self, clock=self.clock), options)  # type: ignore[arg-type]

    def plan(self, **options: Any) -> PassResult:
        self.seen = []
        return asyncio.run(self.cycle.plan(**options))

    @property
    def parsed(self) -> list[bool]:
        return [document.was_parsed for document in self.seen]

    async def list_resources(self) -> Sequence[CustomResource]:
        return tuple(self.objects)

    def problems(self) -> tuple[()]:
        return ()

    def refusals(self) -> tuple[()]:
        return ()

    async def observe(self, targets: Sequence[ReadTarget], **_: object) -> AsyncIterator[Sequence[ActualState]]:
        for target in targets:
            body = self.bodies.get(target.id.key)
            there = Presence.ABSENT if body is None else Presence.PRESENT
            document = None if body is None else WatchedDocument(body)
            if document is not None:
                self.seen.append(document)
            yield (ActualState(id=target.id, presence=there, document=document),)

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        return Holds()

    def load(self) -> dict[ArmId, Any]:
        return {}

    def secret_key(self) -> bytes:
        return b"key"


def actions(result: PassResult) -> dict[str, Action]:
    return {s.key.name: s.action for s in result.plan.steps}


def test_a_second_pass_parses_nothing_that_did_not_move() -> None:
    """Same object, same body: the verdict stands, unread."""
    world = FakeWorld(build_group())
    world.plan()

    second = world.plan()

    assert (actions(second), world.parsed) == ({"app": Action.NOOP}, [False])


def test_a_body_that_moved_is_compared_again() -> None:
    """Other bytes in Azure make the verdict void."""
    world = FakeWorld(build_group())
    world.plan()
    world.bodies[GROUP.lower()] = build_body(tags={"a": "2"})

    assert actions(world.plan())["app"] is not Action.NOOP


def test_an_object_that_changed_is_compared_again() -> None:
    """Another spec makes the verdict void, also for an object of the same name."""
    world = FakeWorld(build_group())
    world.plan()
    spec = {"location": "westus", "tags": {"a": "2"}}
    world.objects = [build_object("ResourceGroup", "app", spec, group="resources", version="v1api20200601")]

    assert actions(world.plan())["app"] is not Action.NOOP


def test_an_annotation_that_changed_is_looked_at() -> None:
    """Policies live in annotations: they belong to what a verdict rests on."""
    world = FakeWorld(build_group())
    world.plan()
    world.objects = [build_group(annotations={"serviceoperator.azure.com/reconcile-policy": "skip"})]

    assert actions(world.plan())["app"] is Action.SKIP


def test_a_verdict_that_rests_on_a_date_is_not_kept() -> None:
    """An ignore rule with an end hides a difference until then, and no longer."""
    until = date(2026, 1, 2)
    world = FakeWorld(build_group(annotations={"trueup.dev/ignore": f"/tags/a until={until}"}))
    world.bodies[GROUP.lower()] = build_body(tags={"a": "2"})
    hidden = actions(world.plan())["app"]
    world.clock.advance(3 * 24 * 3600)

    assert hidden is Action.NOOP
    assert actions(world.plan())["app"] is not Action.NOOP


def test_a_parent_is_looked_at_again_when_its_children_get_owners() -> None:
    """Which children count as drift of the parent depends on objects beside it."""
    spec = {"location": "westus", "owner": {"name": "app"}, "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    subnet = {"owner": {"name": "net"}, "addressPrefix": "10.0.1.0/24"}
    group, network = build_group(), build_object("VirtualNetwork", "net", spec)
    world = FakeWorld(group, network, build_object("VirtualNetworksSubnet", "web", subnet))
    held = {"name": "web", "id": f"{NETWORK}/subnets/web", "properties": {"addressPrefix": "10.0.1.0/24"}}
    content = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [held]}
    body = {"id": NETWORK, "name": "net", "location": "westus", "properties": content}
    world.bodies[NETWORK.lower()] = Document(value=body).raw
    world.bodies[f"{NETWORK}/subnets/web".lower()] = Document(value=held).raw
    world.plan()
    world.objects = [group, network]

    world.plan()

    assert world.parsed == [False, True]


def test_what_left_the_input_is_not_remembered() -> None:
    """A process that goes on for weeks keeps nothing of objects that are gone."""
    world = FakeWorld(build_group())
    world.plan()
    kept = len(world.cycle._memory.verdicts)
    world.objects.clear()

    world.plan()

    assert (kept, len(world.cycle._memory.verdicts)) == (1, 0)


def test_what_is_in_sync_is_kept_only_on_request() -> None:
    """Findings in sync are for those who apply; a watching pass keeps no body."""
    lean = FakeWorld(build_group()).plan()
    full = FakeWorld(build_group()).plan(keep_in_sync=True)

    assert [len(lean.findings), len(full.findings)] == [0, 1]
    assert [r.plan.steps[0].desired is None for r in (lean, full)] == [True, False]


def annotated(text: str) -> CustomResource:
    return build_group(annotations={BASELINE: text})


def memory_text(**tags: str) -> str:
    held = Document(raw=build_body(tags=tags))
    return encode_baseline(
        Baseline(id=ArmId(GROUP), api_version=ApiVersion("2020-06-01"), desired=held, actual=held), secret_key=b"key"
    ).text


def test_an_annotation_is_decoded_once_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second pass asks no annotation what it asked in the first; another annotation is asked again."""
    read: list[str] = []

    def decode(text: str, *, secret_key: bytes) -> Baseline:
        read.append(text)
        return decode_baseline(text, secret_key=secret_key)

    monkeypatch.setattr("engine.runtime.baselines.decode_baseline", decode)
    first, second = memory_text(a="1"), memory_text(a="1", b="2")
    world = FakeWorld(annotated(first))
    passes = [actions(world.plan())["app"] for _ in range(2)]
    seen = list(read)
    world.objects = [annotated(second)]

    last = world.plan()

    assert (passes, seen) == ([Action.NOOP, Action.NOOP], [first])
    assert (actions(last)["app"], read) == (Action.NOOP, [first, second])


class OneBatch(FakeWorld):
    """Azure that answers everything with one page, and counts the objects that were looked at in one stretch."""

    async def observe(self, targets: Sequence[ReadTarget], **_: object) -> AsyncIterator[Sequence[ActualState]]:
        yield [state async for batch in super().observe(targets) for state in batch]

    def plan_beside_others(self) -> tuple[PassResult, int]:
        """Return a plan, and how often others were let in while it was made."""
        self.seen = []

        async def run() -> tuple[PassResult, int]:
            planning, turns = asyncio.ensure_future(self.cycle.plan()), 0
            while not planning.done():
                await asyncio.sleep(0)
                turns += 1
            return planning.result(), turns

        return asyncio.run(run())


def test_a_pass_over_many_objects_lets_others_in_after_every_comparison_or_sixteen_glances() -> None:
    """Whoever has an edit to see to does not wait for a page of a thousand objects."""
    world = OneBatch()
    for n in range(64):
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/app{n}"
        spec = {"location": "westus"}
        world.objects.append(build_object("ResourceGroup", f"app{n}", spec, group="resources", version="v1api20200601"))
        world.bodies[group.lower()] = build_body(id=group, name=f"app{n}")

    afresh, turns_afresh = world.plan_beside_others()
    again, turns_again = world.plan_beside_others()

    assert set(actions(afresh).values()) == set(actions(again).values()) == {Action.NOOP}
    assert turns_afresh >= 64
    assert 64 / 16 <= turns_again < 64
