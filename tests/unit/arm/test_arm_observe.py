"""The cheapest reads, and what their answers mean."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from engine.model.state import Presence
from tests.arm_server import ROOT, STORAGE, ScriptedArm, page, refusal, reply, storage_target, target

LIST = f"{ROOT}/providers/{STORAGE}"


def test_many_of_a_type_are_one_list_request() -> None:
    """Resources of one type in several groups cost one subscription list, whatever letter case ARM uses for ids."""
    targets = [storage_target(f"a{i}", group=f"rg{i}") for i in range(5)]
    arm = ScriptedArm({f"GET {LIST}": page(t.id.text.upper() for t in targets)})

    states = arm.observe(targets)

    assert arm.seen == [f"GET {LIST}"]
    assert {s.presence for s in states.values()} == {Presence.PRESENT}


def test_one_group_is_listed_by_itself() -> None:
    """When all wanted resources lie in one group, its list is preferred to the subscription's."""
    targets = [storage_target("a"), storage_target("b")]
    path = f"{ROOT}/resourceGroups/rg/providers/{STORAGE}"
    arm = ScriptedArm({f"GET {path}": page(targets)})

    arm.observe(targets)

    assert arm.seen == [f"GET {path}"]


def test_single_resource_is_a_get() -> None:
    """One resource of a type is read by GET, and its document is the body byte for byte."""
    wanted = storage_target("a")
    arm = ScriptedArm({f"GET {wanted.id}": reply(200, b'{"id": "x",  "etag": "\\"1\\""}')})

    states = arm.observe([wanted])

    state = states[wanted.id.text]
    assert arm.seen == [f"GET {wanted.id}"]
    assert state.document is not None
    assert (state.document.raw, state.etag) == (b'{"id": "x",  "etag": "\\"1\\""}', '"1"')


def test_list_bodies_are_not_parsed() -> None:
    """Items of a list reach the engine as raw bytes; nothing was parsed on the way."""
    targets = [storage_target("a"), storage_target("b")]
    arm = ScriptedArm({}, otherwise=page(targets))
    client = arm.client()

    async def read() -> list[bool]:
        return [
            s.document is not None and s.document.is_parsed async for batch in client.observe(targets) for s in batch
        ]

    parsed = asyncio.run(read())

    assert parsed == [False, False]
    assert client.traffic.bodies_parsed == 0


def test_pages_are_followed_to_the_end() -> None:
    """A nextLink on ARM's host is followed until everything wanted was seen."""
    targets = [storage_target("a", "r1"), storage_target("b", "r2"), storage_target("c", "r3")]
    link = f"https://MANAGEMENT.azure.com:443{LIST}?$skiptoken=2"
    arm = ScriptedArm({f"GET {LIST}": [page(targets[:2], link), page(targets[2:])]})

    states = arm.observe(targets)

    assert len(arm.requests) == 2
    assert all(s.presence is Presence.PRESENT for s in states.values())


def test_next_link_to_another_host_is_not_followed() -> None:
    """A nextLink that leads elsewhere gets no token: what is left is read by GET."""
    targets = [storage_target("a", "r1"), storage_target("b", "r2")]
    arm = ScriptedArm(
        {
            f"GET {LIST}": page(targets[:1], "https://management.azure.com.evil.example/next"),
            f"GET {targets[1].id}": reply(200, {"id": targets[1].id.text}),
        }
    )

    states = arm.observe(targets)

    assert {r.url.host for r in arm.requests} == {"management.azure.com"}
    assert states[targets[1].id.text].presence is Presence.PRESENT


def test_missing_from_a_list_is_decided_by_get() -> None:
    """A list proves no absence: GET says that one resource is there and the other is not."""
    targets = [storage_target(n, f"r{n}") for n in "abc"]
    arm = ScriptedArm(
        {f"GET {LIST}": page(targets[:1]), f"GET {targets[1].id}": reply(200, {"id": targets[1].id.text})}
    )

    states = arm.observe(targets)

    assert [states[t.id.text].presence for t in targets] == [Presence.PRESENT, Presence.PRESENT, Presence.ABSENT]
    assert len(arm.requests) == 3


def test_refused_subscription_list_falls_back_to_groups() -> None:
    """An identity that may only read groups is served by group lists, and by GETs for groups with one resource."""
    targets = [storage_target("a", "r1"), storage_target("b", "r1"), storage_target("c", "r2")]
    group_list = f"{ROOT}/resourceGroups/r1/providers/{STORAGE}"
    arm = ScriptedArm(
        {
            f"GET {LIST}": refusal(403, "AuthorizationFailed"),
            f"GET {group_list}": page(targets[:2]),
            f"GET {targets[2].id}": reply(200, {"id": targets[2].id.text}),
        }
    )

    states = arm.observe(targets)

    assert arm.seen == [f"GET {LIST}", f"GET {group_list}", f"GET {targets[2].id}"]
    assert all(s.presence is Presence.PRESENT for s in states.values())


