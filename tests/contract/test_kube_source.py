"""Reading a cluster over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer, kubeconfig
from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, UnavailableError
from engine.model.state import CustomResource, StatusTrust
from providers.kube.client import KubeClient
from providers.kube.connect import Connection, connect
from providers.kube.discovery import Catalog
from providers.kube.listing import Selection
from providers.kube.service_account import Token, access_of_pod
from providers.kube.source import KubeSource

pytestmark = pytest.mark.loopback

ACCOUNT = FakeKind("storage.azure.com", "StorageAccount", "storageaccounts", ("v1api20230101", "v20250601"))
GROUP = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))
FOREIGN = FakeKind("apps", "Deployment", "deployments", ("v1",))
CATALOG = Catalog(
    groups=frozenset({ACCOUNT.group, GROUP.group}),
    knows=lambda _group, version, kind: kind in ("StorageAccount", "ResourceGroup") and not version.endswith("storage"),
)
ACCOUNTS = "/apis/storage.azure.com/v20250601/storageaccounts"


def build_object(name: str = "app", namespace: str = "default", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "x/y",
        "kind": "Z",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"location": "westus"},
        "status": {"id": "/subscriptions/1"},
    }


def applied_by(version: str) -> list[dict[str, Any]]:
    entry = {"manager": "kubectl", "operation": "Apply", "apiVersion": f"{ACCOUNT.group}/{version}", "fieldsV1": {}}
    return [{**entry, "time": "2026-01-01T00:00:00Z"}]


@pytest.fixture
def kube() -> Iterator[tuple[FakeKube, str]]:
    fake = FakeKube(token="token")
    with KubeServer(fake) as server:
        yield fake, server.url


@pytest.fixture
def source(kube: tuple[FakeKube, str], tmp_path: Path) -> Iterator[Callable[..., KubeSource]]:
    opened: list[KubeSource] = []

    def build(selection: Selection | None = None, **options: str) -> KubeSource:
        path = tmp_path / "config"
        path.write_text(json.dumps(kubeconfig(kube[1], **options)))
        opened.append(KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG, selection))
        return opened[-1]

    yield build
    for one in opened:
        asyncio.run(one.close())


def read(source: KubeSource) -> list[CustomResource]:
    return list(asyncio.run(source.list_resources()))


def names(resources: list[CustomResource]) -> list[str]:
    return [str(r.key) for r in resources]


Build = Callable[..., KubeSource]
Kube = tuple[FakeKube, str]


def test_objects_come_with_what_the_engine_needs(kube: Kube, source: Build) -> None:
    """Spec, identity, annotations, labels and deletion survive; status and the client-side copy do not."""
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "trueup.dev/protect": "true"}
    meta = {"uid": "u", "resourceVersion": "7", "generation": 3, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    kube[0].add(GROUP, build_object(annotations=annotations, labels={"team": "a"}, **meta))

    (found,) = read(source())

    assert (str(found.key), found.key.api_version) == (
        "default/ResourceGroup/app",
        "resources.azure.com/v1api20200601",
    )
    assert found.spec.value == {"location": "westus"}
    assert found.status is None
    assert (found.annotations, found.labels) == ({"trueup.dev/protect": "true"}, {"team": "a"})
    assert (found.uid, found.resource_version, found.generation, found.deleting) == ("u", "7", 3, True)


def test_status_is_kept_on_request(kube: Kube, source: Build) -> None:
    """``keep_status`` adds the status."""
    kube[0].add(GROUP, build_object())

    (found,) = read(source(Selection(keep_status=True)))

    assert found.status is not None
    assert found.status.value == {"id": "/subscriptions/1"}


def test_an_object_without_spec_has_an_empty_one(kube: Kube, source: Build) -> None:
    """A missing or null spec reads as an empty object."""
    for name, rest in (("a", {}), ("b", {"spec": None})):
        kube[0].add(GROUP, {"metadata": {"name": name, "namespace": "default"}, **rest})

    assert [r.spec.value for r in read(source())] == [{}, {}]


def test_lists_are_paged_and_only_known_kinds_are_listed(kube: Kube, source: Build) -> None:
    """1,001 objects take three pages of 500 in the newest version; other kinds are not asked for."""
    kube[0].serve_kind(FOREIGN)
    for number in range(1001):
        kube[0].add(ACCOUNT, build_object(f"a{number:04}"))

    found = read(source())

    assert [r.key.name for r in found] == [f"a{n:04}" for n in range(1001)]
    assert kube[0].counts() == {"/apis": 1, "/api/v1/namespaces": 1, ACCOUNTS: 3}


def test_batches_come_kind_by_kind_in_a_stable_order(kube: Kube, source: Build) -> None:
    """The stream yields one batch per kind that has objects, by group and kind."""
    kube[0].add(ACCOUNT, build_object("s"))
    kube[0].add(GROUP, build_object("g"))

    async def collect() -> list[tuple[str, int]]:
        return [(batch.kind, len(batch.resources)) async for batch in source().stream()]

    assert asyncio.run(collect()) == [("ResourceGroup", 1), ("StorageAccount", 1)]


@pytest.mark.parametrize("aggregated", [True, False], ids=["aggregated", "plain"])
def test_discovery_speaks_to_old_and_new_servers(kube: Kube, source: Build, aggregated: bool) -> None:
    """Servers without aggregated discovery are asked per group and version."""
    kube[0].aggregated = aggregated
    kube[0].serve_kind(FOREIGN)
    kube[0].add(ACCOUNT, build_object())

    assert names(read(source())) == ["default/StorageAccount/app"]
    assert "/apis/apps/v1" not in kube[0].counts()


def test_an_expired_continue_token_starts_the_list_again(kube: Kube, source: Build) -> None:
    """410 in the middle of a list loses and doubles nothing."""
    for number in range(501):
        kube[0].add(ACCOUNT, build_object(f"a{number:04}"))
    kube[0].expire = 1

    assert len(set(names(read(source())))) == 501


def test_a_list_that_always_expires_is_a_problem(kube: Kube, source: Build) -> None:
    """After three attempts the kind is reported and the others go on."""
    for number in range(5000):
        kube[0].add(ACCOUNT, {"metadata": {"name": f"a{number}", "namespace": "n"}})
    kube[0].add(GROUP, build_object())
    kube[0].expire = 99
    tested = source()

    assert names(read(tested)) == ["default/ResourceGroup/app"]
    (problem,) = tested.problems()
    assert isinstance(problem.error, UnavailableError)
    assert problem.origin == "storageaccounts.storage.azure.com"


def test_objects_speak_the_version_they_were_applied_by(kube: Kube, source: Build) -> None:
    """An object applied by another served version is taken from the list in that version."""
    old = build_object("old", managedFields=applied_by("v1api20230101"))
    kube[0].add(ACCOUNT, old, {"v1api20230101": {**old, "spec": {"region": "westus"}}})
    kube[0].add(ACCOUNT, build_object("new"))

    found = {r.key.name: (r.key.version, r.spec.value) for r in read(source())}

    assert found == {
        "old": ("v1api20230101", {"region": "westus"}),
        "new": ("v20250601", {"location": "westus"}),
    }


def test_the_version_most_objects_speak_is_asked_for_first_next_time(kube: Kube, source: Build) -> None:
    """A cluster that speaks one old version costs a second list only in the first pass."""
    for name in ("a", "b"):
        kube[0].add(ACCOUNT, build_object(name, managedFields=applied_by("v1api20230101")))
    tested = source()
    read(tested)
    kube[0].requests.clear()

    read(tested)

    assert kube[0].counts() == {
        "/apis": 1,
        "/api/v1/namespaces": 1,
        "/apis/storage.azure.com/v1api20230101/storageaccounts": 1,
    }


def test_unchanged_objects_are_the_very_same_ones(kube: Kube, source: Build) -> None:
    """What has the same uid, resource version and spec is not built again; the rest is."""
    for number in range(3):
        kube[0].add(GROUP, build_object(f"g{number}", uid=f"u{number}", resourceVersion="1"))
    tested = source()
    first = read(tested)
    stored = kube[0].objects[GROUP.group, GROUP.plural]
    stored[1] = replace(stored[1], raw=stored[1].raw.replace(b'"resourceVersion": "1"', b'"resourceVersion": "2"'))
    stored[2] = replace(stored[2], raw=stored[2].raw.replace(b"westus", b"eastus"))
    kube[0].add(GROUP, build_object("g3", uid="u3", resourceVersion="1"))

    second = read(tested)

    assert [one is two for one, two in zip(first, second, strict=False)] == [True, False, False]
    assert [r.key.name for r in second] == ["g0", "g1", "g2", "g3"]
    assert second[2].spec.value == {"location": "eastus"}


def test_a_namespace_that_changed_makes_its_objects_new(kube: Kube, source: Build) -> None:
    """Objects know the annotations of their namespace as they are now."""
    kube[0].add(GROUP, build_object(uid="u", resourceVersion="1"))
    kube[0].add_namespace("default", {"a": "1"})
    tested = source()
    read(tested)
    kube[0].add_namespace("default", {"a": "2"})

    assert [r.namespace_annotations for r in read(tested)] == [{"a": "2"}]


def test_objects_that_went_and_came_are_found_again(kube: Kube, source: Build) -> None:
    """A list that lost its first object still knows the others."""
    for number in range(4):
        kube[0].add(GROUP, build_object(f"g{number}", uid=f"u{number}", resourceVersion="1"))
    tested = source()
    first = read(tested)
    del kube[0].objects[GROUP.group, GROUP.plural][0]

    second = read(tested)

    assert [one is two for one, two in zip(first[1:], second, strict=True)] == [True, True, True]


def test_a_version_that_is_not_served_cannot_be_spoken(kube: Kube, source: Build) -> None:
    """An object applied by a version that is gone speaks the listed one."""
    kube[0].add(ACCOUNT, build_object(managedFields=applied_by("v1api20190101")))

    assert [r.key.version for r in read(source())] == ["v20250601"]


def test_filters_are_the_servers_work(kube: Kube, source: Build) -> None:
    """Namespaces choose the path, labels go into the query."""
    kube[0].add(GROUP, build_object("a", "one", labels={"team": "a"}))
    kube[0].add(GROUP, build_object("b", "one", labels={"team": "b"}))
    kube[0].add(GROUP, build_object("c", "two", labels={"team": "a"}))
    kube[0].add(GROUP, build_object("d", "three", labels={"team": "a"}))

    found = read(source(Selection(namespaces=("one", "two"), labels="team=a")))

    assert names(found) == ["one/ResourceGroup/a", "two/ResourceGroup/c"]
    assert not any("/three" in line for line in kube[0].requests)


def test_nothing_but_get_is_ever_sent(kube: Kube, source: Build) -> None:
    """The source reads only."""
    kube[0].add(GROUP, build_object())
    kube[0].add_secret("default", "s", {"k": b"v"})
    tested = source()
    read(tested)
    asyncio.run(tested.fetch_secret("default", "s"))

    assert {line.split()[0] for line in kube[0].requests} == {"GET"}


def test_secrets_are_decoded_and_stay_hidden(kube: Kube, source: Build) -> None:
    """A Secret's texts come wrapped; bytes that are no text are left out with a note that names the key only."""
    kube[0].add_secret("default", "login", {"password": "pässword".encode(), "blob": b"\xff\xfe"})
    tested = source()

    found = asyncio.run(tested.fetch_secret("default", "login"))

    assert found is not None
    assert {key: value.reveal() for key, value in found.items()} == {"password": "pässword"}
    assert "pässword" not in repr(found)
    assert tested.notes() == ("Secret default/login: blob holds no text",)


