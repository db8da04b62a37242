"""Microsoft Graph's groups, as far as its documentation tells: create, upsert, read, filter by name, change, delete.

Source: https://learn.microsoft.com/graph/api/resources/group (version 1.0). Groups live as long as the process.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from providers.emulator.answer import Answer, RefusedError, encode_answer

_UNIQUE = re.compile(r"groups\(uniqueName='((?:[^']|'')+)'\)")
_FILTER = re.compile(r"displayName eq '((?:[^']|'')*)'")
_NEEDED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
_FIXED = ("id", "uniqueName", "isAssignableToRole", "mail")


class Directory:
    """One directory with its groups."""

    def __init__(self) -> None:
        """Hold no group."""
        self._groups: dict[str, dict[str, Any]] = {}

    def answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], raw: bytes
    ) -> Answer:
        """Answer a request; ``path`` is what follows the version."""
        name = unquote(path.strip("/"))
        body = _parse(raw)
        if name == "groups":
            return self._collection(method, query, body)
        unique = _UNIQUE.fullmatch(name)
        if unique is not None:
            return self._by_unique_name(method, unique[1].replace("''", "'"), headers, body)
        kind, _, group_id = name.partition("/")
        if kind == "groups" and group_id:
            return self._one(method, self._find(group_id), body)
        raise RefusedError(400, "BadRequest", f"Resource not found for the segment '{name}'.")

    def _collection(self, method: str, query: Mapping[str, str], body: dict[str, Any]) -> Answer:
        if method == "POST":
            return encode_answer(self._create(body), status=201)
        if method != "GET":
            raise _not_allowed(method)
        found = list(self._groups.values())
        text = query.get("$filter", "")
        if text:
            wanted = _FILTER.fullmatch(text)
            if wanted is None:
                raise RefusedError(400, "Request_UnsupportedQuery", "Unsupported Query.")
            named = wanted[1].replace("''", "'").lower()
            found = [g for g in found if g["displayName"].lower() == named]
        return encode_answer({"value": found})

    def _by_unique_name(self, method: str, unique: str, headers: Mapping[str, str], body: dict[str, Any]) -> Answer:
        found = next((g for g in self._groups.values() if g.get("uniqueName") == unique), None)
        if found is None and method == "PATCH" and "create-if-missing" in headers.get("prefer", ""):
            return encode_answer(self._create(body, unique), status=201)
        if found is None:
            raise _missing(unique)
        return self._one(method, found, body)

    def _one(self, method: str, group: dict[str, Any], body: dict[str, Any]) -> Answer:
        match method:
            case "GET":
                return encode_answer(group)
            case "PATCH":
                _check_nickname(body)
                group.update({k: v for k, v in body.items() if k not in _FIXED})
                return Answer(204)
            case "DELETE":
                del self._groups[group["id"]]
                return Answer(204)
        raise _not_allowed(method)

    def _create(self, body: dict[str, Any], unique: str | None = None) -> dict[str, Any]:
        for member in _NEEDED:
            if member not in body:
                text = f"A value is required for property '{member}' of resource 'Group'."
                raise RefusedError(400, "Request_BadRequest", text)
        _check_nickname(body)
        identifier = str(uuid.uuid4())
        mail = f"{body['mailNickname']}@emulator.invalid" if body["mailEnabled"] else None
        group = {"description": None, "groupTypes": [], "isAssignableToRole": None, **body}
        self._groups[identifier] = {**group, "id": identifier, "mail": mail, "uniqueName": unique}
        return self._groups[identifier]

    def _find(self, group_id: str) -> dict[str, Any]:
        found = self._groups.get(group_id.lower())
        if found is None:
            raise _missing(group_id)
        return found


def _check_nickname(body: Mapping[str, Any]) -> None:
    nickname = str(body.get("mailNickname", "x"))
    if not nickname.isascii() or any(c in '@()\\[]";:<>, ' for c in nickname):
        text = "Invalid value specified for property 'mailNickname' of resource 'Group'."
        raise RefusedError(400, "Request_BadRequest", text)


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.") from None
    return body if isinstance(body, dict) else {}


def _missing(name: str) -> RefusedError:
    text = f"Resource '{name}' does not exist or one of its queried reference-property objects are not present."
    return RefusedError(404, "Request_ResourceNotFound", text)


def _not_allowed(method: str) -> RefusedError:
    return RefusedError(405, "Request_BadRequest", f"Specified HTTP method '{method}' is not allowed.")
