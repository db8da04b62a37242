"""Reading a cluster over HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.errors import PolicyDeniedError, UnavailableError
from engine.model.state import StatusTrust
from providers.kube.discovery import Catalog
from providers.kube.listing import Selection
from tests.kube_reading import (
    ACCOUNT,
    ACCOUNTS,
    FOREIGN,
    GROUP,
    Build,
    Kube,
    applied_by,
    build_object,
    names,
    read,
)

pytestmark = pytest.mark.loopback


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