def test_everything_refused_is_unreadable() -> None:
    """403 at every scope makes each resource unreadable with Azure's words as the cause, never absent."""
    targets = [storage_target("a"), storage_target("b")]
    arm = ScriptedArm({}, otherwise=refusal(403, "AuthorizationFailed", "no role here"))

    states = arm.observe(targets)

    assert {s.presence for s in states.values()} == {Presence.UNREADABLE}
    assert all("no role here" in s.cause for s in states.values())


def test_missing_group_answers_for_everything_in_it() -> None:
    """Once ARM says that a resource group is gone, nothing else in it is asked for."""
    targets = [target(f"{ROOT}/resourceGroups/gone/providers/{STORAGE}/a{i}", STORAGE) for i in range(30)]
    arm = ScriptedArm({}, otherwise=refusal(404, "ResourceGroupNotFound"))

    states = arm.observe(targets)

    assert {s.presence for s in states.values()} == {Presence.ABSENT}
    assert len(arm.requests) == 1


@pytest.mark.parametrize(
    ("answer", "presence"),
    [
        pytest.param(refusal(404, "ResourceNotFound"), Presence.ABSENT, id="resource"),
        pytest.param(refusal(404, "ResourceGroupNotFound"), Presence.ABSENT, id="group"),
        pytest.param(refusal(404, "ParentResourceNotFound"), Presence.ABSENT, id="parent"),
        pytest.param(reply(404), Presence.ABSENT, id="arm-without-body"),
        pytest.param(refusal(404, "SubscriptionNotFound"), Presence.UNREADABLE, id="subscription"),
        pytest.param(refusal(404, "InvalidResourceType"), Presence.UNREADABLE, id="type"),
        pytest.param(httpx.Response(404), Presence.UNREADABLE, id="nobody"),
        pytest.param(httpx.Response(404, text="<html><title>nginx</title>"), Presence.UNREADABLE, id="web-server"),
        pytest.param(refusal(403, "AuthorizationFailed"), Presence.UNREADABLE, id="refused"),
        pytest.param(refusal(401, "InvalidAuthenticationToken"), Presence.UNREADABLE, id="token"),
        pytest.param(refusal(500, "InternalServerError"), Presence.UNREADABLE, id="server-error"),
        pytest.param(httpx.Response(302, headers={"location": "https://login"}), Presence.UNREADABLE, id="redirect"),
        pytest.param(httpx.Response(200, text="<html>Sign in</html>"), Presence.UNREADABLE, id="web-page"),
        pytest.param(reply(200, b'{"id": "/subs'), Presence.UNREADABLE, id="cut-short"),
        pytest.param(reply(200, b"[]"), Presence.UNREADABLE, id="list-instead"),
        pytest.param(reply(200), Presence.UNREADABLE, id="empty"),
        pytest.param(reply(200, b"[" * 100_000), Presence.UNREADABLE, id="nested-deep"),
        pytest.param(httpx.ReadTimeout("slow"), Presence.UNREADABLE, id="timeout"),
        pytest.param(httpx.ConnectError("refused"), Presence.UNREADABLE, id="no-connection"),
        pytest.param(httpx.RemoteProtocolError("cut"), Presence.UNREADABLE, id="cut-connection"),
        pytest.param(reply(200, b"x", content_encoding="gzip"), Presence.UNREADABLE, id="not-gzip"),
    ],
)
def test_what_an_answer_means(answer: httpx.Response | Exception, presence: Presence) -> None:
    """Only ARM's own "not found" is absence; whatever else is no resource is unreadable and says why."""
    wanted = storage_target("a")
    arm = ScriptedArm({}, otherwise=answer)

    state = arm.observe([wanted])[wanted.id.text]

    assert state.presence is presence
    assert bool(state.cause) == (presence is Presence.UNREADABLE)


def test_dead_endpoint_is_not_asked_for_every_resource() -> None:
    """An endpoint that cannot be reached is given up after the first read's retries: all are unreadable."""
    targets = [storage_target(f"a{i}") for i in range(40)] + [
        target(f"{ROOT}/resourceGroups/rg/providers/Microsoft.Unknown/things/t{i}", "Microsoft.Unknown/things")
        for i in range(40)
    ]
    arm = ScriptedArm({}, otherwise=httpx.ConnectError("refused"))

    states = arm.observe(targets)

    assert {s.presence for s in states.values()} == {Presence.UNREADABLE}
    assert len(arm.requests) <= 8 * 5


def test_unknown_types_are_read_by_get() -> None:
    """A type without a known list is read one by one."""
    things = [
        target(f"{ROOT}/resourceGroups/rg/providers/Microsoft.Unknown/things/t{i}", "Microsoft.Unknown/things")
        for i in range(3)
    ]
    arm = ScriptedArm({}, otherwise=lambda r: reply(200, {"id": r.url.path}))

    states = arm.observe(things)

    assert sorted(arm.seen) == [f"GET {t.id}" for t in things]
    assert all(s.presence is Presence.PRESENT for s in states.values())


