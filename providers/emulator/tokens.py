"""Access tokens: JSON web tokens signed with the emulator's own key, and how ARM refuses the others."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from providers.emulator.answer import RefusedError
from providers.emulator.applications import Application
from providers.emulator.connection import Identity

_CACHED_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Principal:
    """Who sends a request: the application and its object id."""

    client: str
    object_id: str


class TokenVault:
    """Issues and checks tokens. Checked tokens are remembered, so a request costs one look-up."""

    def __init__(self, identity: Identity, *, takes_any: bool) -> None:
        """Sign with the identity's key; ``takes_any``: over plain HTTP, where no real token must go, any will do."""
        self._identity = identity
        self._takes_any = takes_any
        self._key = bytes.fromhex(identity.signing_key)
        self._checked: dict[str, tuple[Principal, float]] = {}
        self._names: dict[str, Principal] = {}

    def issue(self, audience: str, now: datetime, lifetime: timedelta, application: Application | None = None) -> str:
        """Return a token for an application, the emulator's own unless given."""
        issued = int(now.timestamp())
        client = application.client if application is not None else self._identity.client
        object_id = application.object_id if application is not None else self._identity.object_id
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{self._identity.tenant}/",
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(lifetime.total_seconds()),
            "appid": client,
            "appidacr": "1",
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": self._identity.tenant,
            "ver": "1.0",
        }
        return self.sign(claims)

    def sign(self, claims: dict[str, Any]) -> str:
        """Return claims as a signed token."""
        head = _pack(orjson.dumps({"typ": "JWT", "alg": "HS256"}))
        text = f"{head}.{_pack(orjson.dumps(claims))}"
        return f"{text}.{self._signature(text)}"

    def read(self, token: str) -> dict[str, Any] | None:
        """Return the claims of a token this emulator signed; None for any other."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(text).encode(), signature.encode()):
            return None
        try:
            claims = orjson.loads(unpack(text.partition(".")[2]))
        except ValueError:
            return None
        return claims if isinstance(claims, dict) else None

    def check(self, header: str, audiences: tuple[str, ...], now: datetime) -> Principal:
        """Return who sends a request with this Authorization header.

        Raises:
            RefusedError: 401 in ARM's words: no token, expired, not ours, or for another audience.
        """
        scheme, _, token = header.partition(" ")
        if not token or scheme.lower() != "bearer":
            raise self._refuse("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        if self._takes_any:
            return self._named(token)
        known = self._checked.get(token)
        if known is None:
            known = self._check_once(token, audiences)
        principal, expires = known
        if expires <= now.timestamp():
            self._checked.pop(token, None)
            text = datetime.fromtimestamp(expires, now.tzinfo).strftime("%m/%d/%Y %I:%M:%S %p")
            current = now.strftime("%m/%d/%Y %I:%M:%S %p")
            raise self._refuse(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{text}' is earlier than current UTC time '{current}'.",
            )
        return principal

    def _named(self, token: str) -> Principal:
        """Return whose token it is where it is one of ours; any other is taken for the emulator's own application's."""
        found = self._names.get(token)
        if found is None:
            claims = self.read(token) or {}
            own = self._identity
            found = Principal(str(claims.get("appid", own.client)), str(claims.get("oid", own.object_id)))
            if len(self._names) >= _CACHED_TOKENS:
                self._names.clear()
            self._names[token] = found
        return found

    def _check_once(self, token: str, audiences: tuple[str, ...]) -> tuple[Principal, float]:
        claims = self.read(token)
        if claims is None or "exp" not in claims:
            raise self._refuse("InvalidAuthenticationToken", "The access token is invalid.")
        if str(claims.get("aud", "")).rstrip("/") not in audiences:
            raise self._refuse(
                "InvalidAuthenticationToken",
                f"The access token has been obtained for wrong audience or resource '{claims.get('aud')}'. It should "
                f"exactly match with one of the allowed audiences '{audiences[0]}'.",
            )
        if len(self._checked) >= _CACHED_TOKENS:
            self._checked.clear()
        known = (Principal(str(claims.get("appid", "")), str(claims.get("oid", ""))), float(claims["exp"]))
        self._checked[token] = known
        return known

    def _refuse(self, code: str, message: str) -> RefusedError:
        challenge = (
            f'Bearer authorization_uri="https://login.windows.net/{self._identity.tenant}", '
            f'error="invalid_token", error_description="{message}"'
        )
        return RefusedError(
            401, code, message, headers={"WWW-Authenticate": challenge, "x-ms-failure-cause": "gateway"}
        )

    def _signature(self, text: str) -> str:
        return _pack(hmac.digest(self._key, text.encode(), hashlib.sha256))


def unpack(text: str) -> bytes:
    """Decode base64url without padding.

    Raises:
        ValueError: The text is not base64url.
    """
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as exc:
        raise ValueError("not base64url") from exc


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
