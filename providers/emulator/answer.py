"""What goes back over the wire: answers, and refusals in ARM's error shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``body`` is already encoded."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


class RefusedError(Exception):
    """A request that is answered with an error; becomes an :class:`Answer`, never leaves the server."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        target: str | None = None,
        details: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Keep what ARM's error object shows."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.target = target
        self.details = details

    def error(self) -> dict[str, Any]:
        """Return the ``error`` object."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details:
            error["details"] = [dict(d) for d in self.details]
        return error

    def answer(self) -> Answer:
        """Return the answer that is sent."""
        return Answer(self.status, orjson.dumps({"error": self.error()}), self.headers)


def gateway_error(status: int, code: str, message: str) -> RefusedError:
    """Build a refusal that ARM itself makes, before any resource provider sees the request."""
    return RefusedError(status, code, message, headers={"x-ms-failure-cause": "gateway"})


def encode(value: Any) -> bytes:
    """Encode in the order given: Azure's bodies keep theirs."""
    return orjson.dumps(value)


def encode_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status, orjson.dumps(value), headers or {})
