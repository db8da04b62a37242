"""Who a token names, read without verifying it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from engine.model.audit import Principal
from providers.arm.claims import read_principal


def headers(claims: Any) -> dict[str, str]:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return {"authorization": f"Bearer head.{middle}.signature"}


@pytest.mark.parametrize(
    ("claims", "principal"),
    [
        ({"oid": "o", "appid": "a", "tid": "t"}, Principal(object_id="o", app_id="a", tenant_id="t")),
        ({"oid": "o", "azp": "a", "ver": "2.0"}, Principal(object_id="o", app_id="a")),
        ({"upn": "ada@contoso.example", "unique_name": "x"}, Principal(name="ada@contoso.example")),
        ({"preferred_username": "ada"}, Principal(name="ada")),
        ({"oid": 5, "upn": ["a"], "appid": ""}, Principal()),
        (["oid"], Principal()),
    ],
)
def test_the_claims_of_both_token_versions_are_read(claims: Any, principal: Principal) -> None:
    """Applications have ids, people a name as well; what is no text counts as missing."""
    assert read_principal(headers(claims)) == principal


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer plain-http", "Bearer a.b.c", "Bearer a.!!.c", "Bearer a.é.c"])
def test_other_tokens_name_nobody(value: str) -> None:
    """What is no JSON web token gives an empty principal, never an error."""
    assert read_principal({"authorization": value}) == Principal()