def test_types_without_get_are_asked_by_head() -> None:
    """Product links of API Management know no GET: the list shows which exist, HEAD decides about the others."""
    link = "Microsoft.ApiManagement/service/products/apis"
    base = f"{ROOT}/resourceGroups/rg/providers/Microsoft.ApiManagement/service/s/products/p/apis"
    targets = [target(f"{base}/{name}", link) for name in "abc"]
    listed = reply(200, {"value": [{"id": f"{base}/a", "properties": {"path": "/of-the-api"}}]})
    arm = ScriptedArm({f"GET {base}": listed, f"HEAD {base}/b": reply(204), f"HEAD {base}/c": reply(404)})

    states = arm.observe(targets)

    documents = [d and d.value for d in (states[t.id.text].document for t in targets)]
    assert [states[t.id.text].presence for t in targets] == [Presence.PRESENT, Presence.PRESENT, Presence.ABSENT]
    assert documents == [{}, {}, None]


def test_resource_groups_are_listed() -> None:
    """Resource groups come from their own list, in ARM's own spelling of the path."""
    groups = [target(f"{ROOT}/resourceGroups/g{i}", "Microsoft.Resources/resourceGroups", "2021-04-01") for i in (1, 2)]
    arm = ScriptedArm({f"GET {ROOT}/resourcegroups": page(groups)})

    arm.observe(groups)

    assert arm.seen == [f"GET {ROOT}/resourcegroups"]


def test_long_chain_of_pages_is_left_for_gets() -> None:
    """Two wanted resources in a list of many pages cost at most two pages and two GETs."""
    targets = [storage_target("a", "r1"), storage_target("b", "r2")]
    link = f"https://management.azure.com{LIST}?$skiptoken=n"
    arm = ScriptedArm({f"GET {LIST}": page([], link)}, otherwise=lambda r: reply(200, {"id": r.url.path}))

    arm.observe(targets)

    assert arm.seen.count(f"GET {LIST}") == 2
    assert len(arm.requests) == 4


def test_stopping_early_leaves_nothing_behind() -> None:
    """A reader that leaves in the middle ends the reads; no task or warning is left."""
    targets = [
        target(f"{ROOT}/resourceGroups/rg/providers/Microsoft.Unknown/things/t{i}", "Microsoft.Unknown/things")
        for i in range(100)
    ]
    arm = ScriptedArm({}, otherwise=lambda r: reply(200, {"id": r.url.path}))

    async def first_only() -> int:
        stream = arm.client().observe(targets)
        async for _ in stream:
            break
        await stream.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(first_only()) == 1
    assert len(arm.requests) < 100


def test_defect_reaches_the_reader() -> None:
    """An unforeseen exception inside a read is raised where the batches are read; it is never swallowed."""
    arm = ScriptedArm({}, otherwise=ZeroDivisionError("defect"))

    with pytest.raises(ExceptionGroup) as caught:
        arm.observe([storage_target("a")])

    assert caught.value.subgroup(ZeroDivisionError) is not None


def test_one_item_that_cannot_be_read_spoils_no_other() -> None:
    """Where an item nested ten thousand levels deep spoils a page, the others are read by themselves."""
    targets = [storage_target(name) for name in ("a", "b", "c")]
    deep = b'{"id":"' + targets[0].id.text.encode() + b'","p":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    spoiled = reply(200, b'{"value":[' + deep + b"]}")
    singles = {f"GET {t.id}": reply(200, {"id": t.id.text}) for t in targets[1:]}
    arm = ScriptedArm({f"GET {targets[0].id}": reply(200, deep), **singles}, otherwise=spoiled)

    states = arm.observe(targets)

    assert [states[t.id.text].presence for t in targets] == [
        Presence.UNREADABLE,
        Presence.PRESENT,
        Presence.PRESENT,
    ]


def test_a_list_that_leads_in_a_circle_ends() -> None:
    """Pages that name each other as the next are left after as many requests as resources are wanted."""
    targets = [storage_target(name) for name in ("a", "b", "c")]
    path = f"{ROOT}/resourceGroups/rg/providers/{STORAGE}"
    circle = page([targets[0]], f"https://management.azure.com{path}?api-version=2023-01-01&$skiptoken=x")
    arm = ScriptedArm({f"GET {path}": circle, f"GET {targets[1].id}": reply(200, {"id": targets[1].id.text})})

    states = arm.observe(targets)

    assert [states[t.id.text].presence for t in targets] == [Presence.PRESENT, Presence.PRESENT, Presence.ABSENT]
    assert len(arm.requests) <= 2 * len(targets)


def test_items_twice_or_without_id_do_no_harm() -> None:
    """The first of two items with one id counts; an item without id, or with one that is no text, is left out."""
    targets = [storage_target(name) for name in ("a", "b")]
    items = [
        {"id": targets[0].id.text, "n": 1},
        {"id": targets[0].id.text, "n": 2},
        {"n": 3},
        {"id": None},
        {"id": 5},
        [],
        7,
    ]
    listed = reply(200, {"value": [*items, {"id": targets[1].id.text}]})
    arm = ScriptedArm({f"GET {ROOT}/resourceGroups/rg/providers/{STORAGE}": listed})

    states = arm.observe(targets)

    assert states[targets[0].id.text].document is not None
    assert states[targets[0].id.text].document.value["n"] == 1
    assert states[targets[1].id.text].presence is Presence.PRESENT
