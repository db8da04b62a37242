"""What a saved plan shows is what apply sends: all published samples, byte for byte, over HTTP."""

from __future__ import annotations

import base64
import copy
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.sample_world import SampleWorld
from tests.verbs_desk import Azure, Desk, Run

pytestmark = [pytest.mark.loopback, pytest.mark.shared]

Sent = tuple[str, str, bytes]
"""Method, address below the endpoint, and body of a request."""

_SOURCE = re.compile(r"Secret ([^/]+)/(.+), key (.+)")

NOT_CREATED = {
    "does not fit its kind": {
        "CustomCertificate/aso-sample-signalr-customdomaincert",
        "CustomDomain/aso-sample-signalr-customdomain",
        "HcpOpenShiftCluster/mveber-int",
        "Quota/aso-sample-quota",
        "RedisAccessPolicy/sampleaccesspolicy",
        "ServersEncryptionProtector/aso-sample-serversencryptionprotector",
    },
    "is not in the input": {
        "Deployment/sample-name",
        "DiskEncryptionSet/aso-sample-diskencryptionset",
        "DiskEncryptionSet/aso-sample-diskencryptionset-20240302",
        "EventSubscription/sample-subscription",
        "ServersFailoverGroup/aso-sample-failovergroup",
        "StorageAccountsFileService/samplekubestoragefile",
        "StorageAccountsFileServicesShare/sampleshare",
        "StorageAccountsTableService/samplekubestoragetable",
        "StorageAccountsTableServicesTable/sampletable",
        "WorkspacesConnection/aso-sample-conn",
    },
    "NoRegisteredProviderFound": {
        "HcpOpenShiftClustersExternalAuth/mveber-int-ea",
        "HcpOpenShiftClustersNodePool/mveber-int-mp-0",
    },
}
"""Samples that cannot be created here, by reason: they are not what their kind's definition takes, they refer to
objects that no sample is, or Azure's published types lack their version."""


@dataclass(frozen=True)
class Applied:
    """One saved plan, how applying it ended, and what reached Azure meanwhile."""

    plan: dict[str, Any]
    ended: Run
    sent: list[Sent]
    shown: list[Sent]


@dataclass(frozen=True)
class Story:
    """All samples created, then changed, each by a saved plan."""

    problems: list[str]
    created: Applied
    changed: Applied


