"""The annotation of an object as memory, in files and in a cluster."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer, kubeconfig
from engine.desired.policy import BASELINE
from engine.model.ids import ArmId
from engine.model.state import Baseline
from engine.runtime.baselines import AnnotationPatch, annotation_patch
from providers.state.folder import StateFolder
from tests.verbs_desk import SECRET_TEXT, Desk, Object, account, group, identity, make_object, secret, server

pytestmark = pytest.mark.loopback

ACCOUNTS = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101",))
GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))


def remembered(desk: Desk, resource: str) -> tuple[Baseline, bytes]:
    """Return what the state folder remembers of a resource, and its key."""
    store = StateFolder(desk.state)
    try:
        return store.load()[ArmId(resource)], store.secret_key()
    finally:
        store.close()


def patch_of(desk: Desk, resource: str, **options: Any) -> AnnotationPatch:
    """Return what a controller with the folder's memory and key would write."""
    baseline, key = remembered(desk, resource)
    return annotation_patch(baseline, secret_key=key, **options)


def annotated(wanted: Object, patch: AnnotationPatch) -> Object:
    """Return the object as it is after a merge patch."""
    made = copy.deepcopy(wanted)
    made["metadata"].setdefault("annotations", {}).update(patch.patch["metadata"]["annotations"])
    return made


def forget(desk: Desk) -> None:
    """Drop what the folder remembers, not its key."""
    store = StateFolder(desk.state)
    store.forget(ArmId(desk.group_id))
    store.close()


def start(desk: Desk, **spec: Any) -> tuple[str, Object]:
    """Apply an account; leave its memory in its annotation alone."""
    wanted = account("app", desk.name, tags={"team": "web", "step": "one"}, **spec)
    desk.write(group(desk.name), wanted)
    desk.apply()
    resource = desk.id_of("account", "app")
    made = annotated(wanted, patch_of(desk, resource))
    shutil.rmtree(desk.state)
    return resource, made


def moves(step: Any) -> list[tuple[str, str, str]]:
    """Return place, kind and origin of each change."""
    return [(c["path"], c["kind"], c["origin"]) for c in step["changes"]]


def test_the_annotation_says_who_moved(desk: Desk) -> None:
    """Drift, an edit of the manifest, both, and a key that left the manifest are told from the annotation alone."""
    resource, wanted = start(desk)
    desk.write(group(desk.name), wanted)
    still = desk.plan()
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool", "minimumTlsVersion": "TLS1_1"}})
    wanted["spec"]["minimumTlsVersion"] = "TLS1_2"
    wanted["spec"]["supportsHttpsTrafficOnly"] = False
    del wanted["spec"]["tags"]["step"]
    desk.write(group(desk.name), wanted)

    assert still.actions["app"] == "noop"
    assert moves(desk.plan().step("app")) == [
        ("/properties/accessTier", "change", "drift"),
        ("/properties/minimumTlsVersion", "change", "both"),
        ("/properties/supportsHttpsTrafficOnly", "change", "user"),
        ("/tags/step", "remove", "user"),
    ]


def test_what_an_annotation_remembers_is_ours(desk: Desk) -> None:
    """Without a state folder it is mended without --adopt, and the folder has learnt it for a later prune."""
    resource, wanted = start(desk)
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})
    desk.write(group(desk.name), wanted)
    desk.apply()
    other = identity("id", desk.name)
    desk.write(group(desk.name), other)

    gone = desk.plan("--prune", "--allow-data-loss")

    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"
    assert gone.actions["app"] == "delete"


def test_what_is_in_sync_by_its_annotation_is_learnt_by_the_folder(desk: Desk) -> None:
    """An apply that sends nothing still takes what the annotation knew into the state folder."""
    resource, wanted = start(desk)
    desk.write(group(desk.name), wanted)

    desk.apply()

    assert desk.azure.writes == []
    assert remembered(desk, resource)[0].desired.value["properties"]["accessTier"] == "Hot"