def test_config_maps_are_read_by_get(kube: Kube, source: Build) -> None:
    """A ConfigMap gives its data."""
    kube[0].add_config_map("default", "settings", {"a": "1"})

    assert asyncio.run(source().fetch_config_map("default", "settings")) == {"a": "1"}


@pytest.mark.parametrize("namespaces", [(), ("default",)], ids=["all", "chosen"])
def test_objects_know_the_annotations_of_their_namespace(
    kube: Kube, source: Build, namespaces: tuple[str, ...]
) -> None:
    """Policies may be set on a namespace, so its annotations come with every object."""
    kube[0].add_namespace("default", {"trueup.dev/drift-policy": "report"})
    kube[0].add(GROUP, build_object())

    (found,) = read(source(Selection(namespaces=namespaces)))

    assert found.namespace_annotations == {"trueup.dev/drift-policy": "report"}


def test_namespaces_that_may_not_be_read_are_a_note(kube: Kube, source: Build) -> None:
    """Rights on the objects alone are enough to read them."""
    kube[0].refuse["/api/v1/namespaces"] = 403
    kube[0].add(GROUP, build_object())
    tested = source()

    assert names(read(tested)) == ["default/ResourceGroup/app"]
    assert tested.problems() == ()
    assert "namespaces are not known" in tested.notes()[0]


