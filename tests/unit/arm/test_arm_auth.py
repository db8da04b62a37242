"""Which credential variables ask for, tokens that are kept, and words that help."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, UnavailableError
from providers.arm.auth import (
    Authorizer,
    CredentialKind,
    build_authorizer,
    choose_kind,
    clean_message,
    error_from_azure,
    is_microsoft,
    read_certificate,
)
from providers.arm.options import ArmOptions
from providers.arm.token import Token, TokenCell
from tests.fakes import FakeClock

IDS = {
    "AZURE_TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "AZURE_CLIENT_ID": "22222222-2222-4222-8222-222222222222",
}
CANARY = "Canary-4711"


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        pytest.param({}, CredentialKind.PEOPLE, id="nothing"),
        pytest.param(IDS, CredentialKind.MANAGED, id="client-id-alone"),
        pytest.param(IDS | {"AZURE_CLIENT_SECRET": "x"}, CredentialKind.SECRET, id="secret"),
        pytest.param(IDS | {"AZURE_CLIENT_CERTIFICATE": "x"}, CredentialKind.CERTIFICATE, id="aso-certificate"),
        pytest.param(IDS | {"AZURE_CLIENT_CERTIFICATE_PATH": "x"}, CredentialKind.CERTIFICATE, id="certificate-path"),
        pytest.param(
            IDS | {"AZURE_CLIENT_SECRET": "x", "AZURE_CLIENT_CERTIFICATE": "x"},
            CredentialKind.SECRET,
            id="secret-first",
        ),
        pytest.param(IDS | {"AZURE_FEDERATED_TOKEN_FILE": "x"}, CredentialKind.WORKLOAD, id="token-file"),
        pytest.param(IDS | {"AUTH_MODE": "workloadidentity"}, CredentialKind.WORKLOAD, id="mode-workload"),
        pytest.param(IDS | {"AUTH_MODE": "podidentity"}, CredentialKind.MANAGED, id="mode-pod"),
        pytest.param(
            IDS | {"USE_WORKLOAD_IDENTITY_AUTH": "true", "AZURE_CLIENT_SECRET": "x"},
            CredentialKind.WORKLOAD,
            id="operator-setting-first",
        ),
    ],
)
def test_variables_choose_the_credential(variables: Mapping[str, str], kind: CredentialKind) -> None:
    """ASO's order decides: operator setting, secret, certificate, mode, token file, client id, people."""
    chosen = choose_kind(variables)

    assert chosen is kind


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        pytest.param({"AZURE_CLIENT_SECRET": CANARY}, "AZURE_TENANT_ID and AZURE_CLIENT_ID", id="ids-missing"),
        pytest.param({"USE_WORKLOAD_IDENTITY_AUTH": "true"}, "AZURE_TENANT_ID", id="workload-without-ids"),
        pytest.param(IDS | {"AUTH_MODE": "magic"}, "AUTH_MODE", id="unknown-mode"),
        pytest.param({"AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS": "/f"}, "not supported", id="not-supported"),
    ],
)
def test_incomplete_variables_are_named(variables: Mapping[str, str], named: str) -> None:
    """What is missing or unknown is named; the secret's value is not."""
    with pytest.raises(PolicyDeniedError) as caught:
        choose_kind(variables)

    assert named in str(caught.value)
    assert CANARY not in str(caught.value)


def test_certificate_forms(tmp_path: Path) -> None:
    """A certificate is PEM as it is, PKCS#12 in base64, or a file."""
    file = tmp_path / "c.pem"
    file.write_bytes(b"from a file")

    read = [
        read_certificate({"AZURE_CLIENT_CERTIFICATE": "-----BEGIN CERTIFICATE-----"}),
        read_certificate({"AZURE_CLIENT_CERTIFICATE": base64.b64encode(b"\x30pkcs12").decode()}),
        read_certificate({"AZURE_CLIENT_CERTIFICATE_PATH": str(file)}),
    ]

    assert read == [b"-----BEGIN CERTIFICATE-----", b"\x30pkcs12", b"from a file"]


