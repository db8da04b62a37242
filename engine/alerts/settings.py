"""Who hears of what: sinks, routes and silences, as a document says; every error names its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Final

from engine.alerts.alert import TYPES, Alert
from engine.alerts.parts import Fault, Faults, Part, SettingsError, fault
from engine.desired.check import suggest
from engine.drift.severity import Severity

EVENTS: Final = "events"
"""Kubernetes events: the one type that needs a cluster, and no address."""
SINKS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "alertmanager": (frozenset({"url"}), frozenset({"token"})),
    "cloudevents": (frozenset({"url"}), frozenset({"token"})),
    "email": (frozenset({"host", "from", "to"}), frozenset({"port", "username", "password", "tls"})),
    EVENTS: (frozenset(), frozenset()),
    "pagerduty": (frozenset({"routingKey"}), frozenset({"url"})),
    "slack": (frozenset({"url"}), frozenset()),
    "teams": (frozenset({"url"}), frozenset()),
    "webhook": (frozenset({"url", "key"}), frozenset({"oldKey"})),
}
"""Members that each type of sink needs, and those that it may have."""
SECRETS: Final = frozenset({"url", "token", "password", "routingKey", "key", "oldKey"})
"""Members that may hold a secret: they name a file or an environment variable; a plain URL may stand inline."""
_INLINE_URL: Final = frozenset({"alertmanager", "cloudevents", "pagerduty", "webhook"})
_TLS_MODES: Final = ("starttls", "tls", "none")
_LAST_PORT: Final = 65_535
_ADDRESSES: Final = 3
"""A host, a sender, one who receives."""
_FOR_PEOPLE: Final = frozenset({"email", "slack", "teams"})


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

    @property
    def is_for_people(self) -> bool:
        """Whether a message is read, so that the worst of many and a count say enough."""
        return self.type in _FOR_PEOPLE


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
        return self.silence_of(alert, now) is not None

    def silence_of(self, alert: Alert, now: datetime) -> Silence | None:
        """Return why nobody is to hear of an alert now; None where somebody is."""
        return next((s for s in self.silences if now < s.until and s.match.takes(alert)), None)


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def parse_settings(document: Any) -> AlertSettings:
    """Return what a document says.

    Raises:
        SettingsError: It does not say it well; the message names the first place, and the error holds all.
    """
    top, faults = Part(document, "", frozenset({"cluster", "sinks", "routes", "silences"})), Faults()
    cluster = faults.take(lambda: top.text("cluster", "")) or ""
    written = faults.take(lambda: top.items("sinks"))
    if written == []:
        raise fault("sinks", "is empty: nobody would hear of anything")
    names = [item.get("name") for item, _ in written or () if isinstance(item, dict)]
    if len(set(map(str, names))) < len(names):
        faults.all.append(Fault("sinks", "hold two of one name"))
    sinks = faults.each(_sink, written or [])
    known = tuple(str(name) for name in names)
    routes = faults.each(lambda item, place: _route(item, place, known), faults.take(lambda: top.items("routes")) or [])
    silences = faults.each(_silence, faults.take(lambda: top.items("silences")) or [])
    if faults.all:
        raise SettingsError(faults.all)
    return AlertSettings(
        cluster=cluster,
        sinks={sink.name: sink for sink in sinks},
        routes=tuple(routes) or (Route(sinks=known),),
        silences=tuple(silences),
    )


def _sink(item: Any, place: str) -> Sink:
    kind = str(item.get("type", "")) if isinstance(item, dict) else ""
    if kind not in SINKS:
        raise fault(f"{place}.type", f"{kind!r} is no type of sink; {suggest(kind, sorted(SINKS))}")
    needed, possible = SINKS[kind]
    part = Part(item, place, needed | possible | {"name", "type"})
    for name in sorted(needed):
        if not part.has(name):
            raise fault(f"{place}.{name}", f"is missing: a sink of type {kind} needs it")
    secrets = {n: _reference(part.raw(n), f"{place}.{n}", kind, n) for n in SECRETS if part.has(n)}
    members = {n: part.raw(n) for n in needed | possible if part.has(n) and n not in SECRETS}
    if kind == "email":
        _check_mail(part)
    return Sink(name=part.text("name"), type=kind, members=members, secrets=secrets)


def _check_mail(part: Part) -> None:
    addresses = [("host", part.text("host")), ("from", part.text("from")), *(("to", to) for to in part.texts("to"))]
    for name, text in (*addresses, ("username", part.text("username", ""))):
        if not text.isprintable() or not (text or name == "username"):
            raise fault(f"{part.place}.{name}", "must be a text of one line")
    if len(addresses) < _ADDRESSES:
        raise fault(f"{part.place}.to", "is empty")
    if part.number("port", 25) > _LAST_PORT:
        raise fault(f"{part.place}.port", f"must be at most {_LAST_PORT}")
    mode = part.text("tls", "starttls")
    if mode not in _TLS_MODES:
        raise fault(f"{part.place}.tls", "must be starttls, tls or none")
    if part.has("username") != part.has("password"):
        raise fault(part.place, "needs both username and password, or neither")
    if mode == "none" and part.has("password"):
        raise fault(f"{part.place}.tls", "is none: the password would be sent in plain text")


def _reference(value: Any, place: str, kind: str, name: str) -> Reference:
    if isinstance(value, str) and name == "url" and kind in _INLINE_URL and value.startswith(("http://", "https://")):
        return Reference(text=value)
    if isinstance(value, dict) and len(value) == 1:
        (source, where), *_ = value.items()
        if source in ("file", "env") and isinstance(where, str) and where:
            return Reference(**{source: where})
    raise fault(place, "must name where it stands: {file: PATH} or {env: NAME}; it may be a secret")


def _route(item: Any, place: str, sinks: tuple[str, ...]) -> Route:
    part = Part(item, place, frozenset({"sinks", "match", "minAge", "digest", "repeat", "limit", "resolved"}))
    for name in part.texts("sinks"):
        if name not in sinks:
            raise fault(f"{place}.sinks", f"{name!r} is no sink; {suggest(name, sorted(sinks))}")
    return Route(
        sinks=part.texts("sinks") or sinks,
        match=_match({} if part.raw("match") is None else part.raw("match"), f"{place}.match"),
        min_age=part.duration("minAge") or timedelta(0),
        digest=part.duration("digest") or timedelta(0),
        repeat=part.duration("repeat"),
        limit=part.number("limit", 20),
        resolved=part.flag("resolved", default=True),
    )


def _match(item: Any, place: str) -> Match:
    part = Part(item, place, frozenset({"namespaces", "labels", "severity", "types", "resourceTypes"}))
    severity = part.text("severity", "info")
    levels = [s.value for s in Severity]
    if severity not in levels:
        raise fault(f"{place}.severity", f"{severity!r} is none; {suggest(severity, levels)}")
    for name in part.texts("types"):
        if name not in TYPES:
            raise fault(f"{place}.types", f"{name!r} is none; {suggest(name, TYPES)}")
    labels = part.raw("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(t, str) for pair in labels.items() for t in pair):
        raise fault(f"{place}.labels", "must be a map of texts")
    return Match(
        namespaces=part.texts("namespaces"),
        labels=labels,
        severity=Severity(severity),
        types=part.texts("types"),
        resource_types=part.texts("resourceTypes"),
    )


def _silence(item: Any, place: str) -> Silence:
    part = Part(item, place, frozenset({"match", "until", "reason"}))
    return Silence(
        match=_match({} if part.raw("match") is None else part.raw("match"), f"{place}.match"),
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
        raise fault(place, "must be a day or a time, as 2026-12-24 or 2026-12-24T18:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
