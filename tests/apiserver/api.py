"""A plain client of the API server: what a test needs to prepare a cluster and to look at it."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Object = dict[str, Any]

_PATIENCE_S = 30.0
_PAUSE_S = 0.02


@dataclass(frozen=True)
class Identity:
    """Who asks: a client certificate, else a bearer token.

    Attributes:
        certificate: With its key beside it, ``.key``.
    """

    certificate: Path | None = None
    token: str = ""


class Api:
    """Sends requests as one identity."""

    def __init__(
        self, url: str, ca: Path, identity: Identity, *, server: Callable[[], subprocess.Popen[bytes]]
    ) -> None:
        self.url = url
        self.ca = ca
        self.identity = identity
        self._server = server
        self._idle: deque[http.client.HTTPSConnection] = deque()
        self._tls = ssl.create_default_context(cafile=str(ca))
        if identity.certificate is not None:
            self._tls.load_cert_chain(identity.certificate, identity.certificate.with_suffix(".key"))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[int, Any]:
        """Send one request; return status and decoded body, text where it is no JSON."""
        headers = {"content-type": content, "accept": accept}
        if self.identity.token:
            headers["authorization"] = f"Bearer {self.identity.token}"
        sent = json.dumps(body) if body is not None else None
        try:
            status, is_json, raw = self._exchange(method, path, sent, headers)
        except (ConnectionError, ssl.SSLError):
            # The server ended the idle connection, or was started anew.
            self.close()
            status, is_json, raw = self._exchange(method, path, sent, headers)
        if status == 401 and self.identity.certificate is not None:
            # Seen once under heavy load: a certificate that is good was refused; over another connection it is not.
            self.close()
            status, is_json, raw = self._exchange(method, path, sent, headers)
        return status, json.loads(raw) if is_json else raw.decode()

    def _exchange(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> tuple[int, bool, bytes]:
        try:
            connection = self._idle.popleft()
        except IndexError:
            connection = http.client.HTTPSConnection(urlsplit(self.url).netloc, timeout=30, context=self._tls)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            raw = answer.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer.status, "json" in (answer.getheader("content-type") or ""), raw

    def close(self) -> None:
        """Close idle connections."""
        while self._idle:
            self._idle.popleft().close()

    def get(self, path: str) -> Any:
        """Return what is there; None where nothing is."""
        status, body = self.call("GET", path)
        assert status in (200, 404), body
        return body if status == 200 else None

    def create(self, path: str, item: Mapping[str, Any]) -> Any:
        """Create an object in a collection."""
        status, body = self.call("POST", path, item)
        assert status == 201, body
        return body

    def patch(self, path: str, changes: Mapping[str, Any]) -> Any:
        """Change members of an object, as a merge patch."""
        status, body = self.call("PATCH", path, changes, content="application/merge-patch+json")
        assert status == 200, body
        return body

    def delete(self, path: str) -> None:
        """Ask for an object to be deleted; finalizers may keep it."""
        status, body = self.call("DELETE", path)
        assert status in (200, 202), body

    def wait_for(self, what: str, is_there: Callable[[], Any]) -> Any:
        """Return what a look gives once it gives something; fail when that takes too long or the server ends."""
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            found = is_there()
            if found:
                return found
            try:
                self._server().wait(_PAUSE_S)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"the API server ended while the test waited for {what}")
        raise AssertionError(f"{what}: not within {_PATIENCE_S:g} s")
