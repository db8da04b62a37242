"""Requests to an API server: bytes or an engine error. Blocking; call it in a thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3.exceptions as http
from urllib3 import Timeout

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidSpecError,
    PolicyDeniedError,
    ThrottledError,
    UnavailableError,
)
from providers.kube.forbidden import explain_forbidden

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from providers.kube.access import Access

TIMEOUT = (10, 90)
"""Seconds to connect, and between two pieces of an answer."""
JSON = "application/json"


class NotFoundError(EngineError):
    """The API server has nothing at this path."""

    reason = "NotFound"


class GoneError(EngineError):
    """The continue token is too old; the list has to start again."""

    reason = "Gone"


class _Status(msgspec.Struct):
    """The part of a ``Status`` object that says what went wrong."""

    message: str = ""
    reason: str = ""


class KubeClient:
    """Plain requests with JSON as bytes: no models."""

    def __init__(self, access: Access, *, name: str) -> None:
        """Take a way to the server; ``name`` says in messages which cluster it is."""
        self._access = access
        self._name = name
        self._credentials = threading.Lock()
        self._host = urlsplit(access.host).netloc or access.host

    def __str__(self) -> str:
        """Name cluster and server for messages."""
        return f"{self._name} ({self._host})"

    @property
    def host(self) -> str:
        """Return the server's host and port: what a cluster is called whatever the context's name is."""
        return str(self._host)

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> bytes:
        """Return the body of a GET.

        Raises:
            NotFoundError: 404.
            GoneError: 410.
            PolicyDeniedError: 401 and 403, an untrusted certificate.
            ThrottledError: 429 after the waits that the server asked for.
            UnavailableError: No answer, not all of it, or not that of a Kubernetes API server.
        """
        try:
            url, sent = self._request(path, query or {}, accept)
            response = self._access.pool.request(
                "GET", url, headers=sent, timeout=Timeout(*TIMEOUT), preload_content=False
            )
            status, headers, body = response.status, response.headers, response.read()
            response.release_conn()
        except http.LocationValueError as exc:
            raise InvalidSpecError(f"The server address of {self} cannot be used", detail=str(exc)) from exc
        except http.HTTPError as exc:
            raise self._no_answer(path, exc) from exc
        if status != 200:
            raise self._refusal(path, status, body, headers)
        if not headers.get("content-type", "").startswith(JSON):
            raise self._foreign(path, headers.get("content-type", ""))
        return body

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        *,
        content_type: str = JSON,
        query: Mapping[str, str] | None = None,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> bytes:
        """Send a request, be it a write, and return the answer's body; nothing is sent twice.

        Raises:
            NotFoundError: 404.
            ConflictError: 409: somebody else was faster, or it is there already.
            InvalidSpecError: 400 and 422: the server refuses what was sent.
            EngineError: As ``get``.
        """
        with self._answer(method, path, query or {}, {"Content-Type": content_type}, body, timeout) as response:
            answer: bytes = response.read()
            if not 200 <= response.status < 300:
                raise self._refusal(path, response.status, answer, response.headers, method)
            return answer

    def watch(self, path: str, query: Mapping[str, str], *, silence_s: float, accept: str = JSON) -> Generator[bytes]:
        """Yield the events of a watch, one line each, until the server ends it or is silent for too long.

        The first line is empty: the server took the watch.

        Raises:
            GoneError: The version to start from is too old.
            EngineError: As ``get``.
        """
        timeout = (TIMEOUT[0], silence_s)
        with self._answer("GET", path, {**query, "watch": "true"}, {"Accept": accept}, None, timeout) as response:
            if response.status != 200:
                raise self._refusal(path, response.status, response.read(), response.headers)
            try:
                yield b""
                yield from _lines(response)
            finally:
                response.close()

    @contextlib.contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: tuple[float, float],
    ) -> Iterator[BaseHTTPResponse]:
        try:
            url, sent = self._request(path, query, JSON)
            response = self._access.pool.request(
                method,
                url,
                body=body,
                headers={**sent, **headers},
                timeout=Timeout(connect=timeout[0], read=timeout[1]),
                preload_content=False,
                retries=False,
            )
            try:
                yield response
            finally:
                response.release_conn()
        except http.HTTPError as exc:
            raise self._no_answer(path, exc, method) from exc

    def close(self) -> None:
        """Close idle connections."""
        self._access.pool.clear()

    def _request(self, path: str, query: Mapping[str, str], accept: str) -> tuple[str, dict[str, str]]:
        """Return URL and headers."""
        with self._credentials:  # Renewing a token changes what all threads share.
            headers = {**self._access.headers(), "Accept": accept}
        asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return f"{self._access.host}{path}{asked}", headers

    def _no_answer(self, path: str, exc: Exception, method: str = "GET") -> EngineError:
        cause = getattr(exc, "reason", None) or exc
        text = " ".join(str(cause).split())
        if "CERTIFICATE" in text.upper():
            return PolicyDeniedError(
                f"The certificate of {self} is not trusted",
                detail=text,
                hint="check certificate-authority and server of the cluster in the kubeconfig",
            )
        return UnavailableError(
            f"{self} did not answer",
            detail=f"{method} {path}: {text}",
            hint="is the cluster up, and does this machine reach it?",
        )

    def _refusal(
        self, path: str, status: int, body: bytes, headers: Mapping[str, str], method: str = "GET"
    ) -> EngineError:
        detail = f"{method} {path}: HTTP {status} {_explain(body)}".rstrip()
        match status:
            case 401:
                return PolicyDeniedError(
                    f"{self} does not accept the credentials",
                    detail=detail,
                    hint="the token is missing, wrong or expired: log in again, `kubectl get namespaces` must work",
                )
            case 403:
                return explain_forbidden(_explain(body), method=method, cluster=str(self), detail=detail)
            case 404:
                return NotFoundError(f"{self} has nothing there", detail=detail)
            case 409:
                return ConflictError(f"{self} has another version of this", detail=detail)
            case 400 | 422:
                return InvalidSpecError(f"{self} refuses what was sent", detail=detail)
            case 410:
                return GoneError(f"{self} forgot where the list was", detail=detail)
            case 429:
                return ThrottledError(f"{self} asks for fewer requests", detail=detail, retry_after=_wait(headers))
        if 300 <= status < 400:
            return self._foreign(path, f"a redirect to {headers.get('location', 'nowhere')}")
        return UnavailableError(f"{self} failed", detail=detail, hint="try again; the server's log knows more")

    def _foreign(self, path: str, what: str) -> UnavailableError:
        return UnavailableError(
            f"{self} does not answer as a Kubernetes API server",
            detail=f"GET {path}: {what or 'no content type'} instead of JSON",
            hint="is this the server's address, or a proxy's or a login page's?",
        )


def _lines(response: BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    for chunk in response.stream(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def _explain(body: bytes) -> str:
    try:
        status = msgspec.json.decode(body, type=_Status)
    except msgspec.MsgspecError:
        return ""
    return status.message or status.reason


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    text = headers.get("retry-after", "")
    return timedelta(seconds=int(text)) if text.isdigit() else None
