"""Tokens that ASO left on objects lead to the same polls as ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from engine.errors import InvalidSpecError
from providers.arm.lro import PollKind, decode_poller
from providers.arm.origin import Origin

HOST = "https://management.azure.com"
ORIGIN = Origin.parse(HOST)
URL = f"{HOST}/subscriptions/s/resourceGroups/g?api-version=1"
POLL = f"{HOST}/subscriptions/s/operationresults/1?api-version=1"
BOTH = {"locURL": POLL, "origURL": URL, "method": "PUT", "finalState": "", "state": "InProgress"}


def token(inner: dict[str, Any], kind: str = "GenericResource") -> str:
    return orjson.dumps({"type": kind, "token": inner}).decode()


@pytest.mark.parametrize(
    ("inner", "kind", "resource_url"),
    [
        ({"asyncURL": POLL, **BOTH}, PollKind.OPERATION, URL),
        ({"oplocURL": POLL, **BOTH}, PollKind.OPERATION, URL),
        ({"type": "loc", "pollURL": POLL, "state": "InProgress"}, PollKind.LOCATION, ""),
        ({"type": "body", "pollURL": POLL, "state": "Creating"}, PollKind.RESOURCE, POLL),
    ],
)
def test_each_of_asos_pollers_is_told_by_its_members(inner: dict[str, Any], kind: PollKind, resource_url: str) -> None:
    """The URL is polled as the members say it is to be."""
    found = decode_poller(token(inner), ORIGIN)

    assert (found.url, found.kind, found.resource_url, found.method) == (POLL, kind, resource_url, "PUT")


@pytest.mark.parametrize(
    ("result", "method"),
    [("GenericDeleteResponse", "DELETE"), ("BackupInstancesClientSyncBackupInstanceResponse", "POST")],
)
def test_the_result_type_tells_the_method(result: str, method: str) -> None:
    """A location poller names no method; the Go type of its result does."""
    found = decode_poller(token({"type": "loc", "pollURL": POLL, "state": ""}, result), ORIGIN)

    assert found.method == method


@pytest.mark.parametrize(
    "inner",
    [{}, {"type": "loc"}, {"type": "loc", "pollURL": "https://elsewhere.example/x"}, {"type": "loc", "pollURL": 7}],
)
def test_a_token_that_cannot_be_followed_is_refused(inner: dict[str, Any]) -> None:
    """Members that are missing, of another type, or lead to another host make a token useless."""
    with pytest.raises(InvalidSpecError, match="cannot be resumed"):
        decode_poller(token(inner), ORIGIN)
