"""An outbox as it stands in a Secret, and messages as Kubernetes events."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from engine.alerts.alert import UNREADABLE, alerts_of
from engine.alerts.kube_events import events_of
from engine.alerts.outbox import Message, Outbox, plan_messages
from engine.alerts.packed import LIMIT, TooLargeError, pack, unpack
from engine.alerts.settings import parse_settings
from engine.drift.document import build_report
from tests.drift_cases import NOON, drifted, ledger_of

SETTINGS = parse_settings(
    {"cluster": "c1", "sinks": [{"name": "ours", "type": "webhook", "url": "http://x", "key": {"env": "KEY"}}]}
)


def outbox_of(count: int) -> Outbox:
    """Return an outbox after that many resources drifted."""
    steps = [drifted(f"app{n}") for n in range(count)]
    report = build_report("default", ledger_of(*steps[:1]))
    (alert,) = alerts_of(report, cluster="c1", labels_of=lambda _: {})
    lines = tuple(f"properties.p{n}: {'é' * 60} → {n}" for n in range(8))
    many = [replace(alert, key=f"{n:020x}", object=f"default/StorageAccount/app{n}", lines=lines) for n in range(count)]
    planned = plan_messages(Outbox(mark="s3-"), many, SETTINGS, NOON)
    return replace(planned, waiting=(), last=dict(planned.last))


def test_an_outbox_comes_back_as_it_was() -> None:
    """Nothing but the labels is lost in a Secret."""
    kept = outbox_of(5)
    alerts = [t.alert for t in kept.told["ours"].values()]
    outbox = plan_messages(kept, [replace(a, version="2") for a in alerts[:3]], SETTINGS, NOON + timedelta(hours=1))

    assert outbox.waiting
    assert unpack(pack(outbox)) == outbox


def test_a_large_outbox_keeps_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not fit, what only describes goes first; one that cannot fit is an error."""
    outbox = outbox_of(2_000)
    whole = len(pack(outbox))
    monkeypatch.setattr("engine.alerts.packed.LIMIT", whole - 1)

    found = unpack(pack(outbox))

    assert whole < LIMIT
    assert found.told["ours"].keys() == outbox.told["ours"].keys()
    assert all(t.alert.lines == () and t.alert.title for t in found.told["ours"].values())
    monkeypatch.setattr("engine.alerts.packed.LIMIT", 100)
    with pytest.raises(TooLargeError):
        pack(outbox)


@pytest.mark.parametrize("raw", [b"", b"nothing of ours", pack(Outbox())[:-3], pack(Outbox()) + b"x"])
def test_foreign_bytes_are_refused(raw: bytes) -> None:
    """Whatever stands there is an error, or an outbox."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        unpack(raw)


def test_an_outbox_of_another_shape_is_refused() -> None:
    """A number of an alert that is not there is damage like any other."""
    text = zlib.decompress(pack(outbox_of(1))).decode()

    with pytest.raises(ValueError, match="another shape"):
        unpack(zlib.compress(text.replace('"alert":0', '"alert":7').encode()))


def test_what_is_about_no_object_is_told_on_the_pod() -> None:
    """An event needs an object in its own namespace; names of events are the same for every try."""
    base = outbox_of(1).told["ours"]
    (alert,) = (t.alert for t in base.values())
    blind = replace(alert, type=UNREADABLE, object="", namespace="", api_version="", title="Azure cannot be read")
    message = Message(id="1-s0-1", sink="k", firing=(blind,), resolved=(alert,), created=NOON, due=NOON)

    def events() -> list[Mapping[str, Any]]:
        return list(events_of(message, uid_of=lambda _: "", pod=("sys", "trueup-0"), now=NOON))

    first, second = events()

    assert first["involvedObject"] == {"apiVersion": "v1", "kind": "Pod", "namespace": "sys", "name": "trueup-0"}
    assert (first["metadata"]["namespace"], first["reason"]) == ("sys", "AzureUnreadable")
    assert (second["metadata"]["namespace"], second["reason"]) == ("default", "DriftAlertEnded")
    assert [e["metadata"]["name"] for e in events()] == ["trueup-0.1-s0-1.1", "app0.1-s0-1.2"]
