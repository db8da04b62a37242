"""Who is answered at an endpoint: the API server says whose a token is, and whether they may read the path."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engine.app.health import Page, Request
from engine.errors import EngineError
from engine.ports import Clock

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

_ADMITTED_S: Final = 60.0
_REFUSED_S: Final = 10.0
_REMEMBERED: Final = 256
_AT_ONCE: Final = 4
_BEARER: Final = "bearer "
_UNKNOWN: Final = Page(body="a token of the cluster is needed\n", status=401)

Verdict = Page | None
Ask = Callable[[str, str], Verdict]
"""Returns the verdict about a token and a path. Blocking."""


class Gatekeeper:
    """Remembers verdicts for a moment: a minute for those who are let in, ten seconds for the others."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        """Ask nobody yet."""
        self._ask = ask
        self._clock = clock
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._verdicts: OrderedDict[bytes, tuple[float, Verdict]] = OrderedDict()

    async def admit(self, request: Request) -> Verdict:
        """Return why a request is not answered; None when it is."""
        given = request.headers.get("authorization", "")
        token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
        if not token:
            return _UNKNOWN
        key = hashlib.sha256(f"{request.path}\n{token}".encode()).digest()
        known = self._recall(key)
        if known is not None:
            return known[1]
        async with self._slots:
            known = self._recall(key)
            if known is not None:
                return known[1]
            try:
                verdict = await asyncio.to_thread(self._ask, token, request.path)
            except EngineError as exc:
                return Page(body=f"who asks cannot be checked: {exc}\n", status=503)
            self._remember(key, verdict)
            return verdict

    def _recall(self, key: bytes) -> tuple[float, Verdict] | None:
        found = self._verdicts.get(key)
        return found if found is not None and self._clock.monotonic() < found[0] else None

    def _remember(self, key: bytes, verdict: Verdict) -> None:
        lasts = _ADMITTED_S if verdict is None else _REFUSED_S
        self._verdicts[key] = (self._clock.monotonic() + lasts, verdict)
        self._verdicts.move_to_end(key)
        while len(self._verdicts) > _REMEMBERED:
            self._verdicts.popitem(last=False)


def ask_cluster(client: KubeClient) -> Ask:
    """Return what asks the API server of a cluster."""
    from providers.kube.reviews import may_read, review_token

    def ask(token: str, path: str) -> Verdict:
        caller = review_token(client, token)
        if caller is None:
            return _UNKNOWN
        if not may_read(client, caller, path):
            return Page(body=f"{caller.name} may not get {path}\n", status=403)
        return None

    return ask