@pytest.mark.parametrize(("status", "words"), [(403, "may not be read"), (404, "does not exist")])
def test_what_cannot_be_fetched_is_none_with_a_note(kube: Kube, source: Build, status: int, words: str) -> None:
    """A missing or forbidden Secret is no error: the plan says what it could not compare."""
    kube[0].refuse["/api/v1/namespaces/default/secrets/s"] = status
    tested = source()

    assert asyncio.run(tested.fetch_secret("default", "s")) is None
    assert words in tested.notes()[0]


def test_a_kind_that_may_not_be_listed_is_a_problem_and_the_others_go_on(kube: Kube, source: Build) -> None:
    """403 on one list is reported with the resource it needs."""
    kube[0].add(ACCOUNT, build_object())
    kube[0].add(GROUP, build_object())
    kube[0].refuse[ACCOUNTS] = 403
    tested = source()

    assert names(read(tested)) == ["default/ResourceGroup/app"]
    (problem,) = tested.problems()
    assert isinstance(problem.error, PolicyDeniedError)
    assert problem.origin == "storageaccounts.storage.azure.com"


def test_a_kind_removed_after_discovery_has_no_objects(kube: Kube, source: Build) -> None:
    """404 on a list is an empty list."""
    kube[0].add(ACCOUNT, build_object())
    kube[0].refuse[ACCOUNTS] = 404
    tested = source()

    assert (read(tested), tested.problems()) == ([], ())