def test_a_resource_that_is_gone_is_drift(desk: Desk) -> None:
    """A resource whose annotation says that it was there, and which is not, was deleted by somebody."""
    resource, wanted = start(desk)
    desk.azure.call("DELETE", f"{resource}?api-version=2023-01-01")
    desk.write(group(desk.name), wanted)

    assert "web/StorageAccount/app" in desk.run("drift").out


@pytest.fixture
def kube(tmp_path: Path) -> Iterator[tuple[FakeKube, tuple[str, ...]]]:
    fake = FakeKube(token="token")
    path = tmp_path / "kubeconfig"
    with KubeServer(fake) as served:
        path.write_text(json.dumps(kubeconfig(served.url)))
        yield fake, ("--kubeconfig", str(path), "--context", "fake")


def test_objects_of_a_cluster_carry_their_memory(desk: Desk, kube: tuple[FakeKube, tuple[str, ...]]) -> None:
    """A plan from another machine sees from the objects alone what drifted and what left the manifest."""
    resource, wanted = start(desk)
    fake, context = kube
    del wanted["spec"]["tags"]["step"]
    fake.add(GROUPS, group(desk.name))
    fake.add(ACCOUNTS, wanted)
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})

    step = desk.run("plan", "-o", "json", *context, files=False).step("app")

    assert moves(step) == [("/properties/accessTier", "change", "drift"), ("/tags/step", "remove", "user")]


@pytest.mark.parametrize(("age", "told"), [(-1, "drift"), (1, "user")])
def test_the_younger_of_two_memories_counts(desk: Desk, age: int, told: str) -> None:
    """The folder remembers Cool and the annotation Hot, or the other way round: the later write is the one to trust."""
    wanted = account("app", desk.name)
    desk.write(group(desk.name), wanted)
    desk.apply()
    resource = desk.id_of("account", "app")
    baseline, key = remembered(desk, resource)
    stored = replace(baseline, at=datetime(2025, 6, 15, tzinfo=UTC))
    cool = copy.deepcopy(baseline.desired.value)
    cool["properties"]["accessTier"] = "Cool"
    noted = replace(_with_tier(baseline, "Cool"), at=datetime(2025, 6, 15 + age, tzinfo=UTC))
    store = StateFolder(desk.state)
    store.save(stored)
    store.close()
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})
    desk.write(group(desk.name), annotated(wanted, annotation_patch(noted, secret_key=key)))

    assert moves(desk.plan().step("app")) == [("/properties/accessTier", "change", told)]


def _with_tier(baseline: Baseline, tier: str) -> Baseline:
    """Return a memory of having asked for, and got, another tier."""
    bodies = [copy.deepcopy(d.value) for d in (baseline.desired, baseline.actual)]
    for body in bodies:
        body["properties"]["accessTier"] = tier
    return replace(
        baseline, desired=type(baseline.desired)(value=bodies[0]), actual=type(baseline.actual)(value=bodies[1])
    )


