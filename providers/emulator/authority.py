"""The token authority: OAuth 2 client credentials, and the documents clients read before they ask for a token.

Error numbers and texts are those Microsoft documents for its identity platform
(https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from providers.emulator.answer import Answer, encode_answer
from providers.emulator.applications import Application, Applications
from providers.emulator.connection import Identity
from providers.emulator.tokens import TokenVault, unpack

_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"


class TokenRefusedError(Exception):
    """No token; carries the OAuth error and its AADSTS number."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        """Keep what the error document shows."""
        super().__init__(text)
        self.status = status
        self.error = error
        self.number = number
        self.text = text


@dataclass(frozen=True, slots=True)
class Authority:
    """One tenant with its applications.

    Attributes:
        audiences: Resources tokens are issued for, without trailing slash.
        certificate: Signs client assertions of the emulator's own application.
    """

    identity: Identity
    applications: Applications
    vault: TokenVault
    certificate: x509.Certificate
    audiences: tuple[str, ...]
    lifetime: timedelta

    def federated_token(self) -> str:
        """Return a token that may be exchanged for the application's, as a cluster's service account has one."""
        return self.vault.sign(
            {
                "iss": "https://emulator.invalid/federation",
                "sub": "system:serviceaccount:emulator:default",
                "aud": FEDERATED_AUDIENCE,
            }
        )

    def answer(self, method: str, segments: list[str], body: bytes, *, base: str, now: datetime) -> Answer:
        """Answer a request to the authority; 404 for a path it does not have."""
        tenant, rest = segments[0], "/".join(segments[1:]).lower()
        if method == "GET" and rest.endswith(".well-known/openid-configuration"):
            return encode_answer(self._configuration(base, tenant, rest))
        if method == "GET" and "/".join(segments).lower() == "common/discovery/instance":
            return encode_answer(_instance(base))
        if method == "GET" and rest.endswith("discovery/v2.0/keys"):
            return encode_answer({"keys": []})
        if method == "POST" and rest in ("oauth2/v2.0/token", "oauth2/token"):
            form = {k: v[-1] for k, v in parse_qs(body.decode("utf-8", "replace")).items()}
            try:
                return encode_answer(
                    self._token(tenant, form, now, version_1=rest == "oauth2/token"), headers=_NO_STORE
                )
            except TokenRefusedError as exc:
                return _refusal(exc, now)
        return Answer(404)

    def _configuration(self, base: str, tenant: str, rest: str) -> Mapping[str, Any]:
        version = "/v2.0" if rest.startswith("v2.0") else ""
        root = f"{base}/{tenant}"
        return {
            "token_endpoint": f"{root}/oauth2{version}/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{root}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{root}{version}",
            "authorization_endpoint": f"{root}/oauth2{version}/authorize",
            "device_authorization_endpoint": f"{root}/oauth2{version}/devicecode",
            "tenant_region_scope": None,
            "cloud_instance_name": base.partition("://")[2],
        }

    def _token(self, tenant: str, form: Mapping[str, str], now: datetime, *, version_1: bool) -> Mapping[str, Any]:
        application = self._find_application(tenant, form)
        self._check_credential(application, form, now)
        audience = self._audience(form.get("resource") if version_1 else form.get("scope"))
        seconds = int(self.lifetime.total_seconds())
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": self.vault.issue(audience, now, self.lifetime, application),
        }

    def _find_application(self, tenant: str, form: Mapping[str, str]) -> Application:
        if tenant.lower() != self.identity.tenant:
            raise TokenRefusedError(
                400,
                "invalid_request",
                90002,
                f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into "
                "the correct cloud.",
            )
        if "grant_type" not in form:
            raise _missing("grant_type")
        if form["grant_type"] != "client_credentials":
            raise TokenRefusedError(
                400,
                "unsupported_grant_type",
                70003,
                f"The app requested an unsupported grant type '{form['grant_type']}'.",
            )
        found = self.applications.find(form.get("client_id", ""))
        if found is None:
            raise TokenRefusedError(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{form.get('client_id', '')}' was not found in the directory "
                f"'{tenant}'. This can happen if the application has not been installed by the administrator of the "
                "tenant or consented to by any user in the tenant.",
            )
        return found

    def _check_credential(self, application: Application, form: Mapping[str, str], now: datetime) -> None:
        if "client_assertion" in form:
            if form.get("client_assertion_type") != _JWT_BEARER:
                raise _missing("client_assertion_type")
            self._check_assertion(application, form["client_assertion"], now)
        elif "client_secret" not in form:
            raise TokenRefusedError(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        elif not hmac.compare_digest(form["client_secret"].encode(), application.secret.encode()):
            raise TokenRefusedError(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{application.client}'.",
            )

    def _check_assertion(self, application: Application, assertion: str, now: datetime) -> None:
        own = self.vault.read(assertion)
        if own is not None and own.get("aud") == FEDERATED_AUDIENCE:
            return
        claims = self._verify(assertion)
        if claims.get("sub", claims.get("iss")) != self.identity.client or application is not self.applications.own:
            raise TokenRefusedError(
                401, "invalid_client", 700021, "Client assertion application identifier doesn't match."
            )
        if float(claims.get("exp", 0)) < now.timestamp():
            raise TokenRefusedError(
                401, "invalid_client", 700024, "Client assertion is not within its valid time range."
            )

    def _verify(self, assertion: str) -> Mapping[str, Any]:
        head, _, rest = assertion.partition(".")
        body, _, signature = rest.partition(".")
        key = self.certificate.public_key()
        try:
            algorithm = orjson.loads(unpack(head)).get("alg")
            claims = orjson.loads(unpack(body))
            scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if algorithm == "PS256" else padding.PKCS1v15()
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(unpack(signature), f"{head}.{body}".encode(), scheme, hashes.SHA256())
        except (ValueError, AttributeError, InvalidSignature) as exc:
            raise TokenRefusedError(
                401,
                "invalid_client",
                700027,
                "The certificate with identifier used to sign the client assertion is not registered on application.",
            ) from exc
        return claims if isinstance(claims, dict) else {}

    def _audience(self, asked: str | None) -> str:
        if not asked:
            raise _missing("scope")
        if asked.endswith("/.default"):
            asked = asked.removesuffix("/.default")
        resource = asked.rstrip("/")
        if resource not in self.audiences:
            raise TokenRefusedError(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {resource} was not found in the tenant named {self.identity.tenant}. "
                "This can happen if the application has not been installed by the administrator of the tenant.",
            )
        return resource


_NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def _missing(parameter: str) -> TokenRefusedError:
    return TokenRefusedError(
        400,
        "invalid_request",
        900144,
        f"The request body must contain the following parameter: '{parameter}'.",
    )


def _instance(base: str) -> Mapping[str, Any]:
    host = base.partition("://")[2]
    return {
        "tenant_discovery_endpoint": f"{base}/common/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def _refusal(exc: TokenRefusedError, now: datetime) -> Answer:
    stamp = now.strftime("%Y-%m-%d %H:%M:%SZ")
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    document = {
        "error": exc.error,
        "error_description": f"AADSTS{exc.number}: {exc.text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {stamp}",
        "error_codes": [exc.number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={exc.number}",
    }
    return encode_answer(document, exc.status, _NO_STORE)