@pytest.mark.parametrize(
    "variables",
    [
        {"AZURE_CLIENT_CERTIFICATE": f"{CANARY} is not base64"},
        {"AZURE_CLIENT_CERTIFICATE": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"},
        {"AZURE_CLIENT_CERTIFICATE_PATH": "/nowhere/c.pem"},
        {"AZURE_CLIENT_SECRET": CANARY, "AZURE_TENANT_ID": "not a tenant!"},
    ],
    ids=["garbage", "broken-pem", "no-file", "bad-tenant"],
)
def test_unusable_credentials_are_refused(variables: dict[str, str]) -> None:
    """A credential that cannot be built is one error with advice and without its contents."""
    with pytest.raises(PolicyDeniedError) as caught:
        build_authorizer(ArmOptions(credential=IDS | variables))

    assert "check AZURE_" in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        (IDS | {"AZURE_CLIENT_SECRET": "x"}, "ClientSecretCredential"),
        (IDS | {"USE_WORKLOAD_IDENTITY_AUTH": "true"}, "WorkloadIdentityCredential"),
        (IDS, "ManagedIdentityCredential"),
        ({}, "ChainedTokenCredential"),
    ],
)
def test_credentials_are_azure_identitys(variables: Mapping[str, str], name: str) -> None:
    """Each kind is built with azure-identity's own class."""
    authorizer = build_authorizer(ArmOptions(credential=variables))

    assert type(authorizer.credential).__name__ == name


def test_plain_text_authority_is_refused() -> None:
    """Secrets are never sent to an authority without TLS."""
    with pytest.raises(InvalidSpecError, match="https"):
        build_authorizer(ArmOptions(credential=IDS | {"AZURE_CLIENT_SECRET": "x"}, authority="http://localhost:1"))


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("https://login.microsoftonline.com", True),
        ("login.microsoftonline.us/", True),
        ("https://LOGIN.partner.microsoftonline.cn", True),
        ("https://127.0.0.1:8443", False),
        ("https://login.microsoftonline.com.evil.example", False),
    ],
)
def test_microsofts_authorities(authority: str, expected: bool) -> None:
    """Instance discovery stays on for Microsoft's authorities only."""
    verdict = is_microsoft(authority)

    assert verdict is expected


class FakeCredential:
    """Stands for a credential of azure-identity."""

    def __init__(self, *outcomes: AccessToken | Exception) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[tuple[str, str]] = []

    def get_token(self, *scopes: str, tenant_id: str = "", **_: Any) -> AccessToken:
        self.asked.append((scopes[0], tenant_id))
        outcome = self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def fetch(fake: FakeCredential, **options: Any) -> Token:
    authorizer = Authorizer(options=ArmOptions(**options), kind=CredentialKind.SECRET, credential=fake)
    return asyncio.run(authorizer.fetch())


def test_audience_becomes_the_scope() -> None:
    """Tokens are asked for the audience, or for the endpoint where none is set."""
    credential = FakeCredential(AccessToken("t", 1))

    fetch(credential, audience="https://management.core.windows.net/")
    fetch(credential, endpoint="https://management.usgovcloudapi.net")

    assert [scope for scope, _ in credential.asked] == [
        "https://management.core.windows.net/.default",
        "https://management.usgovcloudapi.net/.default",
    ]


def test_additional_tenants_get_tokens_of_their_own() -> None:
    """Each additional tenant's token travels in ARM's auxiliary header; ``*`` only allows, it names none."""
    credential = FakeCredential(AccessToken("main", 1), AccessToken("b", 1), AccessToken("c", 1))

    token = fetch(credential, credential={"AZURE_ADDITIONAL_TENANTS": " tb , tc,*"})

    assert token.headers == {
        "authorization": "Bearer main",
        "x-ms-authorization-auxiliary": "Bearer b, Bearer c",
    }
    assert [tenant for _, tenant in credential.asked] == ["", "tb", "tc"]
    assert "main" not in repr(token)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("7000222", "expired"),
        ("7000215", "AZURE_CLIENT_SECRET"),
        ("700016", "AZURE_CLIENT_ID"),
        ("90002", "AZURE_TENANT_ID"),
    ],
)
def test_authority_refusals_say_what_to_do(code: str, named: str) -> None:
    """The authority's code decides the advice; secrets and trace ids are left out."""
    text = f"Authentication failed: AADSTS{code}: {CANARY} is bad. Trace ID: 1 Correlation ID: 2\r\nTimestamp: now"

    with pytest.raises(PolicyDeniedError) as caught:
        fetch(FakeCredential(ClientAuthenticationError(text)), credential={"AZURE_CLIENT_SECRET": CANARY})

    assert named in caught.value.hint
    assert CANARY not in str(caught.value)
    assert "Trace" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_silent_authority_is_transient() -> None:
    """An authority that cannot be reached is no wrong credential."""
    with pytest.raises(UnavailableError, match="AZURE_AUTHORITY_HOST"):
        fetch(FakeCredential(ServiceRequestError("connection refused")))