def _cut(text: str) -> str:
    return text[: len(text) // 8 * 4]


REFUSED = {
    "cut": (_cut, "damaged"),
    "no baseline": (lambda _: "hello", "not a baseline"),
    "newer": (lambda text: f"2{text[1:]}", "newer release"),
    "long": (lambda text: text + "A" * 300_000, "more than an annotation holds"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_told_and_the_read_is_a_first_one(desk: Desk, name: str) -> None:
    """A damaged, endless or newer annotation is a warning with its line; the drift it would explain is still shown."""
    damage, words = REFUSED[name]
    resource, wanted = start(desk)
    annotations = wanted["metadata"]["annotations"]
    annotations[BASELINE] = damage(annotations[BASELINE])
    desk.write(group(desk.name), wanted)
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Cool"}})

    plan = desk.plan()

    assert moves(plan.step("app")) == [("/properties/accessTier", "change", "unknown")]
    assert f"annotation {BASELINE} is not used" in plan.err
    assert words in plan.err
    assert "app.yaml:" in plan.err


def test_the_memory_of_another_resource_is_not_taken(desk: Desk) -> None:
    """A manifest copied with its annotation says nothing of the resource it now names: it is not ours yet."""
    _, wanted = start(desk)
    desk.write(group(desk.name), account("copy", desk.name))
    desk.apply()
    shutil.rmtree(desk.state)
    wanted["metadata"]["name"] = "copy"
    desk.write(group(desk.name), wanted)

    plan = desk.plan()

    assert plan.actions["copy"] == "adopt"
    assert "another resource" in plan.err
    assert "storageAccounts/app" in plan.err


def test_a_copy_in_the_input_that_differs_by_its_memory_is_the_same_object(desk: Desk) -> None:
    """A dump beside its manifest is told as a double, not as two manifests that contradict each other."""
    _, wanted = start(desk)
    desk.write(group(desk.name), account("app", desk.name, tags={"team": "web", "step": "one"}))
    desk.write(wanted, file="dump")

    plan = desk.plan()

    assert plan.code == 0
    assert "2 times, with the same content" in plan.err


# ---------------------------------------------------------------------- secrets


def start_server(desk: Desk) -> Object:
    """Apply a server with a password; return it with its memory."""
    wanted = server(f"{desk.name}-pg", desk.name)
    desk.write(group(desk.name), wanted, secret())
    desk.apply()
    return annotated(wanted, patch_of(desk, desk.id_of("server", f"{desk.name}-pg")))


def test_a_secret_is_compared_by_the_hash_in_the_annotation(desk: Desk) -> None:
    """With the key it was made with: the same password is no change, another one is the user's."""
    wanted = start_server(desk)
    forget(desk)
    desk.write(group(desk.name), wanted, secret())
    same = desk.plan().step(f"{desk.name}-pg")
    desk.write(group(desk.name), wanted, secret("rotated-2031"))
    other = desk.plan().step(f"{desk.name}-pg")

    assert (same["action"], same["notes"]) == ("noop", [])
    assert moves(other) == [("/properties/administratorLoginPassword", "add", "user")]


@pytest.mark.parametrize("text", [SECRET_TEXT, "rotated-2031"])
def test_a_hash_under_another_key_compares_with_nothing(desk: Desk, text: str) -> None:
    """Neither the same nor another password is called equal or changed: it is not compared, and the plan says so."""
    wanted = start_server(desk)
    shutil.rmtree(desk.state)
    desk.write(group(desk.name), wanted, secret(text))

    step = desk.plan().step(f"{desk.name}-pg")

    assert step["changes"] == []
    assert "secret not compared" in step["notes"]


# ---------------------------------------------------------------------- size


def noise(name: str, length: int) -> str:
    """Return a text that does not compress."""
    return random.Random(name).randbytes(length // 2).hex()


def start_network(desk: Desk, limit: int | None = None) -> tuple[str, Object, AnnotationPatch]:
    """Apply a network whose prefixes do not fit into an annotation; return it with what does."""
    numbers = random.Random(4).sample(range(1 << 24), 12_000 if limit is None else 400)
    prefixes = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32" for n in numbers]
    space = {"addressPrefixes": prefixes}
    spec = {"owner": {"name": desk.name}, "location": "westeurope", "addressSpace": space, "tags": {"a": "1"}}
    wanted = make_object("VirtualNetwork", "network/v1api20240301", "net", spec)
    desk.write(group(desk.name), wanted)
    desk.apply()
    resource = desk.id_of("network", "net")
    patch = patch_of(desk, resource) if limit is None else patch_of(desk, resource, limit=limit)
    shutil.rmtree(desk.state)
    return resource, wanted, patch


def test_a_large_memory_is_shortened_and_says_so(desk: Desk) -> None:
    """64 KiB hold a fingerprint of 12,000 prefixes: plan, drift and explain tell that they moved, and what is lost."""
    resource, wanted, patch = start_network(desk)
    value = patch.patch["metadata"]["annotations"][BASELINE]
    desk.write(group(desk.name), annotated(wanted, patch))
    clean = desk.plan()
    body = desk.azure.get(resource, api="2024-03-01")
    held = body["properties"]["addressSpace"]["addressPrefixes"]
    space = {"addressPrefixes": [*held[:-1], "192.168.0.0/16"]}
    desk.azure.rewrite(resource, api="2024-03-01", properties={**body["properties"], "addressSpace": space})

    plan, drift = desk.plan(), desk.run("drift")
    explained = desk.run("explain", "net")

    assert len(value) <= 64 * 1024
    assert {p.document for p in patch.lost} >= {"desired"}
    assert clean.actions["net"] == "noop"
    changes = plan.step("net")["changes"]
    assert {c["origin"] for c in changes} == {"drift"}
    assert all(c["baselineShortened"] for c in changes)
    assert "remembered only as a fingerprint" in drift.out
    assert "the memory had to be shortened" in explained.out


def test_what_is_not_in_the_shortened_part_is_told_in_full(desk: Desk) -> None:
    """Only the part that did not fit is lost: the tag beside it is remembered with its value."""
    resource, wanted, patch = start_network(desk, limit=1_500)
    desk.write(group(desk.name), annotated(wanted, patch))
    desk.azure.edit_tags(resource, "Merge", {"a": "2"})

    (change,) = desk.plan().step("net")["changes"]

    assert (change["path"], change["origin"], change["baseline"]) == ("/tags/a", "drift", "1")
    assert "baselineShortened" not in change


def test_what_does_not_fit_at_all_is_taken_away(desk: Desk) -> None:
    """A memory of which not even fingerprints fit is no memory: the patch removes an older one."""
    _, _, patch = start_network(desk, limit=100)

    assert patch.is_dropped
    assert patch.patch == {"metadata": {"annotations": {BASELINE: None}}}


# ---------------------------------------------------------------------- snapshots


@pytest.mark.parametrize("state", ["kept", "gone"])
def test_a_snapshot_carries_the_annotation(desk: Desk, state: str) -> None:
    """Plans from a snapshot are those made from the objects, also under another key; no secret is in the file."""
    wanted = start_server(desk)
    forget(desk) if state == "kept" else shutil.rmtree(desk.state)
    damaged = account("odd", desk.name, annotations={BASELINE: "hello"})
    foreign = identity("id", desk.name)
    foreign["metadata"]["annotations"] = dict(wanted["metadata"]["annotations"])
    desk.write(group(desk.name), wanted, damaged, foreign, secret("rotated-2031"))
    desk.azure.edit(
        "PATCH",
        desk.id_of("server", f"{desk.name}-pg"),
        {"properties": {"storage": {"storageSizeGB": 256}}},
        api="2022-12-01",
    )
    file = desk.folder / "now.json"

    live = {verb: desk.run(verb) for verb in ("plan", "drift")}
    desk.run("snapshot", "-o", str(file))
    shutil.rmtree(desk.state, ignore_errors=True)
    played = {verb: desk.run(verb, "--snapshot", str(file), files=False) for verb in ("plan", "drift")}

    assert {v: (r.code, r.out, r.err) for v, r in played.items()} == {
        v: (r.code, r.out, r.err) for v, r in live.items()
    }
    assert ("administratorLoginPassword" in live["plan"].out) is (state == "kept")
    content = file.read_text()
    hashes = [hashlib.sha256(t.encode()).hexdigest() for t in (SECRET_TEXT, "rotated-2031")]
    assert not [t for t in (SECRET_TEXT, "rotated-2031", *hashes) if t in content]
