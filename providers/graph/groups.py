"""Implements ``EntraGroups`` over Microsoft Graph's REST interface, version 1.0.

A create is an upsert by a name of our own: sent twice, it is one group
(https://learn.microsoft.com/graph/api/group-upsert).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import certifi
import httpx
import orjson

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, ThrottledError, UnavailableError
from engine.model.group import FoundGroup, GraphAccess, Membership, WantedGroup

_TIMEOUT_S: Final = 30.0
_DYNAMIC, _UNIFIED = "DynamicMembership", "Unified"
_SELECT: Final = {
    "$select": "id,displayName,mailNickname,description,mail,groupTypes,isAssignableToRole",
}


class GraphError(EngineError):
    """Microsoft Graph refused a request."""


class Groups:
    """Groups of any directory; one connection pool."""

    def __init__(self, ca_file: str = "", proxy: str = "") -> None:
        """Connect to nothing yet.

        Args:
            ca_file: PEM file that replaces the public certificate authorities.
            proxy: Address of an HTTP proxy; empty for none.
        """
        self._ca_file = ca_file
        self._proxy = proxy

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """Return the connections; most pods never need them, and reading the public authorities takes its time."""
        context = ssl.create_default_context(cafile=self._ca_file or certifi.where())
        return httpx.AsyncClient(
            verify=context, trust_env=False, proxy=self._proxy or None, timeout=_TIMEOUT_S, follow_redirects=False
        )

    async def close(self) -> None:
        """Close all connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def find(self, access: GraphAccess, group_id: str) -> FoundGroup | None:
        """Return a group by its id; None when there is none."""
        return await self._get(access, f"groups/{quote(group_id, safe='')}")

    async def find_unique(self, access: GraphAccess, unique_name: str) -> FoundGroup | None:
        """Return the group that was created under a name of our own; None when there is none."""
        return await self._get(access, _by_unique_name(unique_name))

    async def find_named(self, access: GraphAccess, display_name: str) -> Sequence[FoundGroup]:
        """Return the groups of a display name: it need not be the only one."""
        wanted = display_name.replace("'", "''")
        status, body = await self._send("GET", access, "groups", {**_SELECT, "$filter": f"displayName eq '{wanted}'"})
        found = body.get("value")
        if status != 200 or not isinstance(found, list):
            raise _strange(access, status)
        return [_read(item) for item in found]

    async def create(self, access: GraphAccess, wanted: WantedGroup) -> FoundGroup:
        """Create a group, or return the one that an earlier try created."""
        path = _by_unique_name(wanted.unique_name)
        await self._send("PATCH", access, path, body=_body(wanted), more={"Prefer": "create-if-missing"})
        found = await self.find_unique(access, wanted.unique_name)
        if found is None:
            raise UnavailableError("Microsoft Graph created a group, and does not show it yet")
        return found

    async def update(self, access: GraphAccess, group_id: str, members: Mapping[str, str]) -> None:
        """Change some members of a group."""
        await self._send("PATCH", access, f"groups/{quote(group_id, safe='')}", body=dict(members))

    async def delete(self, access: GraphAccess, group_id: str) -> None:
        """Delete a group; no error when it is gone."""
        await self._send("DELETE", access, f"groups/{quote(group_id, safe='')}", absent_is_fine=True)

    async def _get(self, access: GraphAccess, path: str) -> FoundGroup | None:
        status, body = await self._send("GET", access, path, _SELECT, absent_is_fine=True)
        return _read(body) if status == 200 else None

    async def _send(
        self,
        method: str,
        access: GraphAccess,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
        absent_is_fine: bool = False,
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {access.token.reveal()}", "Accept": "application/json", **(more or {})}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = orjson.dumps(body) if body is not None else None
        url = f"{access.endpoint}/v1.0/{path}"
        try:
            answer = await self._client.request(method, url, params=query, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as exc:
            raise UnavailableError(f"{access.endpoint} does not answer", detail=type(exc).__name__) from None
        decoded = _decode(answer.content)
        if answer.status_code >= 300 and not (absent_is_fine and answer.status_code == 404):
            raise error_from_answer(access, answer.status_code, answer.headers, decoded)
        return answer.status_code, decoded


def _by_unique_name(unique_name: str) -> str:
    doubled = unique_name.replace("'", "''")
    return f"groups(uniqueName='{quote(doubled, safe='')}')"


def _decode(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def error_from_answer(
    access: GraphAccess, status: int, headers: Mapping[str, str], body: Mapping[str, Any]
) -> EngineError:
    """Return the engine error for an answer that is not success."""
    said = body.get("error")
    error = said if isinstance(said, dict) else {}
    text = f"{error.get('code', status)}: {error.get('message', 'no message')}"
    summary = f"Microsoft Graph at {access.endpoint} refused a request"
    if status == 429:
        seconds = headers.get("Retry-After", "")
        wait = timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
        return ThrottledError(summary, detail=text, retry_after=wait)
    if status >= 500:
        return UnavailableError(summary, detail=text)
    if status in (401, 403):
        hint = "the identity needs the application permission Group.ReadWrite.All"
        return PolicyDeniedError(summary, detail=text, hint=hint)
    return GraphError(summary, detail=text)


def _strange(access: GraphAccess, status: int) -> UnavailableError:
    return UnavailableError(f"{access.endpoint} answered something else than groups", detail=f"HTTP {status}")


def _read(item: Mapping[str, Any]) -> FoundGroup:
    types = item.get("groupTypes") or ()
    is_dynamic, is_m365 = _DYNAMIC in types, _UNIFIED in types
    membership = next(m for m in Membership if (m.is_dynamic, m.is_m365) == (is_dynamic, is_m365))
    return FoundGroup(
        id=str(item.get("id", "")),
        display_name=item.get("displayName") or "",
        mail_nickname=item.get("mailNickname") or "",
        description=item.get("description") or "",
        mail=item.get("mail") or "",
        membership=membership,
        is_assignable_to_role=bool(item.get("isAssignableToRole")),
    )


def _body(wanted: WantedGroup) -> dict[str, Any]:
    membership = wanted.membership or Membership.ASSIGNED
    if membership.is_dynamic:
        raise InvalidSpecError(
            f"a group of membershipType {membership} needs a membership rule, for which the kind has no member",
            hint="create the group with its rule by other means: the object then takes it over by its display name",
        )
    body: dict[str, Any] = {
        "displayName": wanted.display_name,
        "mailNickname": wanted.mail_nickname,
        "mailEnabled": membership.is_m365,
        "securityEnabled": True,
        "groupTypes": [_UNIFIED] if membership.is_m365 else [],
    }
    if wanted.description is not None:
        body["description"] = wanted.description
    if wanted.is_assignable_to_role is not None:
        body["isAssignableToRole"] = wanted.is_assignable_to_role
    return body
