"""JSON values as the engine holds them: four kinds of nothing, secrets that cannot be printed, lazy documents."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import orjson


class _NotJson:
    """The value behind a marker: orjson would write an enum's text as if it were data, but not this."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


class Marker(enum.Enum):
    """Values that are not JSON. None is JSON null and never means any of these."""

    ABSENT = _NotJson("absent")
    UNKNOWN = _NotJson("unknown")
    REDACTED = _NotJson("redacted")

    def __repr__(self) -> str:
        """Print as the name alone."""
        return self.name


ABSENT: Final = Marker.ABSENT
UNKNOWN: Final = Marker.UNKNOWN
REDACTED: Final = Marker.REDACTED
MASK: Final = "***"


class Secret:
    """A text that must not be seen. Printing, comparing by ``==`` or encoding it never shows the value."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, *, source: str = "") -> None:
        """Wrap the text; ``source`` says for people where it was read, empty where it stands in the object itself."""
        self._value = value
        self.source = source

    def reveal(self) -> str:
        """Return the text; only for building a request body and for keyed hashes."""
        return self._value

    def hash_with(self, key: bytes) -> str:
        """Return a keyed hash (hex, 32 characters) that may be stored and compared."""
        return hashlib.blake2b(self._value.encode(), key=key[:64], digest_size=16).hexdigest()

    def hash_slowly(self, salt: bytes) -> str:
        """Return a hash (hex, 32 characters) that may lie beside its salt: each guess at the text costs time."""
        return hashlib.scrypt(self._value.encode(), salt=salt, n=2**14, r=8, p=1, dklen=16).hex()

    def __repr__(self) -> str:
        """Print the mask."""
        return MASK


JsonValue: TypeAlias = (
    "bool | int | float | str | list[Any] | dict[str, Any] | None"  # Any: mypy has no cheap recursion
)
BodyValue: TypeAlias = "JsonValue | Marker | Secret"
"""What a desired body may hold: JSON, UNKNOWN and Secret, at any depth."""
Body: TypeAlias = dict[str, Any]


_BRACKETS_WITHOUT_DEPTH: Final = 200


def parse_json(raw: bytes) -> Any:
    """Return the value of a text that can be written again as JSON.

    Raises:
        ValueError: It is not JSON, or nested deeper (about 250 levels) than an encoder follows.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        if "depth" in exc.msg:
            raise ValueError("nested too deeply") from exc
        raise
    if raw.count(b"{") + raw.count(b"[") > _BRACKETS_WITHOUT_DEPTH:
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError as exc:
            raise ValueError("nested too deeply") from exc
    return value


def canonical(value: Any) -> bytes:
    """Return the bytes that two equal documents share: keys sorted, no white space. Secrets stay masked."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_public)


def encode_public(value: Any, *, indent: bool = False) -> bytes:
    """Encode for people, logs and files: secrets are ``***``, unknown values null; keys sorted."""
    options = orjson.OPT_SORT_KEYS | (orjson.OPT_INDENT_2 if indent else 0)
    return orjson.dumps(value, option=options, default=_public)


def encode_wire(value: Any) -> bytes:
    """Encode for a request: secrets are revealed.

    Raises:
        ValueError: The value holds UNKNOWN or another marker; that must never be sent.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=_wire)
    except orjson.JSONEncodeError as exc:
        raise ValueError(str(exc)) from exc


def _public(value: object) -> object:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, _NotJson):
        return MASK if value is REDACTED.value else None
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def _wire(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"must not be sent: {value!r}")


class Document:
    """A JSON document: bytes as read, parsed when first looked at.

    Either side may be given; the other is made on demand and kept. Treat ``value`` as frozen.
    """

    __slots__ = ("_raw", "_value")

    def __init__(self, raw: bytes | None = None, value: Any = ABSENT) -> None:
        """Hold bytes, a value, or both."""
        self._raw = raw
        self._value = value

    @property
    def is_parsed(self) -> bool:
        """Whether somebody looked inside already."""
        return self._value is not ABSENT

    @property
    def value(self) -> Any:
        """Return the parsed view.

        Raises:
            ValueError: The bytes are not JSON, or nested too deeply.
        """
        if self._value is ABSENT:
            self._value = parse_json(self._raw or b"null")
        return self._value

    def release(self) -> None:
        """Drop the parsed view where the bytes are there: it is ten times their size and can be made again."""
        if self._raw is not None:
            self._value = ABSENT

    @property
    def raw(self) -> bytes:
        """Return the bytes as read, else the canonical form."""
        if self._raw is None:
            self._raw = canonical(self._value)
        return self._raw

    def __eq__(self, other: object) -> bool:
        """Compare by canonical bytes: 1, 1.0 and true are three values."""
        return isinstance(other, Document) and canonical(self.value) == canonical(other.value)

    def __hash__(self) -> int:
        """Hash the canonical bytes."""
        return hash(canonical(self.value))

    def __repr__(self) -> str:
        """Never print contents: they may hold secrets."""
        return f"Document({len(self.raw)} bytes)"