@pytest.fixture(scope="module")
def story(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Return what happened to the samples; what they lack was supplied first."""
    folder = tmp_path_factory.mktemp("samples")
    options = EmulatorOptions(state=folder / "azure", plain_http=True, retry_after_s=0, keep_bodies=True)
    world = SampleWorld(shared / "aso" / "samples")
    with emulator_thread(options, SystemClock()) as connection, pytest.MonkeyPatch.context() as patch:
        printed = Printed(patch)
        desk = Desk(folder=folder, azure=Azure(connection), patch=patch, capture=printed, name="samples")  # type: ignore[arg-type]
        first = supply(desk, world)
        created = save_and_apply(desk, world)
        world.tag(created.plan["steps"])
        world.write(desk.manifests)
        return Story(first.err.splitlines(), created, save_and_apply(desk, world))


def supply(desk: Desk, world: SampleWorld) -> Run:
    """Plan, and put what the plan waits for into the input, until nothing more can be; return the last plan."""
    while True:
        world.write(desk.manifests)
        planned = desk.plan()
        if not world.supply(w["text"] for s in planned.json["steps"] for w in s.get("waits", ())):
            return planned


def save_and_apply(desk: Desk, world: SampleWorld) -> Applied:
    """Save a plan and apply the file."""
    path = desk.folder / "plan.json"
    desk.run("plan", "--out", str(path))
    desk.azure.forget_traffic()
    ended = desk.run("apply", str(path), "-o", "json", "--yes", "--allow-incomplete", files=False)
    _, record = desk.azure.call("GET", "/_emulator/requests")
    sent = [(w["method"], f"{unquote(w['path'])}?{unquote(w['query'])}", w["body"].encode()) for w in record["writes"]]
    plan = json.loads(path.read_bytes())
    return Applied(plan, ended, sent, list(planned_requests(plan, world)))


def planned_requests(plan: dict[str, Any], world: SampleWorld) -> Iterator[Sent]:
    """Yield the requests of a saved plan with its secrets put back where it says that they belong."""
    for step in plan["steps"]:
        sources = {s["at"]: s["source"] for s in step["preconditions"].get("secrets", ())}
        for request in step.get("requests") or ([step["request"]] if step["request"] else []):
            url = urlsplit(request["url"])
            assert "unknown" not in request, "what is not known is not sent"
            body = copy.deepcopy(request.get("body"))
            for pointer in request.get("masked", ()):
                at = pointer.removeprefix("/body")
                put_back(body, at, secret_of(sources[at], world) if sources[at] else plain_text(step, at, world))
            raw = orjson.dumps(body, option=orjson.OPT_SORT_KEYS) if "body" in request else b""
            yield request["method"], f"{unquote(url.path)}?{unquote(url.query)}", raw


def secret_of(source: str, world: SampleWorld) -> str:
    """Return the secret that the plan names."""
    found = _SOURCE.fullmatch(source)
    assert found is not None, f"the plan does not say which secret it is: {source!r}"
    held = world.objects[found[1], "", "Secret", found[2]]
    if found[3] in held.get("stringData", {}):
        return str(held["stringData"][found[3]])
    return base64.b64decode(held["data"][found[3]]).decode()


def plain_text(step: dict[str, Any], pointer: str, world: SampleWorld) -> str:
    """Return the secret that stands in the sample itself, under the same member name."""
    name = [p for p in pointer.split("/") if not p.isdigit()][-1]
    (found,) = set(texts_under(world.object_of(step["object"])["spec"], name))
    return found


def texts_under(value: Any, name: str) -> Iterator[str]:
    """Yield the texts of all members of this name."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name and isinstance(item, str):
                yield item
            yield from texts_under(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from texts_under(item, name)


def put_back(body: Any, pointer: str, value: str) -> None:
    """Set the value at the pointer."""
    *parents, last = [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]
    for name in parents:
        body = body[int(name)] if isinstance(body, list) else body[name]
    body[int(last) if isinstance(body, list) else last] = value


class Printed:
    """What commands print, where pytest's own capture does not reach: in a fixture of a module."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self.readouterr()

    def readouterr(self) -> Any:
        """Return what was printed since the last time."""
        done = SimpleNamespace(out="", err="")
        for name in ("out", "err"):
            stream = getattr(sys, f"std{name}")
            setattr(done, name, stream.getvalue() if isinstance(stream, io.StringIO) else "")
            self._patch.setattr(sys, f"std{name}", io.StringIO())
        return done


def test_every_sample_is_sent_byte_for_byte_as_planned(story: Story) -> None:
    """Requests of the saved plan, with the secrets it names put back, are the requests that Azure got; no other."""
    created = story.created

    assert len(created.sent) > 750
    assert Counter(created.sent) == Counter(created.shown)
    assert created.ended.json["summary"]["outcomes"]["failed"] == 0


def test_changed_samples_are_sent_byte_for_byte_as_planned(story: Story) -> None:
    """So are updates: each sample whose type takes tags gets one, and networks are PUT with the subnets they hold."""
    changed = story.changed
    bodies = [json.loads(body) for method, _, body in changed.sent if method == "PUT"]
    carried = [b for b in bodies if b.get("properties", {}).get("subnets")]

    assert len(changed.sent) > 300
    assert carried
    assert Counter(changed.sent) == Counter(changed.shown)
    assert changed.ended.json["summary"]["outcomes"]["failed"] == 0


def test_samples_that_cannot_be_created_are_told_with_the_reason(story: Story) -> None:
    """Each sample is created, or its plan or an error says why not."""
    held: dict[str, set[str]] = {reason: set() for reason in NOT_CREATED}
    for step in story.created.plan["steps"]:
        if step["action"] != "create":
            (reason,) = [r for r in NOT_CREATED if r in step["detail"]]
            held[reason].add(f"{step['object']['kind']}/{step['object']['name']}")
    for text in story.problems:
        for name in re.findall(r"error: \S+: [^/]+/(\S+) does not fit its kind", text):
            held["does not fit its kind"].add(name)

    assert held == NOT_CREATED


def test_no_secret_of_the_samples_is_in_the_saved_plan(story: Story) -> None:
    """Of all secrets that were sent not one is in the file."""
    text = json.dumps(story.created.plan)

    assert any("Value-of-" in body.decode() for _, _, body in story.created.sent)
    assert "Value-of-" not in text
