"""Which azure-identity credential a set of variables asks for, and what its errors mean.

The synchronous credentials run in a thread, one call at a time: ``azure.identity.aio`` needs aiohttp.
azure-identity is imported when the first token is fetched; it takes a third of a second.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, UnavailableError
from providers.arm.options import ArmOptions
from providers.arm.token import Token

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

ASO_TOKEN_FILE: Final = "/var/run/secrets/tokens/azure-identity"  # noqa: S105 (a path, not a token)
MICROSOFT_AUTHORITIES: Final = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.chinacloudapi.cn",
        "login.partner.microsoftonline.cn",
        "login.usgovcloudapi.net",
    }
)


class CredentialKind(enum.StrEnum):
    """How to prove who we are."""

    SECRET = "client secret"  # noqa: S105 (a name)
    CERTIFICATE = "client certificate"
    WORKLOAD = "workload identity"
    MANAGED = "managed identity"
    PEOPLE = "Azure CLI, else managed identity"


_NEEDS: Final[Mapping[CredentialKind, tuple[str, ...]]] = {
    CredentialKind.SECRET: ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"),
    CredentialKind.CERTIFICATE: ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    CredentialKind.WORKLOAD: ("AZURE_TENANT_ID", "AZURE_CLIENT_ID"),
    CredentialKind.MANAGED: (),
    CredentialKind.PEOPLE: (),
}


def choose_kind(variables: Mapping[str, str]) -> CredentialKind:
    """Return which credential the variables ask for, in ASO's order.

    1. ``USE_WORKLOAD_IDENTITY_AUTH=true`` (ASO's operator settings).
    2. A client secret, then a certificate (ASO's inline one or azure-identity's path).
    3. ``AUTH_MODE``: ``podidentity`` is a managed identity, ``workloadidentity`` what it says.
    4. A federated token file: workload identity. A client id alone: that managed identity.
    5. Nothing: whoever is signed in to Azure CLI, else the machine's identity.

    Raises:
        PolicyDeniedError: A variable is missing or has a value nobody knows.
    """
    kind = _wanted_kind(variables)
    missing = [name for name in _NEEDS[kind] if not variables.get(name)]
    if missing:
        raise PolicyDeniedError(
            f"The {kind} credential is not complete",
            detail=f"{', '.join(missing)} not set",
            hint=f"set {' and '.join(missing)}",
        )
    return kind


def _wanted_kind(variables: Mapping[str, str]) -> CredentialKind:
    if variables.get("USE_WORKLOAD_IDENTITY_AUTH", "").lower() in ("true", "1"):
        return CredentialKind.WORKLOAD
    if variables.get("AZURE_CLIENT_SECRET"):
        return CredentialKind.SECRET
    if variables.get("AZURE_CLIENT_CERTIFICATE") or variables.get("AZURE_CLIENT_CERTIFICATE_PATH"):
        return CredentialKind.CERTIFICATE
    if variables.get("AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS"):
        raise PolicyDeniedError(
            "AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS is not supported",
            hint="use workload identity, a managed identity, a client secret or a client certificate",
        )
    return _kind_by_mode(variables)


def _kind_by_mode(variables: Mapping[str, str]) -> CredentialKind:
    match variables.get("AUTH_MODE", "").lower():
        case "podidentity":
            return CredentialKind.MANAGED
        case "workloadidentity":
            return CredentialKind.WORKLOAD
        case "":
            if variables.get("AZURE_FEDERATED_TOKEN_FILE"):
                return CredentialKind.WORKLOAD
            return CredentialKind.MANAGED if variables.get("AZURE_CLIENT_ID") else CredentialKind.PEOPLE
        case mode:
            raise PolicyDeniedError(
                "AUTH_MODE has an unknown value", detail=mode, hint="it is workloadidentity or podidentity"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """Fetches tokens for ARM with the credential the options ask for."""

    options: ArmOptions
    kind: CredentialKind
    credential: TokenCredential

    @property
    def scope(self) -> str:
        """Return what tokens are asked for."""
        return f"{(self.options.audience or self.options.endpoint).rstrip('/')}/.default"

    async def fetch(self) -> Token:
        """Ask for a token, and one more per additional tenant.

        Raises:
            PolicyDeniedError: The credential is wrong, expired or may not be used.
            UnavailableError: The authority did not answer.
        """
        return await asyncio.to_thread(self._fetch)

    def _fetch(self) -> Token:
        try:
            token = self.credential.get_token(self.scope)
            others = [self.credential.get_token(self.scope, tenant_id=t).token for t in extra_tenants(self.options)]
        except Exception as exc:
            # azure-identity lets through what its many ways to a token raise: requests, msal, subprocess, files.
            # The cause is left out: its frames and messages may hold the secret.
            raise error_from_azure(exc, self.kind, self.options.credential) from None
        headers = {"authorization": f"Bearer {token.token}"}
        if others:
            headers["x-ms-authorization-auxiliary"] = ", ".join(f"Bearer {other}" for other in others)
        return Token(headers=headers, expires_on=float(token.expires_on))


def extra_tenants(options: ArmOptions) -> list[str]:
    """Return the additional tenants whose resources a request may refer to."""
    names = options.credential.get("AZURE_ADDITIONAL_TENANTS", "").split(",")
    return [name.strip() for name in names if name.strip() and name.strip() != "*"]


def build_authorizer(options: ArmOptions) -> Authorizer:
    """Return an authorizer; no request is made yet.

    Raises:
        PolicyDeniedError: Variables are missing, contradictory or unusable.
    """
    # azure-identity warns on its own of what is raised as well; without a handler Python prints that on stderr.
    logging.getLogger("azure").addHandler(logging.NullHandler())
    kind = choose_kind(options.credential)
    if kind not in (CredentialKind.MANAGED, CredentialKind.PEOPLE):
        check_authority(options.authority)
    try:
        credential = _BUILDERS[kind](options, _common(options))
    except (ValueError, OSError, TypeError) as exc:
        raise error_from_azure(exc, kind, options.credential) from None
    return Authorizer(options=options, kind=kind, credential=credential)


def _common(options: ArmOptions) -> dict[str, Any]:
    """Return the arguments that every request-making credential takes."""
    allowed = ["*"] if "*" in options.credential.get("AZURE_ADDITIONAL_TENANTS", "") else extra_tenants(options)
    return {
        "authority": options.authority,
        "disable_instance_discovery": not is_microsoft(options.authority),
        "additionally_allowed_tenants": allowed,
        "retry_total": 1,
        "retry_backoff_factor": 0.2,
        **({"connection_verify": options.ca_file} if options.ca_file else {}),
    }


def is_microsoft(authority: str) -> bool:
    """Whether an authority is one of Microsoft's, which can vouch for itself."""
    host = urlsplit(authority if "://" in authority else f"https://{authority}").hostname or ""
    return host.lower() in MICROSOFT_AUTHORITIES


def _build_secret(options: ArmOptions, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import ClientSecretCredential

    v = options.credential
    return ClientSecretCredential(
        v["AZURE_TENANT_ID"], v["AZURE_CLIENT_ID"], client_secret=v["AZURE_CLIENT_SECRET"], **common
    )


def _build_certificate(options: ArmOptions, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import CertificateCredential

    v = options.credential
    return CertificateCredential(
        v["AZURE_TENANT_ID"],
        v["AZURE_CLIENT_ID"],
        certificate_data=read_certificate(v),
        password=v.get("AZURE_CLIENT_CERTIFICATE_PASSWORD") or None,
        send_certificate_chain=v.get("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "").lower() in ("true", "1"),
        **common,
    )


def read_certificate(variables: Mapping[str, str]) -> bytes:
    """Return the certificate with its key: PEM as it is, PKCS#12 from base64, or the file's bytes."""
    inline = variables.get("AZURE_CLIENT_CERTIFICATE", "")
    if not inline:
        return Path(variables["AZURE_CLIENT_CERTIFICATE_PATH"]).read_bytes()
    if "-----BEGIN" in inline:
        return inline.encode()
    try:
        return base64.b64decode(inline, validate=True)
    except binascii.Error as exc:
        raise ValueError("AZURE_CLIENT_CERTIFICATE is neither PEM nor base64 of PKCS#12") from exc


def _build_workload(options: ArmOptions, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import WorkloadIdentityCredential

    v = options.credential
    return WorkloadIdentityCredential(
        tenant_id=v["AZURE_TENANT_ID"],
        client_id=v["AZURE_CLIENT_ID"],
        token_file_path=v.get("AZURE_FEDERATED_TOKEN_FILE") or ASO_TOKEN_FILE,
        **common,
    )


def _build_managed(options: ArmOptions, _common: dict[str, Any]) -> TokenCredential:
    from azure.identity import ManagedIdentityCredential

    client_id = options.credential.get("AZURE_CLIENT_ID")
    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()


def _build_for_people(options: ArmOptions, common: dict[str, Any]) -> TokenCredential:
    from azure.identity import AzureCliCredential, ChainedTokenCredential

    tenants = common["additionally_allowed_tenants"]
    cli = AzureCliCredential(
        tenant_id=options.credential.get("AZURE_TENANT_ID", ""), additionally_allowed_tenants=tenants
    )
    return ChainedTokenCredential(cli, _build_managed(options, common))


_BUILDERS: Final = {
    CredentialKind.SECRET: _build_secret,
    CredentialKind.CERTIFICATE: _build_certificate,
    CredentialKind.WORKLOAD: _build_workload,
    CredentialKind.MANAGED: _build_managed,
    CredentialKind.PEOPLE: _build_for_people,
}

# What to do about an answer of the authority. Source: Microsoft's list of Entra authentication error codes.
_ADVICE: Final[Mapping[str, str]] = {
    "7000222": "the client secret has expired: make a new one and set AZURE_CLIENT_SECRET",
    "7000215": "AZURE_CLIENT_SECRET is wrong: it must be the secret's value, not its id",
    "7000216": "the application needs a secret or a certificate: set AZURE_CLIENT_SECRET",
    "700016": "AZURE_CLIENT_ID is not known in the tenant of AZURE_TENANT_ID",
    "90002": "AZURE_TENANT_ID is not a tenant of this cloud; check AZURE_AUTHORITY_HOST too",
    "900023": "AZURE_TENANT_ID is not a valid tenant",
    "500011": "AZURE_RESOURCE_MANAGER_AUDIENCE is not known in the tenant",
    "700027": "the client certificate is not registered with the application, or has expired",
    "700024": "the federated token has expired: the token file is not renewed",
    "70021": "no federated credential of the application fits the token's issuer and subject",
    "700211": "no federated credential of the application fits the token's issuer",
    "700212": "no federated credential of the application fits the token's audience",
    "700213": "no federated credential of the application fits the token's subject",
    "53003": "a conditional access policy forbids the sign-in",
    "50034": "AZURE_CLIENT_ID is not known in the tenant of AZURE_TENANT_ID",
}
_VARIABLES: Final[Mapping[CredentialKind, str]] = {
    CredentialKind.SECRET: "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
    CredentialKind.CERTIFICATE: "check AZURE_CLIENT_CERTIFICATE (or ..._PATH) and AZURE_CLIENT_CERTIFICATE_PASSWORD",
    CredentialKind.WORKLOAD: "check AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID and AZURE_TENANT_ID",
    CredentialKind.MANAGED: "this machine has no such managed identity; check AZURE_CLIENT_ID",
    CredentialKind.PEOPLE: "sign in with 'az login', or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET",
}
_SENSITIVE: Final = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE", "AZURE_CLIENT_CERTIFICATE_PASSWORD")


def error_from_azure(exc: Exception, kind: CredentialKind, variables: Mapping[str, str]) -> EngineError:
    """Return the engine error for whatever azure-identity raised; values of secrets are blotted out.

    Network trouble and answers in another language are UnavailableError, all else PolicyDeniedError.
    """
    text = clean_message(str(exc) or type(exc).__name__, variables)
    if _is_away(exc):
        hint = "check the network and AZURE_AUTHORITY_HOST"
        if "CERTIFICATE_VERIFY_FAILED" in str(exc):
            hint = "set SSL_CERT_FILE and REQUESTS_CA_BUNDLE to the file of its certificate authority"
        return UnavailableError("The token authority did not answer", detail=text, hint=hint)
    code = re.search(r"AADSTS(\d+)", str(exc))
    hint = _ADVICE.get(code[1], _VARIABLES[kind]) if code else _VARIABLES[kind]
    return PolicyDeniedError(f"No token could be had by {kind}", detail=text, hint=hint)


def _is_away(exc: BaseException) -> bool:
    """Whether nobody answered, or not in the authority's language; azure-identity wraps that in other exceptions."""
    seen: BaseException | None = exc
    while seen is not None:
        status = getattr(seen, "status_code", None) or 0
        if status == 429 or status >= 500 or {cls.__name__ for cls in type(seen).__mro__} & _AWAY:
            return True
        seen = seen.__cause__ or seen.__context__
    return False


_AWAY: Final = frozenset(
    {
        "ServiceRequestError",
        "ServiceResponseError",
        "DecodeError",
        "StreamConsumedError",
        "StreamClosedError",
        "ResponseNotReadError",
        "ConnectionError",
        "TimeoutError",
    }
)


_LONGEST: Final = 240
_BOILERPLATE: Final = re.compile(
    r"\s+Trace ID:.*|\w+ failed to retrieve a token from the included credentials\.|Attempted credentials:"
    r"|(?:To mitigate this issue|Please visit|To troubleshoot|For more information)\b[^\n]*https?://\S+"
)
_TWICE: Final = re.compile(r"\b(\w+Credential): \1 ")


def clean_message(text: str, variables: Mapping[str, str]) -> str:
    """Return what a message says, without any secret of ours and without advice to read elsewhere, on a short line."""
    for name in _SENSITIVE:
        if value := variables.get(name):
            text = text.replace(value, "***")
    lines = (_BOILERPLATE.sub("", line).strip() for line in text.splitlines())
    kept = [line for line in lines if line and not line.startswith(("Trace ID", "Correlation ID", "Timestamp"))]
    told = _TWICE.sub(r"\1: ", "; ".join(line.rstrip(".") for line in kept))
    return told if len(told) <= _LONGEST else told[:_LONGEST].rpartition(" ")[0] + " …"


def check_authority(authority: str) -> str:
    """Return the authority.

    Raises:
        InvalidSpecError: It is not an https address; azure-identity insists on https.
    """
    if urlsplit(authority).scheme != "https":
        raise InvalidSpecError(
            "The token authority is not usable",
            detail=authority,
            hint="AZURE_AUTHORITY_HOST must be an https address",
        )
    return authority
