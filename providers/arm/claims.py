"""What a token says of its holder; for the audit log, never for a decision: nothing is verified."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from engine.model.audit import Principal

_LONGEST = 256


def read_principal(headers: Mapping[str, str]) -> Principal:
    """Return whom the bearer token in these headers names; an empty principal where it is no JSON web token.

    Source: the claims of Microsoft's access tokens: ``oid``, ``tid``, ``appid`` (version 1) or ``azp`` (version 2);
    ``upn``, ``unique_name`` or ``preferred_username`` of people.
    """
    token = headers.get("authorization", "").partition(" ")[2]
    claims = _claims(token)
    return Principal(
        name=_first(claims, "upn", "unique_name", "preferred_username"),
        object_id=_first(claims, "oid"),
        app_id=_first(claims, "appid", "azp"),
        tenant_id=_first(claims, "tid"),
    )


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _first(claims: Mapping[str, Any], *names: str) -> str:
    texts = (claims.get(name) for name in names)
    return next((text[:_LONGEST] for text in texts if isinstance(text, str) and text), "")
