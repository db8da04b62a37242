"""Who hears of what: sinks, routes and silences, as a document says; every error names its place."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from engine.alerts.alert import TYPES, Alert
from engine.cluster.durations import parse_go_duration
from engine.desired.check import suggest
from engine.drift.severity import Severity
from engine.errors import InvalidSpecError

SINKS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "alertmanager": (frozenset({"url"}), frozenset({"token"})),
    "cloudevents": (frozenset({"url"}), frozenset({"token"})),
    "email": (frozenset({"host", "from", "to"}), frozenset({"port", "username", "password", "tls"})),
    "pagerduty": (frozenset({"routingKey"}), frozenset({"url"})),
    "slack": (frozenset({"url"}), frozenset()),
    "teams": (frozenset({"url"}), frozenset()),
    "webhook": (frozenset({"url", "key"}), frozenset()),
}
"""Members that each type of sink needs, and those that it may have."""
SECRETS: Final = frozenset({"url", "token", "password", "routingKey", "key"})
"""Members that may hold a secret: they name a file or an environment variable; a plain URL may stand inline."""
_INLINE_URL: Final = frozenset({"alertmanager", "cloudevents", "pagerduty", "webhook"})
_DAYS: Final = re.compile(r"(\d{1,4})d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a text stands that must not stand in the document.

    Attributes:
        file: Path; empty where another one is set.
        env: Name of an environment variable.
        text: The text itself, where it is no secret.
    """

    file: str = ""
    env: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where messages go."""

    name: str
    type: str
    members: Mapping[str, Any]
    secrets: Mapping[str, Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which alerts are meant; what is empty means all.

    Attributes:
        severity: At least this one.
    """

    namespaces: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    severity: Severity = Severity.INFO
    types: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()

    def takes(self, alert: Alert) -> bool:
        """Whether an alert is meant."""
        return (
            alert.severity.rank >= self.severity.rank
            and (not self.types or alert.type in self.types)
            and _fits(alert.namespace, self.namespaces)
            and _fits(alert.arm_type.lower(), tuple(t.lower() for t in self.resource_types))
            and all(alert.labels.get(name) == value for name, value in self.labels.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which alerts go where, and when.

    Attributes:
        min_age: What ends sooner is not told.
        digest: Messages to one sink are at least this far apart; what comes meanwhile is told together.
        repeat: What lasts is told again after this time; None for never.
        limit: Alerts in one message; the others are counted.
    """

    sinks: tuple[str, ...]
    match: Match = Match()
    min_age: timedelta = timedelta(0)
    digest: timedelta = timedelta(0)
    repeat: timedelta | None = None
    limit: int = 20
    resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Alerts that nobody is to hear of until then, and why."""

    match: Match
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """The whole document."""

    cluster: str
    sinks: Mapping[str, Sink]
    routes: tuple[Route, ...]
    silences: tuple[Silence, ...] = ()

    def silenced(self, alert: Alert, now: datetime) -> bool:
        """Whether nobody is to hear of an alert now."""
        return any(now < s.until and s.match.takes(alert) for s in self.silences)


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


class _Part:
    """One map of the document, and where it stands."""

    def __init__(self, value: Any, place: str, known: frozenset[str]) -> None:
        if not isinstance(value, dict):
            raise _bad(place, "is no map")
        for name in value:
            if name not in known:
                raise _bad(f"{place}.{name}", f"means nothing; {suggest(str(name), sorted(known))}")
        self._value, self.place = value, place

    def has(self, name: str) -> bool:
        return name in self._value

    def raw(self, name: str) -> Any:
        return self._value.get(name)

    def text(self, name: str, default: str | None = None) -> str:
        found = self._value.get(name, default)
        if not isinstance(found, str) or (not found and default is None):
            raise _bad(f"{self.place}.{name}", "must be a text")
        return found

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._value.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise _bad(f"{self.place}.{name}", "must be a list of texts")
        return tuple(found)

    def items(self, name: str) -> list[tuple[Any, str]]:
        found = self._value.get(name, [])
        if not isinstance(found, list):
            raise _bad(f"{self.place}.{name}", "must be a list")
        return [(item, f"{self.place}.{name}[{n}]".lstrip(".")) for n, item in enumerate(found)]

    def duration(self, name: str) -> timedelta | None:
        if not self.has(name):
            return None
        text = str(self._value[name])
        if days := _DAYS.fullmatch(text):
            return timedelta(days=int(days[1]))
        with contextlib.suppress(InvalidSpecError):
            found = parse_go_duration(text)
            if found >= timedelta(0):
                return found
        raise _bad(f"{self.place}.{name}", "must be a time as 30s, 5m, 1h30m or 1d")


def parse_settings(document: Any) -> AlertSettings:
    """Return what a document says.

    Raises:
        InvalidSpecError: It does not say it well; the message names the place.
    """
    top = _Part(document, "", frozenset({"cluster", "sinks", "routes", "silences"}))
    sinks = [_sink(item, place) for item, place in top.items("sinks")]
    named = {sink.name: sink for sink in sinks}
    if len(named) < len(sinks):
        raise _bad("sinks", "hold two of one name")
    if not named:
        raise _bad("sinks", "is empty: nobody would hear of anything")
    return AlertSettings(
        cluster=top.text("cluster", ""),
        sinks=named,
        routes=tuple(_route(item, place, named) for item, place in top.items("routes")) or (Route(sinks=tuple(named)),),
        silences=tuple(_silence(item, place) for item, place in top.items("silences")),
    )


def _sink(item: Any, place: str) -> Sink:
    kind = str(item.get("type", "")) if isinstance(item, dict) else ""
    if kind not in SINKS:
        raise _bad(f"{place}.type", f"{kind!r} is no type of sink; {suggest(kind, sorted(SINKS))}")
    needed, possible = SINKS[kind]
    part = _Part(item, place, needed | possible | {"name", "type"})
    for name in sorted(needed):
        if not part.has(name):
            raise _bad(f"{place}.{name}", f"is missing: a sink of type {kind} needs it")
    secrets = {n: _reference(part.raw(n), f"{place}.{n}", kind, n) for n in SECRETS if part.has(n)}
    members = {n: part.raw(n) for n in needed | possible if part.has(n) and n not in SECRETS}
    if kind == "email":
        _check_mail(part)
    return Sink(name=part.text("name"), type=kind, members=members, secrets=secrets)


def _check_mail(part: _Part) -> None:
    part.text("host"), part.text("from")
    if not part.texts("to"):
        raise _bad(f"{part.place}.to", "is empty")
    if not isinstance(part.raw("port") or 25, int):
        raise _bad(f"{part.place}.port", "must be a number")
    if part.text("tls", "starttls") not in ("starttls", "tls", "none"):
        raise _bad(f"{part.place}.tls", "must be starttls, tls or none")


def _reference(value: Any, place: str, kind: str, name: str) -> Reference:
    if isinstance(value, str) and name == "url" and kind in _INLINE_URL and value.startswith(("http://", "https://")):
        return Reference(text=value)
    if isinstance(value, dict) and len(value) == 1:
        (source, where), *_ = value.items()
        if source in ("file", "env") and isinstance(where, str) and where:
            return Reference(**{source: where})
    raise _bad(place, "must name where it stands: {file: PATH} or {env: NAME}; it may be a secret")


def _route(item: Any, place: str, sinks: Mapping[str, Sink]) -> Route:
    part = _Part(item, place, frozenset({"sinks", "match", "minAge", "digest", "repeat", "limit", "resolved"}))
    for name in part.texts("sinks"):
        if name not in sinks:
            raise _bad(f"{place}.sinks", f"{name!r} is no sink; {suggest(name, sorted(sinks))}")
    limit = part.raw("limit") if part.has("limit") else 20
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise _bad(f"{place}.limit", "must be a number from 1 on")
    return Route(
        sinks=part.texts("sinks") or tuple(sinks),
        match=_match(part.raw("match") or {}, f"{place}.match"),
        min_age=part.duration("minAge") or timedelta(0),
        digest=part.duration("digest") or timedelta(0),
        repeat=part.duration("repeat"),
        limit=limit,
        resolved=part.raw("resolved") is not False,
    )


def _match(item: Any, place: str) -> Match:
    part = _Part(item, place, frozenset({"namespaces", "labels", "severity", "types", "resourceTypes"}))
    severity = part.text("severity", "info")
    levels = [s.value for s in Severity]
    if severity not in levels:
        raise _bad(f"{place}.severity", f"{severity!r} is none; {suggest(severity, levels)}")
    for name in part.texts("types"):
        if name not in TYPES:
            raise _bad(f"{place}.types", f"{name!r} is none; {suggest(name, TYPES)}")
    labels = part.raw("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(t, str) for pair in labels.items() for t in pair):
        raise _bad(f"{place}.labels", "must be a map of texts")
    return Match(
        namespaces=part.texts("namespaces"),
        labels=labels,
        severity=Severity(severity),
        types=part.texts("types"),
        resource_types=part.texts("resourceTypes"),
    )


def _silence(item: Any, place: str) -> Silence:
    part = _Part(item, place, frozenset({"match", "until", "reason"}))
    return Silence(
        match=_match(part.raw("match") or {}, f"{place}.match"),
        until=_time(part.raw("until"), f"{place}.until"),
        reason=part.text("reason"),
    )


def _time(value: Any, place: str) -> datetime:
    """Return a time; YAML may have read it already."""
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(value.isoformat() if isinstance(value, date) else str(value))
    except ValueError:
        raise _bad(place, "must be a day or a time, as 2026-12-24 or 2026-12-24T18:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _bad(place: str, what: str) -> InvalidSpecError:
    return InvalidSpecError(f"alerts: {place.lstrip('.') or 'the document'} {what}")