def test_all_our_kinds_are_looked_for_by_default() -> None:
    """The default catalog knows what the kind catalog knows."""
    catalog = Catalog.of_kinds()

    assert "storage.azure.com" in catalog.groups
    assert catalog.knows("storage.azure.com", "v20250601", "StorageAccount")
    assert not catalog.knows("storage.azure.com", "v20250601storage", "StorageAccount")


def test_a_wrong_token_says_to_log_in_again(kube: Kube, source: Build) -> None:
    """401 is an error about credentials, and the token is not in it."""
    with pytest.raises(PolicyDeniedError, match="log in again") as caught:
        read(source(token="wrong-token"))

    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("text/html", b"<html>log in</html>", "text/html instead of JSON"),
        ("application/json", b'{"items": [{"metadata": {"na', "cannot be read"),
        ("application/json", b"", "cannot be read"),
        ("application/json", b'{"items": "none"}', "cannot be read"),
    ],
    ids=["html", "cut-off", "empty", "wrong-shape"],
)
def test_answers_of_something_else_are_named(
    kube: Kube, source: Build, content_type: str, body: bytes, words: str
) -> None:
    """A proxy's page, half an answer or none is an error that says what came instead."""
    kube[0].answers["/apis"] = (content_type, body)

    with pytest.raises(UnavailableError, match=words):
        read(source())


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (302, UnavailableError, "redirect to /login"),
        (404, EngineError, "no Kubernetes API server"),
        (500, UnavailableError, "HTTP 500"),
    ],
)
def test_a_server_that_refuses_discovery_is_an_error(
    kube: Kube, source: Build, status: int, error: type[EngineError], words: str
) -> None:
    """Without discovery there is nothing to go on with."""
    kube[0].refuse["/apis"] = status

    with pytest.raises(error, match=words):
        read(source())


def test_throttling_is_waited_out_then_reported(kube: Kube, source: Build) -> None:
    """429 is tried again as the server asks, and is a transient error in the end."""
    kube[0].refuse["/api/v1/namespaces/default/secrets/s"] = 429
    tested = source()

    with pytest.raises(EngineError) as caught:
        asyncio.run(tested.fetch_secret("default", "s"))

    assert caught.value.reason == "Throttled"
    assert len(kube[0].requests) == 5


def test_a_dead_server_is_unavailable(tmp_path: Path) -> None:
    """Connection refused names the server and asks whether it is up."""
    with KubeServer(FakeKube()) as server:
        address = server.url
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig(address)))

    with pytest.raises(UnavailableError, match="is the cluster up"):
        read(KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG))


