"""Asks the API server whose a token is, and what its owner may do. Blocking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from providers.kube.client import KubeClient
from providers.kube.decode import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who holds a token, as the API server knows them."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, list[str]] = field(default_factory=dict)


class _User(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] = []
    extra: dict[str, list[str]] = {}


class _Status(msgspec.Struct):
    authenticated: bool = False
    allowed: bool = False
    user: _User = msgspec.field(default_factory=_User)


class _Review(msgspec.Struct):
    status: _Status = msgspec.field(default_factory=_Status)


_REVIEW = msgspec.json.Decoder(_Review)


def review_token(client: KubeClient, token: str) -> Caller | None:
    """Return whose a token is; None when the cluster does not know it.

    Raises:
        EngineError: The API server does not answer, or refuses to.
    """
    status = _review(client, "authentication.k8s.io", "TokenReview", {"token": token})
    if not status.authenticated:
        return None
    user = status.user
    return Caller(name=user.username, uid=user.uid, groups=tuple(user.groups), extra=user.extra)


def may_read(client: KubeClient, caller: Caller, path: str) -> bool:
    """Whether a caller may GET a path that is no resource of the cluster.

    Raises:
        EngineError: The API server does not answer, or refuses to.
    """
    spec = {
        "user": caller.name,
        "uid": caller.uid,
        "groups": list(caller.groups),
        "extra": dict(caller.extra),
        "nonResourceAttributes": {"path": path, "verb": "get"},
    }
    return _review(client, "authorization.k8s.io", "SubjectAccessReview", spec).allowed


def _review(client: KubeClient, group: str, kind: str, spec: Mapping[str, Any]) -> _Status:
    path = f"/apis/{group}/v1/{kind.lower()}s"
    body = orjson.dumps({"apiVersion": f"{group}/v1", "kind": kind, "spec": spec})
    return decode(_REVIEW, client.send("POST", path, body), path).status
