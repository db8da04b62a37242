"""What Azure repeats of a secret is blotted out, in whatever spelling, before anything is cut or shown."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest

from engine.errors import EngineError
from engine.model.document import Secret
from engine.model.ids import ArmId
from engine.model.plan import Request
from engine.model.result import OperationProgress
from providers.arm.answer import Answer
from providers.arm.errors import TEXT_LIMIT
from providers.arm.scrub import Scrubber
from tests.arm_server import ROOT, STORAGE, ScriptedArm, refusal, reply, storage_target

CANARY = 'can "ary"\\ 7&x\nof  two <lines> äö'
RESOURCE = ArmId(f"{ROOT}/resourceGroups/rg/providers/{STORAGE}/a")
POLL = f"{ROOT}/providers/Microsoft.Storage/operations/1"
PUT = Request(
    method="PUT",
    url=f"https://management.azure.com{RESOURCE}?api-version=2023-01-01",
    body={"properties": {"passwords": [Secret(CANARY), Secret("")]}},
)
SPELLINGS = {
    "as it is": CANARY,
    "as JSON in a text": orjson.dumps(CANARY).decode(),
    "as JSON in JSON": orjson.dumps(orjson.dumps({"password": CANARY}).decode()).decode(),
    "in a URL": quote(CANARY, safe=""),
    "in base64": b64encode(CANARY.encode()).decode(),
    "on one line": " ".join(CANARY.split()),
    "one line of it": "of  two <lines> äö",
    "behind much text": "x" * (TEXT_LIMIT - 6) + CANARY,
}
PARTS = ('can "ary"', "7&x", "<lines>", "lines", b64encode(CANARY.encode()).decode()[:12], "can \\")


def shown(text: str) -> list[str]:
    """Return the parts of the secret that a text shows."""
    return [part for part in PARTS if part in text]


def begin(arm: ScriptedArm) -> OperationProgress:
    return asyncio.run(arm.client().begin(PUT, resource=RESOURCE))


@pytest.mark.parametrize("echo", SPELLINGS.values(), ids=SPELLINGS)
def test_a_refusal_does_not_repeat_a_secret(echo: str) -> None:
    """The words of a refused write hold no part of the secret, however it is written and wherever the text is cut."""
    arm = ScriptedArm({f"PUT {RESOURCE}": refusal(400, "InvalidParameter", f"the value {echo} is wrong")})

    with pytest.raises(EngineError) as caught:
        begin(arm)

    assert not shown(f"{caught.value!s} {caught.value!r} {caught.value.detail}")
    assert "the value" in str(caught.value)


@pytest.mark.parametrize(
    "failure",
    [
        {"status": "Failed", "error": {"code": "Bad", "message": f"no {CANARY}"}},
        {"status": "Failed", "error": {"code": CANARY, "details": [{"code": "x", "message": CANARY}]}},
    ],
    ids=["message", "code and details"],
)
def test_a_failed_operation_does_not_repeat_a_secret(failure: dict[str, Any]) -> None:
    """An operation that fails later is told in words without the secret of the request that began it."""
    address = f"https://management.azure.com{POLL}"
    arm = ScriptedArm(
        {f"PUT {RESOURCE}": reply(201, {}, azure_asyncoperation=address), f"GET {POLL}": reply(200, failure)}
    )
    client = arm.client()

    async def follow() -> OperationProgress:
        progress = await client.begin(PUT, resource=RESOURCE)
        return await client.poll(progress.token)

    ended = asyncio.run(follow())

    assert ended.error is not None
    assert not shown(str(ended.error))


def test_a_page_in_the_place_of_an_answer_does_not_repeat_a_secret() -> None:
    """A proxy's page that quotes the request is named by its title without the secret in it."""
    page = f"<html><title>blocked: {SPELLINGS['one line of it']}</title></html>".encode()
    arm = ScriptedArm({f"PUT {RESOURCE}": httpx.Response(403, content=page)})

    with pytest.raises(EngineError) as caught:
        begin(arm)

    assert not shown(str(caught.value))
    assert "web page" in str(caught.value)


def test_reads_after_a_write_do_not_repeat_its_secret() -> None:
    """A read that is refused with an echo of an earlier write is unreadable in words without the secret."""
    target = storage_target("b")
    arm = ScriptedArm({f"PUT {RESOURCE}": reply(200, {}), f"GET {target.id}": refusal(403, "No", f"is {CANARY}")})
    client = arm.client()

    async def write_and_read() -> str:
        await client.begin(PUT, resource=RESOURCE)
        return (await client.fetch(target)).cause

    assert not shown(asyncio.run(write_and_read()))


def test_answers_stay_as_they_are_while_no_secret_is_known() -> None:
    """Without a secret nothing is looked at; words of one or two letters are too common to be blotted out."""
    scrubber, answer = Scrubber(), Answer(status=400, body=b'{"error": {"message": "as a b"}}')

    scrubber.learn({"properties": {"x": Secret("as"), "y": "plain"}})

    assert scrubber.clean(answer) is answer


def test_a_list_that_never_ends_is_no_answer() -> None:
    """Contents of a group whose pages lead in a circle cannot be read; nothing is asked for ever."""
    group = ArmId(f"{ROOT}/resourceGroups/rg")
    path = f"{group}/resources"
    link = f"https://management.azure.com{path}?api-version=2021-04-01&$skiptoken=1"
    arm = ScriptedArm({f"GET {path}": reply(200, {"value": [], "nextLink": link})})

    assert asyncio.run(arm.client().list_children(group)) is None
    assert len(arm.requests) == 2


def test_a_list_with_ever_new_pages_is_given_up() -> None:
    """A list that always names another page is given up after a thousand."""
    group = ArmId(f"{ROOT}/resourceGroups/rg")
    path, count = f"{group}/resources", iter(range(10_000))

    def more(_: httpx.Request) -> httpx.Response:
        return reply(200, {"value": [], "nextLink": f"https://management.azure.com{path}?page={next(count)}"})

    arm = ScriptedArm({f"GET {path}": more})

    assert asyncio.run(arm.client().list_children(group)) is None
    assert len(arm.requests) == 1_000