def test_plain_http_behind_https_is_unavailable(kube: Kube, tmp_path: Path) -> None:
    """A failed TLS handshake is an error of the connection."""
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig(kube[1].replace("http:", "https:"))))
    tested = KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG)

    with pytest.raises(UnavailableError, match="did not answer"):
        read(tested)
    asyncio.run(tested.close())


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    """A context that the kubeconfig lacks is the user's to mend."""
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig("http://127.0.0.1:1")))

    with pytest.raises(InvalidSpecError, match=r"'nowhere'.*get-contexts"):
        connect(Connection(kubeconfig=str(path), context="nowhere"))


@pytest.mark.parametrize(
    "text",
    ["", "- a\n- b\n", "contexts: 5\ncurrent-context: a\n", "a: [", "just text", "\x00"],
    ids=["empty", "list", "wrong-type", "broken-yaml", "text", "binary"],
)
def test_a_broken_kubeconfig_is_an_input_error(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, the error names it."""
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(InvalidSpecError, match="kubeconfig"):
        connect(Connection(kubeconfig=str(path)))


def test_a_missing_kubeconfig_is_an_input_error(tmp_path: Path) -> None:
    """No file, no cluster."""
    with pytest.raises(InvalidSpecError, match="No configuration found"):
        connect(Connection(kubeconfig=str(tmp_path / "none")))


def test_a_failing_credential_plugin_tells_what_it_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The plugin's own words are in the error, not beside it."""
    config = kubeconfig("http://127.0.0.1:1")
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", "echo oh no >&2; exit 3"],
    }
    config["users"][0]["user"] = {"exec": plugin}
    path = tmp_path / "config"
    path.write_text(json.dumps(config))

    with pytest.raises(PolicyDeniedError, match="oh no"):
        connect(Connection(kubeconfig=str(path)))
    assert capfd.readouterr() == ("", "")


def test_a_process_outside_a_pod_has_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """In-cluster credentials are only there in a pod."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(InvalidSpecError, match="--context"):
        connect(Connection(in_cluster=True))


def test_a_rotated_token_of_the_pod_is_used(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service account's token is read again when it is due, so a long-lived process keeps its access."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("unused over plain http")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.setattr(Token, "period_s", 0.0)
    access = replace(access_of_pod(tmp_path, parallel=1), host=kube[1])
    tested = KubeSource(KubeClient(access, name="the pod's cluster"), CATALOG)
    kube[0].token = "second"
    token.write_text("second")

    assert read(tested) == []
    asyncio.run(tested.close())


def status_at(generation: int, ready: str = "True") -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "observedGeneration": generation, "reason": "Succeeded"}
    return {"id": "/subscriptions/1", "conditions": [condition]}


@pytest.mark.parametrize(
    ("status", "is_kept"),
    [
        (status_at(3), True),
        (status_at(2), False),
        (status_at(3, "False"), False),
        ({"conditions": "text"}, False),
        ({"conditions": None}, False),
        (None, False),
    ],
)
def test_a_proven_status_is_read_when_asked_for(kube: Kube, source: Build, status: Any, is_kept: bool) -> None:
    """Lists keep no status; asked for, it comes where Ready is True at the object's generation."""
    kube[0].add(GROUP, {**build_object("wanted", generation=3), "status": status})
    reader = source()
    (listed,) = read(reader)

    found = asyncio.run(reader.reread([listed]))

    assert (listed.status, listed.trust) == (None, StatusTrust.NONE)
    assert [(r.key, r.trust, r.status is not None) for r in found] == [
        (listed.key, StatusTrust.SETTLED, True)
    ] * is_kept


def test_the_status_of_many_objects_comes_from_one_list(kube: Kube, source: Build) -> None:
    """Few objects of a kind are read one by one, many by a list of the kind; changed objects are left out."""
    for n in range(60):
        kube[0].add(GROUP, {**build_object(f"group{n}", generation=3), "status": status_at(3)})
    reader = source()
    listed = read(reader)
    kube[0].requests.clear()
    stale = [replace(r, generation=2) for r in listed[:1]]

    found = asyncio.run(reader.reread([*stale, *listed[1:]]))

    assert len(kube[0].requests) == 1
    assert [r.key for r in found] == [r.key for r in listed[1:]]
