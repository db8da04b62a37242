"""Which lists are chosen, without any request."""

from __future__ import annotations

import pytest

from engine.ports import ReadTarget
from providers.arm.choose import ListRead, SingleRead, choose_reads, group_targets
from providers.arm.pages import read_item, split_page
from schemas.operations import ListEndpoint, Operation, TypeOperations
from tests.arm_server import ROOT, storage_target, target

RECORD = "Microsoft.Test/zones/records"
GET_URL = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Test/zones/{zone}/records/{name}"


def operations(*lists: ListEndpoint, methods: tuple[str, ...] = ("GET", "PUT")) -> TypeOperations:
    return TypeOperations(
        arm_type=RECORD,
        evidence="1",
        operations={m: Operation(method=m, url=GET_URL) for m in methods},
        lists=lists,
    )


def record(name: str, zone: str = "z1") -> ReadTarget:
    return target(f"{ROOT}/resourceGroups/rg/providers/Microsoft.Test/zones/{zone}/records/{name}", RECORD)


PARENT = ListEndpoint(scope="parent", url=GET_URL.removesuffix("/{name}"))
MIXED = ListEndpoint(scope="parentMixed", url=GET_URL.replace("/records/{name}", "/all"))
WHOLE = ListEndpoint(scope="subscription", url="/subscriptions/{s}/providers/Microsoft.Test/records")
TARGETS = [record("a"), record("b"), record("c", "z2"), record("d", "z2"), record("e", "z3")]


def plan(
    *lists: ListEndpoint, targets: list[ReadTarget] = TARGETS, excluded: frozenset[str] = frozenset()
) -> list[str]:
    reads = choose_reads(targets, operations(*lists), excluded=excluded)
    return [
        f"list {r.path.rsplit('/', 2)[-2]}" if isinstance(r, ListRead) else f"get {r.target.id.name}" for r in reads
    ]


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param((PARENT,), ["list z1", "list z2", "get e"], id="per-parent-with-a-get-for-one"),
        pytest.param((MIXED,), ["list z1", "list z2", "get e"], id="mixed-children"),
        pytest.param((PARENT, WHOLE), ["list Microsoft.Test"], id="subscription-beats-three-parents"),
        pytest.param((), [f"get {n}" for n in "abcde"], id="no-list"),
    ],
)
def test_cheapest_way(lists: tuple[ListEndpoint, ...], expected: list[str]) -> None:
    """The way with the fewest requests is taken; a parent with one wanted child is a GET."""
    reads = plan(*lists)

    assert reads == expected


@pytest.mark.parametrize(
    "useless",
    [
        pytest.param(ListEndpoint(scope="parent", url=PARENT.url, full_bodies=False), id="thin-items"),
        pytest.param(ListEndpoint(scope="parent", url=PARENT.url, only="global"), id="filtered"),
        pytest.param(ListEndpoint(scope="parent", url=PARENT.url, query=("category",)), id="query-needed"),
        pytest.param(ListEndpoint(scope="related", url=PARENT.url), id="related"),
        pytest.param(ListEndpoint(scope="location", url=PARENT.url), id="location"),
    ],
)
def test_useless_lists(useless: ListEndpoint) -> None:
    """Lists with thin, filtered or unknown contents are not used."""
    reads = plan(useless, targets=[record("a", "z1"), record("b", "z1")])

    assert reads == ["get a", "get b"]


def test_excluded_scopes_are_not_tried_again() -> None:
    """After a scope was refused the next best way is taken."""
    reads = plan(PARENT, WHOLE, excluded=frozenset({"subscription"}))

    assert reads == ["list z1", "list z2", "get e"]


def test_narrow_scope_wins_a_tie() -> None:
    """When one parent holds everything wanted, its list is preferred to the subscription's."""
    reads = plan(WHOLE, PARENT, targets=TARGETS[:2])

    assert reads == ["list z1"]


def test_head_only() -> None:
    """Types without GET are asked by HEAD where their lists do not show them."""
    with_lists = choose_reads(TARGETS, operations(PARENT, methods=("HEAD", "PUT")))
    without = choose_reads(TARGETS, operations(methods=("HEAD", "PUT")))

    assert [r.method for r in with_lists] == ["HEAD"] * 3
    assert [r.method for r in without if isinstance(r, SingleRead)] == ["HEAD"] * 5


def test_groups() -> None:
    """Targets are grouped by subscription, type and version; an id that comes twice counts once."""
    groups = group_targets(
        [
            storage_target("a"),
            storage_target("A"),
            target(storage_target("a").id.text, "microsoft.storage/STORAGEACCOUNTS"),
            target(storage_target("a").id.text, "Microsoft.Storage/storageAccounts", "2024-01-01"),
            target(f"{ROOT}/resourceGroups/rg", "Microsoft.Resources/resourceGroups"),
        ]
    )

    assert [len(g) for g in groups] == [1, 1, 1]
    assert groups[0][0].arm_type == "Microsoft.Resources/resourceGroups"


def test_pages_are_split_not_parsed() -> None:
    """Items keep their bytes as sent, white space included; items without id are left out."""
    body = b'{"nextLink":null, "value":[ {"id":"/a",  "etag":"1"},{"x":1},{"etag":7,"id":"/b"} ]}'

    items, link = split_page(body)

    assert [(i.id, i.etag, i.document.raw) for i in items] == [
        ("/a", "1", b'{"id":"/a",  "etag":"1"}'),
        ("/b", "", b'{"etag":7,"id":"/b"}'),
    ]
    assert link == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"value":null}',
        b'{"value":[{"id":"/a"',
        b"<html>",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_is_no_page(body: bytes) -> None:
    """Anything that is not a list of objects is refused."""
    with pytest.raises(ValueError):
        split_page(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b'{"id":', b'{"id":7}', b'{"a":' * 100_000])
def test_what_is_no_resource(body: bytes) -> None:
    """Anything that is not a JSON object with a text id is refused."""
    with pytest.raises(ValueError):
        read_item(body)
