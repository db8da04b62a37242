"""What kinds offer for export: values read from the status, from the id, and from answers of calls."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from engine.model.ids import ArmId
from schemas.behaviour_types import Behaviour, Call, ExportKey

_STEP: Final = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_FILTER: Final = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|(null))")
_PLACE: Final = re.compile(r"\{([^{}]+)\}")
_LAST: Final = "(last match wins)"


def calls_for(keys: Iterable[ExportKey], behaviour: Behaviour) -> tuple[Call, ...]:
    """Return the calls whose answers hold these values, each once."""
    return tuple(behaviour.calls[name] for name in dict.fromkeys(k.action for k in keys if k.action))


def call_path(call: Call, resource: ArmId, status: Mapping[str, Any]) -> str | None:
    """Return where a call goes; None when the status does not hold what its path needs."""
    missing = False

    def fill(match: re.Match[str]) -> str:
        nonlocal missing
        if match[1] == "id":
            return resource.text
        found = read_answer(status, match[1].removeprefix("status."))
        missing = missing or not isinstance(found, str)
        return str(found)

    path = _PLACE.sub(fill, call.path)
    return None if missing else path


def read_value(key: ExportKey, resource: ArmId, status: Mapping[str, Any], answers: Mapping[str, Any]) -> str | None:
    """Return one value as text; None when it is not there."""
    if key.source:
        return resource.subscription or None
    found = read_answer(answers.get(key.action), key.response) if key.action else _follow(status, key.status)
    text = _text(found)
    return _decoded(text) if text and key.decode == "base64" else text


def _follow(value: Any, path: Iterable[str]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else None


def _decoded(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def read_answer(answer: Any, response: str) -> Any:
    """Return what an answer holds at a place: ``member``, ``[0]``, ``[name='a' or name=null]``; None without it."""
    takes_last = response.endswith(_LAST)
    for match in _STEP.finditer(response.removesuffix(_LAST).strip()):
        if match[2] is None:
            answer = answer.get(match[1]) if isinstance(answer, Mapping) else None
        elif match[2].isdigit():
            at = int(match[2])
            answer = answer[at] if isinstance(answer, list) and at < len(answer) else None
        else:
            found = [i for i in answer if _fits(i, match[2])] if isinstance(answer, list) else []
            answer = found[-1 if takes_last else 0] if found else None
    return answer


def _fits(item: Any, condition: str) -> bool:
    if not isinstance(item, Mapping):
        return False
    return any(item.get(name) == (None if null else text) for name, text, null in _FILTER.findall(condition))