def test_odd_exceptions_are_mapped_too() -> None:
    """Whatever a credential raises becomes an engine error."""
    error = error_from_azure(RuntimeError("odd"), CredentialKind.WORKLOAD, {})

    assert isinstance(error, PolicyDeniedError)
    assert "AZURE_FEDERATED_TOKEN_FILE" in error.hint


def test_messages_are_cut() -> None:
    """A long message is shortened at a word."""
    text = clean_message("word " * 1000, {})

    assert len(text) <= 242
    assert text.endswith("word …")


def test_messages_keep_what_happened_and_drop_where_to_read_more() -> None:
    """Of what azure-identity says about several credentials, each one's own words are left."""
    raw = (
        "ChainedTokenCredential failed to retrieve a token from the included credentials.\nAttempted credentials:\n"
        "\tAzureCliCredential: Azure CLI not found on path\n"
        "\tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable.\n"
        "To mitigate this issue, please refer to the troubleshooting guidelines here at https://aka.ms/x/troubleshoot."
    )

    assert clean_message(raw, {}) == (
        "AzureCliCredential: Azure CLI not found on path; ManagedIdentityCredential: authentication unavailable"
    )


class Fetches:
    """Counts how often a cell asks for a token."""

    def __init__(self, clock: FakeClock, *outcomes: float | EngineError) -> None:
        self.clock = clock
        self.outcomes = list(outcomes)
        self.count = 0

    async def __call__(self) -> Token:
        outcome = self.outcomes[min(self.count, len(self.outcomes) - 1)]
        self.count += 1
        await asyncio.sleep(0)
        if isinstance(outcome, EngineError):
            raise outcome
        return Token(headers={"authorization": str(self.count)}, expires_on=self.clock.now().timestamp() + outcome)


def test_token_is_fetched_once_for_many() -> None:
    """Callers at the same time share one fetch, later ones the kept token."""
    clock = FakeClock()
    fetches = Fetches(clock, 3600)

    async def ask() -> list[Mapping[str, str]]:
        cell = TokenCell(fetches, clock)
        return [*await asyncio.gather(*(cell.headers() for _ in range(20))), await cell.headers()]

    headers = asyncio.run(ask())

    assert fetches.count == 1
    assert all(h == {"authorization": "1"} for h in headers)


def test_token_is_renewed_ahead_of_its_end() -> None:
    """Five minutes before a token expires a new one is fetched; a rejected one at once."""
    clock = FakeClock()
    fetches = Fetches(clock, 3600)
    cell = TokenCell(fetches, clock)

    async def ask() -> list[str]:
        seen = [(await cell.headers())["authorization"]]
        clock.advance(3299)
        seen.append((await cell.headers())["authorization"])
        clock.advance(2)
        seen.append((await cell.headers())["authorization"])
        cell.reject()
        seen.append((await cell.headers())["authorization"])
        return seen

    assert asyncio.run(ask()) == ["1", "1", "2", "3"]


def test_failure_is_kept_for_a_moment() -> None:
    """A wrong credential is asked for once, not once per resource; half a minute later it is tried again."""
    clock = FakeClock()
    fetches = Fetches(clock, PolicyDeniedError("wrong"))
    cell = TokenCell(fetches, clock)

    async def ask() -> None:
        for _ in range(50):
            with pytest.raises(PolicyDeniedError):
                await cell.headers()
        clock.advance(31)
        with pytest.raises(PolicyDeniedError):
            await cell.headers()

    asyncio.run(ask())

    assert fetches.count == 2


def test_token_outlives_an_absent_authority() -> None:
    """While the authority is away a token that still lives goes on; a refusal of the credential ends it."""
    clock = FakeClock()
    cell = TokenCell(Fetches(clock, 3600, UnavailableError("away"), PolicyDeniedError("expired")), clock)

    async def ask() -> str:
        await cell.headers()
        clock.advance(3400)
        kept = (await cell.headers())["authorization"]
        clock.advance(60)
        with pytest.raises(PolicyDeniedError):
            await cell.headers()
        return kept

    assert asyncio.run(ask()) == "1"
