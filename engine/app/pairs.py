"""One line of ``trueup diff --pairs``: decode, compare, encode."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from engine.compare.compare import check_type, compare_bodies
from engine.compare.subject import Memories, RememberedBodies, Subject, Witness
from engine.errors import EngineError, InvalidSpecError
from engine.model.change import ResourceDiff
from engine.model.document import MASK, REDACTED, Document, Marker, encode_public

if TYPE_CHECKING:  # the catalog of kinds is read where a status is given
    from schemas.kind_types import Kind

_TEXTS = ("type", "api", "id")
_BODIES = ("desired", "actual")
_LONG_NUMBER = re.compile(rb"[\[:,\s-]\d{19}")


@dataclass(frozen=True, slots=True)
class LineResult:
    """What to print for one line of input."""

    line: bytes
    failed: bool


def compare_line(index: int, line: bytes) -> LineResult:
    """Compare one pair; whatever is wrong with the line becomes an error object."""
    try:
        diff = compare_pair(decode_pair(line))
        return LineResult(encode_public({"index": index, **_result(diff)}), failed=False)
    except orjson.JSONEncodeError as exc:
        error = f"the result cannot be written as JSON: {exc}"
    except (EngineError, ValueError) as exc:
        error = str(exc)
    return LineResult(orjson.dumps({"index": index, "error": error}), failed=True)


def decode_pair(line: bytes) -> dict[str, Any]:
    """Read one line.

    Raises:
        InvalidSpecError: It is no pair.
    """
    try:
        pair = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise InvalidSpecError("not JSON", detail=str(exc)) from exc
    if _LONG_NUMBER.search(line):
        json.loads(line, parse_int=_check_integer)
    if not isinstance(pair, dict):
        raise InvalidSpecError("not an object", hint="each line is {type, api, id, desired, actual}")
    missing = [key for key in (*_TEXTS, *_BODIES) if key not in pair]
    if missing:
        raise InvalidSpecError("keys are missing", detail=", ".join(missing))
    _check_kinds(pair, _TEXTS, str, "a text")
    _check_kinds(pair, _BODIES, dict, "an object")
    return pair


def _check_integer(digits: str) -> None:
    if not -(2**63) <= int(digits) < 2**64:
        raise InvalidSpecError("an integer is too large to be compared exactly", detail=f"{digits[:24]}...")


def _check_kinds(pair: dict[str, Any], keys: tuple[str, ...], kind: type, words: str) -> None:
    for key in keys:
        if not isinstance(pair[key], kind):
            raise InvalidSpecError(f"{key} is not {words}")


def compare_pair(pair: dict[str, Any]) -> ResourceDiff:
    """Compare the bodies of a pair.

    Raises:
        InvalidSpecError: Its type is not known, or its baseline or list of owned children is none.
        ValueError: As in ``compare_bodies``.
    """
    check_type(pair["type"], pair["api"])
    subject = Subject(arm_type=pair["type"], api_version=pair["api"], id=pair["id"], owned=_owned(pair.get("owned")))
    return compare_bodies(
        pair["desired"], pair["actual"], subject, remembered=_remembered(pair.get("baseline"), pair["type"])
    )


def _owned(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InvalidSpecError("owned is not a list of ids")
    return frozenset(v.lower() for v in value)


def _remembered(value: Any, arm_type: str) -> Memories | None:
    if value is None:
        return None
    if isinstance(value, dict) and "status" in value:
        return _seen(value, arm_type)
    if not isinstance(value, dict) or not all(isinstance(value.get(key), dict) for key in _BODIES):
        raise InvalidSpecError(
            "baseline is not an object with the objects desired and actual", hint="or with status and kind"
        )
    api = value.get("api", "")
    if not isinstance(api, str):
        raise InvalidSpecError("api of the baseline is not a text")
    return RememberedBodies(value["desired"], value["actual"], api)


def _seen(value: dict[str, Any], arm_type: str) -> Witness:
    """Return the memory that a status is: Azure as the last write of the object left it."""
    from engine.runtime.seen import SeenStatus

    status, named = value["status"], value.get("kind")
    if not isinstance(status, dict):
        raise InvalidSpecError("status of the baseline is not an object")
    kind = _kind(named)
    if kind.arm_type.lower() != arm_type.lower():
        raise InvalidSpecError("kind of the baseline is of another type", detail=f"{named}: {kind.arm_type}")
    return SeenStatus(kind, Document(value=status))


def _kind(named: Any) -> Kind:
    from schemas.kinds import lookup_kind, nearest_kind

    parts = named.split("/") if isinstance(named, str) else []
    if len(parts) != 3 or not all(parts):
        raise InvalidSpecError("kind of the baseline is not group/version/Kind")
    kind = lookup_kind(*parts)
    if kind is None or not kind.is_arm:
        near = nearest_kind(*parts)
        raise InvalidSpecError(
            "unknown kind", detail=named, hint=f"did you mean {', '.join(near)}" if near else "check its spelling"
        )
    return kind


def _result(diff: ResourceDiff) -> dict[str, Any]:
    return {
        "changes": [
            {
                "path": c.path.pointer,
                "kind": c.kind,
                "before": _public(c.before),
                "after": _public(c.after),
                "origin": c.origin,
            }
            for c in diff.changes
        ],
        "suppressed": [{"path": s.path.pointer, "rule": s.rule} for s in diff.suppressed],
        "state": diff.state,
    }


def _public(value: Any) -> Any:
    if isinstance(value, Marker):
        return MASK if value is REDACTED else None
    return value


def read_lines(name: str) -> Iterator[bytes]:
    """Yield the lines of a file of pairs; ``-`` is standard input, ``.xz`` is unpacked.

    Raises:
        InvalidSpecError: It cannot be read.
    """
    if name == "-":
        yield from sys.stdin.buffer
        return
    import lzma

    try:
        with _open(name) as file:
            yield from file
    except (OSError, EOFError, lzma.LZMAError) as exc:
        raise InvalidSpecError(
            "cannot read the pairs", detail=f"{name}: {getattr(exc, 'strerror', None) or exc}"
        ) from exc


def _open(name: str) -> BinaryIO:
    if name.endswith(".xz"):
        import lzma

        return lzma.open(name, "rb")  # type: ignore[return-value]  # an LZMAFile reads like any binary file
    return open(name, "rb")
