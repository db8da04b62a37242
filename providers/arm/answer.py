"""One HTTP answer as plain data, so that protocol logic needs no client library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from engine.model.document import ABSENT, parse_json

ARM_MARKS = ("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-failure-cause", "x-ms-routing-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back.

    Attributes:
        headers: Names in lower case.
        body: Decoded from its transfer and content encoding.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        """Whether the code is 2xx."""
        return 200 <= self.status < 300

    @property
    def is_silent(self) -> bool:
        """Whether the code says nothing about the resource: 408, 429, redirects and server errors."""
        return self.status in (408, 429) or self.status >= 500 or 300 <= self.status < 400

    @property
    def is_worth_repeating(self) -> bool:
        """Whether the same request may be answered a little later: 408, 429 and server errors."""
        return self.status in (408, 429) or self.status >= 500

    @property
    def is_from_arm(self) -> bool:
        """Whether ARM, and not something on the way, answered: its answers carry request ids."""
        return any(mark in self.headers for mark in ARM_MARKS)

    @property
    def request_id(self) -> str:
        """Return the id to quote to Azure's support; empty when there is none."""
        return self.headers.get("x-ms-request-id") or self.headers.get("x-ms-correlation-request-id") or ""

    @property
    def correlation_id(self) -> str:
        """Return the id that all requests of one operation share in Azure's logs; empty when there is none."""
        return self.headers.get("x-ms-correlation-request-id", "")

    def header(self, name: str) -> str:
        """Return a header by its lower-case name; empty when it is not there."""
        return self.headers.get(name, "")

    def decode(self) -> Any:
        """Return the body as JSON; ABSENT when it is empty, cut short, nested too deeply or another language."""
        if not self.body:
            return ABSENT
        try:
            return parse_json(self.body)
        except ValueError:
            return ABSENT

    def retry_after(self, now: datetime) -> timedelta | None:
        """Return how long the server asks to wait: milliseconds, seconds or a date; None when it does not say."""
        for name in ("retry-after-ms", "x-ms-retry-after-ms"):
            if (value := self.header(name).strip()).isdigit():
                return timedelta(milliseconds=int(value[:9]))
        value = self.header("retry-after").strip()
        if value.isdigit():
            return timedelta(seconds=int(value[:9]))
        moment = _moment(value)
        if moment is None:
            return None
        # By the server's own clock where it shows it: ours may be wrong, or jump.
        return max(moment - (_moment(self.header("date")) or now), timedelta(0))


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
