"""When exports are made: on change, when touched, after the period; and never otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from engine.cluster.condition import Severity
from engine.cluster.exports import Target, not_owned
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError, PolicyDeniedError
from engine.model.document import Document, canonical
from engine.model.ids import ArmId, Generation, ResourceKey
from engine.model.state import ActualState, CustomResource, Presence
from engine.runtime.controller.exports import Exporter
from providers.cel.engine import CelCompiler
from schemas.behaviour_types import Call
from tests.fakes import FakeClock

KEY = ResourceKey(
    namespace="default", group="storage.azure.com", kind="StorageAccount", name="a", version="v1api20230101"
)
ID = ArmId("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/a")
ALL = ("Secret", "default", "all")
OPERATOR = {"secrets": {"key1": {"name": "all", "key": "k"}}}
PERIOD = timedelta(minutes=15)


class Cluster:
    """Takes what is written; versions count up."""

    def __init__(self) -> None:
        self.targets: dict[str, dict[str, str]] = {}
        self.writes = 0
        self.foreign = False
        self.meanwhile: Callable[[str], None] = lambda _version: None

    async def write(self, target: Target, owner: ResourceKey, uid: str) -> str:
        if self.foreign:
            raise not_owned(target, owner)
        if self.targets.get(target.name) != target.data:
            self.targets[target.name] = dict(target.data)
            self.writes += 1
        self.meanwhile(str(self.writes))
        return str(self.writes)


class Keys:
    """Azure's keys, as they are now."""

    def __init__(self) -> None:
        self.value = "one"
        self.calls: list[str] = []
        self.error: EngineError | None = None

    async def call(self, call: Call, path: str, begun: object = None) -> Any:
        self.calls.append(path)
        if self.error is not None:
            raise self.error
        return {"keys": [{"keyName": "key1", "value": self.value}]}


class Desk:
    """An exporter and what surrounds it."""

    def __init__(self) -> None:
        self.cluster, self.keys, self.clock = Cluster(), Keys(), FakeClock()
        self.due: list[ObjectIdentity] = []
        compiler = CelCompiler()
        self.exporter = Exporter(self.cluster, compiler, self.clock, period=PERIOD, due=self.due.append)

    def export(self, operator: Any = OPERATOR, *, status: Any = None, **metadata: Any) -> Any:
        spec = Document(canonical({"location": "westeurope", "operatorSpec": operator}))
        resource = CustomResource(key=KEY, spec=spec, uid="u", generation=Generation(3), **metadata)
        body = Document(canonical({"id": ID.text, "properties": status or {}}))
        actual = ActualState(id=ID, presence=Presence.PRESENT, document=body)
        return asyncio.run(self.exporter.export(resource, actual, self.keys))


def test_keys_that_rotate_arrive_after_the_period() -> None:
    """Within the period Azure is not asked again; after it the new key is written."""
    desk = Desk()
    desk.export()
    desk.keys.value = "two"
    desk.clock.advance(PERIOD.total_seconds() - 1)
    desk.export()
    before = (len(desk.keys.calls), desk.cluster.targets["all"])

    desk.clock.advance(1)
    desk.export()

    assert before == (1, {"k": "one"})
    assert desk.cluster.targets["all"] == {"k": "two"}


@pytest.mark.parametrize(
    "change",
    [
        {"operator": {"secrets": {"key1": {"name": "all", "key": "other"}}}},
        {"status": {"primaryEndpoints": {"blob": "x"}}},
    ],
    ids=["operatorSpec", "status"],
)
def test_a_change_leads_to_new_exports(change: dict[str, Any]) -> None:
    """What stands in the object and what Azure shows both count; annotations only where expressions read them."""
    desk = Desk()
    desk.export()
    desk.export(annotations={"a": "b"})
    before = len(desk.keys.calls)

    desk.export(**change)

    assert (before, len(desk.keys.calls)) == (1, 2)


def test_annotations_count_where_expressions_read_them() -> None:
    """A new annotation reaches the ConfigMap."""
    desk = Desk()
    operator = {"configMapExpressions": [{"name": "c", "key": "k", "value": "self.metadata.annotations.team"}]}
    desk.export(operator, annotations={"team": "web"})

    desk.export(operator, annotations={"team": "shop"})

    assert desk.cluster.targets["c"] == {"k": "shop"}
    assert desk.keys.calls == []


def test_only_what_others_did_makes_an_object_due() -> None:
    """Events of our own writes, older ones too, are no news; a later version, and a deletion, are."""
    desk = Desk()
    desk.cluster.meanwhile = lambda version: desk.exporter.touched(ALL, version)
    desk.export()
    desk.exporter.touched(ALL, "0")
    desk.exporter.touched(("Secret", "default", "theirs"), "9")
    quiet = list(desk.due)

    desk.exporter.touched(ALL, "")

    assert quiet == []
    assert desk.due == [KEY.identity]


def test_missed_events_make_everything_of_the_kind_due() -> None:
    """After a gap in the watch of Secrets objects with Secrets are looked at."""
    desk = Desk()
    desk.export()

    desk.exporter.touched_any("ConfigMap")
    config_maps = list(desk.due)
    desk.exporter.touched_any("Secret")

    assert config_maps == []
    assert desk.due == [KEY.identity]


def test_a_failed_call_is_tried_again_and_is_a_warning() -> None:
    """Without keys nothing is written; the next pass asks again."""
    desk = Desk()
    desk.keys.error = PolicyDeniedError("may not listKeys")
    said = desk.export()
    desk.keys.error = None

    again = desk.export()

    assert (said.severity, said.reason, said.observed_generation) == (Severity.WARNING, "Failed", 3)
    assert again is None
    assert desk.cluster.targets["all"] == {"k": "one"}


def test_a_foreign_target_is_an_error_until_it_goes() -> None:
    """The object is due as soon as somebody touches what is in its way."""
    desk = Desk()
    desk.cluster.foreign = True
    said = desk.export()

    desk.exporter.touched(ALL, "")
    desk.exporter.touched(ALL, "7")

    assert (said.severity, said.reason) == (Severity.ERROR, "FailedWritingAdditionalKubernetesObjects")
    assert desk.due == [KEY.identity]


def test_an_object_that_exports_nothing_any_more_is_forgotten() -> None:
    """Its old targets lead nowhere."""
    desk = Desk()
    desk.export()

    desk.export({})
    desk.exporter.touched(ALL, "")

    assert desk.due == []
