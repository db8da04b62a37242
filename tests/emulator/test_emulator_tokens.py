"""The token authority, and how ARM refuses tokens."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from providers.emulator.gateway import Request
from providers.emulator.options import EmulatorOptions
from tests.emulator_driver import BASE, Arm

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def ask(arm: Arm, *, tenant: str = "", **form: str) -> tuple[int, dict[str, Any]]:
    identity = arm.emulator.identity
    known = {"grant_type": "client_credentials", "client_id": identity.client, "scope": f"{BASE}/.default"}
    body = urlencode({k: v for k, v in (known | form).items() if v}).encode()
    path = f"/{tenant or identity.tenant}/oauth2/v2.0/token"
    answer = arm.emulator.authority(Request("POST", path, {}, {}, body, BASE))
    return answer.status, orjson.loads(answer.body)


def test_secret_gives_a_token_that_arm_takes(arm: Arm) -> None:
    """The client secret gives a bearer token with a lifetime, and ARM accepts it."""
    status, token = ask(arm, client_secret=arm.emulator.identity.secret)

    arm.token = token["access_token"]

    assert (status, token["token_type"], token["expires_in"]) == (200, "Bearer", 3599)
    assert arm.get(arm.subscription, api="2022-12-01").status == 200


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({}, 401, "invalid_client", 7000218),
        ({"client_secret": "s", "client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"tenant": "nowhere", "client_secret": "s"}, 400, "invalid_request", 90002),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_assertion": "a.b.c", "client_assertion_type": ASSERTION}, 401, "invalid_client", 700027),
    ],
)
def test_refusals_have_their_aadsts_number(
    arm: Arm, form: dict[str, str], status: int, error: str, number: int
) -> None:
    """Every refusal is an OAuth error document with Microsoft's number and ids to trace it by."""
    got, document = ask(arm, **form)

    assert (got, document["error"], document["error_codes"]) == (status, error, [number])
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert {"trace_id", "correlation_id", "timestamp", "error_uri"} <= document.keys()


def test_unknown_resource_is_refused(arm: Arm) -> None:
    """No token is issued for an audience the tenant does not know."""
    status, document = ask(arm, client_secret=arm.emulator.identity.secret, scope="https://elsewhere.example/.default")

    assert (status, document["error_codes"]) == (400, [500011])


def test_certificate_signs_an_assertion(arm: Arm) -> None:
    """An assertion signed with the client certificate in the state folder gives a token."""
    pem = (arm.emulator.options.state / "client.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    expires = int((arm.clock.now() + timedelta(minutes=5)).timestamp())
    claims = {"sub": arm.emulator.identity.client, "iss": arm.emulator.identity.client, "exp": expires}
    text = ".".join(_pack(orjson.dumps(p)) for p in ({"alg": "RS256"}, claims))
    signed = f"{text}.{_pack(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    status, _ = ask(arm, client_assertion=signed, client_assertion_type=ASSERTION)
    arm.clock.advance(600)
    late, document = ask(arm, client_assertion=signed, client_assertion_type=ASSERTION)

    assert status == 200
    assert (late, document["error_codes"]) == (401, [700024])


def test_federated_token_is_exchanged(arm: Arm) -> None:
    """The token in the state folder stands for a federated identity."""
    token = (arm.emulator.options.state / "federated.jwt").read_text()

    status, _ = ask(arm, client_assertion=token, client_assertion_type=ASSERTION)

    assert status == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "AuthenticationFailed"),
        ("Basic abc", "AuthenticationFailed"),
        ("Bearer foreign.token.x", "InvalidAuthenticationToken"),
    ],
)
def test_arm_refuses_what_is_no_token(arm: Arm, header: str, code: str) -> None:
    """No token, or somebody else's, is a 401 with a challenge."""
    reply = arm.send("GET", arm.subscription, api="2022-12-01", headers={"authorization": header})

    assert (reply.status, reply.code) == (401, code)
    assert reply.headers["WWW-Authenticate"].startswith("Bearer ")


def test_tokens_expire(state: Path) -> None:
    """A token that was good is refused once its time is over."""
    arm = Arm(EmulatorOptions(state=state, token_lifetime_s=60))
    arm.token = ask(arm, client_secret=arm.emulator.identity.secret)[1]["access_token"]
    before = arm.get(arm.subscription, api="2022-12-01").status
    arm.clock.advance(61)

    after = arm.get(arm.subscription, api="2022-12-01")

    arm.close()
    assert before == 200
    assert (after.status, after.code) == (401, "ExpiredAuthenticationToken")


def test_token_for_another_audience_is_refused(arm: Arm) -> None:
    """ARM does not take a token issued for something else."""
    arm.token = arm.emulator._vault.issue("https://vault.example", arm.clock.now(), timedelta(hours=1))

    reply = arm.get(arm.subscription, api="2022-12-01")

    assert (reply.status, reply.code) == (401, "InvalidAuthenticationToken")


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_another_application_signs_in_with_its_own_secret(arm: Arm) -> None:
    """What was added gets tokens of its own name, and only for its own secret."""
    client = "00000000-0000-0000-0000-00000000000a"
    added = arm.control("POST", "applications", {"client": client, "secret": "other"})

    status, token = ask(arm, client_id=client.upper(), client_secret="other")
    refused, why = ask(arm, client_id=client, client_secret=arm.emulator.identity.secret)
    arm.token = token["access_token"]
    claims = orjson.loads(base64.urlsafe_b64decode(arm.token.split(".")[1] + "=="))
    made = arm.put(f"{arm.subscription}/resourceGroups/theirs", {"location": "westeurope"})

    assert (status, refused, why["error_codes"]) == (200, 401, [7000215])
    assert (claims["appid"], claims["oid"]) == (client, added["objectId"])
    assert made.status == 201
