"""Blots out of Azure's answers the secrets that were sent to it: refusals repeat what they refuse."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from html import escape
from typing import Any, Final
from urllib.parse import quote, quote_plus

import orjson

from engine.model.document import ABSENT, MASK, Secret
from providers.arm.answer import Answer

SHORTEST: Final = 3
_SHORTEST_LINE: Final = 12


class Scrubber:
    """Remembers every secret of the requests of one run, in all spellings an answer may have. Held in memory only."""

    __slots__ = ("_known", "_spellings")

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: set[str] = set()
        self._spellings: tuple[str, ...] = ()

    def learn(self, body: Any) -> None:
        """Remember the secrets of a request's body before it is sent."""
        new = {secret for secret in _secrets(body) if len(secret) >= SHORTEST} - self._known
        if new:
            self._known |= new
            spellings = {s for secret in self._known for s in _spell(secret)}
            self._spellings = tuple(sorted(spellings, key=len, reverse=True))

    def clean(self, answer: Answer) -> Answer:
        """Return an answer with ``***`` for every secret in it; only for answers that end up in words."""
        if not self._spellings or not answer.body:
            return answer
        value = answer.decode()
        if value is ABSENT:
            return replace(answer, body=self.clean_text(answer.body.decode("utf-8", "replace")).encode())
        return replace(answer, body=orjson.dumps(self._clean_value(value)))

    def clean_text(self, text: str) -> str:
        """Return the text with ``***`` for every secret in it."""
        for spelling in self._spellings:
            text = text.replace(spelling, MASK)
        return text

    def _clean_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean_text(value)
        if isinstance(value, dict):
            return {self.clean_text(key): self._clean_value(item) for key, item in value.items()}
        return [self._clean_value(item) for item in value] if isinstance(value, list) else value


def _secrets(value: Any) -> set[str]:
    if isinstance(value, Secret):
        return {value.reveal()}
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return {text for item in inner for text in _secrets(item)}


def _spell(secret: str) -> set[str]:
    """Return how an answer may write a secret: as it is, escaped, encoded, or a line of it alone."""
    lines = [line.strip() for line in secret.splitlines()]
    wholes = {secret, secret.strip(), *(line for line in lines if len(line) >= _SHORTEST_LINE)}
    out: set[str] = set()
    for text in wholes:
        escaped = orjson.dumps(text).decode()[1:-1]
        out |= {text, " ".join(text.split()), escaped, orjson.dumps(escaped).decode()[1:-1], escape(text)}
        out |= {quote(text, safe=""), quote_plus(text), b64encode(text.encode()).decode().rstrip("=")}
    return {text for text in out if len(text) >= SHORTEST}
