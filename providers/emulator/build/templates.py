"""Turns a recorded value into a template: what depends on the resource becomes a placeholder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.model.ids import ArmId

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[0-9.:+Z]*")
_ZERO = "00000000-0000-0000-0000-000000000000"
_SHORTEST_NAME = 5


@dataclass(frozen=True, slots=True)
class Context:
    """Texts of one recording that stand for something, longest first."""

    words: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, resource_id: str, location: str) -> Context:
        """Collect the texts of one resource."""
        here = ArmId(resource_id)
        words = {here.text: "{id}"}
        names = [here.name]
        parent = here.parent
        while parent is not None and parent.resource_group:
            if "/providers/" in parent.key:
                words.setdefault(parent.text, f"{{parentId{len(names)}}}")
                names.append(parent.name)
            parent = parent.parent
        for depth, name in enumerate(names):
            if len(name) >= _SHORTEST_NAME:
                words.setdefault(name, "{name}" if depth == 0 else f"{{parent{depth}}}")
        if here.resource_group:
            words.setdefault(here.resource_group, "{resourceGroup}")
        if location:
            words.setdefault(location, "{location}")
        return cls(tuple(sorted(words.items(), key=lambda w: -len(w[0]))))

    def template(self, value: Any, key: str = "") -> Any:
        """Return the value with placeholders, at any depth."""
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, list):
            return [self.template(v) for v in value]
        if isinstance(value, Mapping):
            return {k: self.template(v, k) for k, v in value.items()}
        return value

    def _text(self, text: str, key: str) -> str:
        if "{" in text:
            return text
        if text == _ZERO:
            return "{tenant}" if "tenant" in key.lower() else text
        for word, placeholder in self.words:
            text = re.sub(re.escape(word), placeholder, text, flags=re.IGNORECASE)
        text = text.replace(f"/subscriptions/{_ZERO}", "/subscriptions/{subscription}")
        return _TIME.sub("{time}", _UUID.sub("{uuid}", text))
