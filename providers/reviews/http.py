"""Requests to the interface of a code review system."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final

import certifi
import httpx
import orjson

from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, ThrottledError, UnavailableError
from engine.model.document import Secret

_TIMEOUT_S: Final = 30.0


class Connection:
    """One system with one token; every answer that is no success is an error."""

    def __init__(
        self, base: str, headers: Mapping[str, Secret], *, hint: str, ca_file: str = "", proxy: str = ""
    ) -> None:
        """Connect to nothing yet.

        Args:
            base: Address that paths are below.
            headers: Sent with each request.
            hint: What the token must be allowed to do.
            ca_file: PEM file that replaces the public certificate authorities.
            proxy: Address of an HTTP proxy; empty for none.
        """
        self._base = base.rstrip("/")
        self._headers = headers
        self._hint = hint
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
        self._client = httpx.Client(
            verify=context, trust_env=False, proxy=proxy or None, timeout=_TIMEOUT_S, follow_redirects=False
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, query: Mapping[str, str] | None = None
    ) -> Any:
        """Return the decoded answer to one request.

        Raises:
            EngineError: There was none, or it is no success.
        """
        headers = {name: value.reveal() for name, value in self._headers.items()} | {"Accept": "application/json"}
        content = orjson.dumps(body) if body is not None else None
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            url = f"{self._base}/{path}"
            answer = self._client.request(method, url, params=query, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as exc:
            raise UnavailableError(f"{self._base} does not answer", detail=type(exc).__name__) from None
        if answer.status_code >= 300:
            raise self._error(answer)
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise UnavailableError(f"{self._base} answered something else than JSON", detail=path) from None

    def _error(self, answer: httpx.Response) -> EngineError:
        summary = f"{self._base} refused a request"
        detail = f"HTTP {answer.status_code} {answer.text[:300]}"
        status = answer.status_code
        if status == 429 or (status == 403 and answer.headers.get("Retry-After")):
            return ThrottledError(summary, detail=detail)
        if status in (401, 403, 404) or 300 <= status < 400:
            return PolicyDeniedError(summary, detail=detail, hint=self._hint)
        if status >= 500:
            return UnavailableError(summary, detail=detail)
        return InvalidSpecError(summary, detail=detail)
