"""What was told to whom, and what is still to be delivered; kept over restarts: everything is told at least once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from engine.alerts.alert import UNREADABLE, Alert, read_alert
from engine.alerts.settings import AlertSettings, Route
from engine.drift.document import parse_stamp, stamp

FORMAT: Final = "trueup.alerts/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one sink is told at once.

    Attributes:
        id: The same for every try, so that a receiver can tell a second copy.
        replaced: What was told before of firing alerts that are of another severity, type or object now.
        more: How many alerts there are beside those that are shown.
    """

    id: str
    sink: str
    firing: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    replaced: tuple[Alert, ...] = ()
    more: int = 0
    created: datetime
    attempts: int = 0
    due: datetime
    error: str = ""

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.firing or self.resolved or self.replaced)

    def to_json(self) -> dict[str, Any]:
        """Return the message as it is stored."""
        return {
            "id": self.id,
            "sink": self.sink,
            "firing": [a.to_json() for a in self.firing],
            "resolved": [a.to_json() for a in self.resolved],
            "replaced": [a.to_json() for a in self.replaced],
            "more": self.more,
            "created": stamp(self.created),
            "attempts": self.attempts,
            "due": stamp(self.due),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a sink was told last of one alert."""

    alert: Alert
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """Everything that outlives the process.

    Attributes:
        told: By sink and key of the alert.
        last: When each sink was last told something.
        waiting: Oldest first, however often each was tried.
        dead: Messages that nobody took; the newest few.
        dead_count: How many there were in all.
        mark: Part of the ids of messages, where there are several outboxes.
        shards: How many outboxes there were when this one was kept; 0 where there is but one.
    """

    told: Mapping[str, Mapping[str, Told]] = field(default_factory=dict)
    last: Mapping[str, datetime] = field(default_factory=dict)
    waiting: tuple[Message, ...] = ()
    dead: tuple[Message, ...] = ()
    dead_count: int = 0
    number: int = 0
    mark: str = ""
    shards: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as it is stored; without secrets, as alerts have none."""
        return {
            "format": FORMAT,
            "number": self.number,
            "told": [
                {"sink": sink, "at": stamp(t.at), "alert": t.alert.to_json()}
                for sink, alerts in sorted(self.told.items())
                for _, t in sorted(alerts.items())
            ],
            "last": {sink: stamp(at) for sink, at in sorted(self.last.items())},
            "waiting": [m.to_json() for m in self.waiting],
            "dead": [m.to_json() for m in self.dead],
            "deadCount": self.dead_count,
            "mark": self.mark,
            "shards": self.shards,
        }


def read_outbox(found: Mapping[str, Any]) -> Outbox:
    """Return an outbox as it was stored.

    Raises:
        ValueError, KeyError, TypeError: It is of another format, or damaged.
    """
    if found["format"] != FORMAT:
        raise ValueError(f"unknown format {found['format']!r}")
    told: dict[str, dict[str, Told]] = {}
    for item in found["told"]:
        alert = read_alert(item["alert"])
        told.setdefault(item["sink"], {})[alert.key] = Told(alert=alert, at=_time(item["at"]))
    return Outbox(
        told=told,
        last={sink: _time(at) for sink, at in found["last"].items()},
        waiting=tuple(_read_message(m) for m in found["waiting"]),
        dead=tuple(_read_message(m) for m in found["dead"]),
        dead_count=found["deadCount"],
        number=found["number"],
        mark=found.get("mark", ""),
        shards=found.get("shards", 0),
    )


def _read_message(found: Mapping[str, Any]) -> Message:
    return Message(
        **{n: found[n] for n in ("id", "sink", "more", "attempts", "error")},
        firing=tuple(read_alert(a) for a in found["firing"]),
        resolved=tuple(read_alert(a) for a in found["resolved"]),
        replaced=tuple(read_alert(a) for a in found.get("replaced", ())),
        created=_time(found["created"]),
        due=_time(found["due"]),
    )


def _time(text: Any) -> datetime:
    found = parse_stamp(text)
    if found is None:
        raise ValueError(f"{text!r} is no time")
    return found


def plan_messages(
    outbox: Outbox,
    alerts: Iterable[Alert],
    settings: AlertSettings,
    now: datetime,
    *,
    may_end: Callable[[Alert], bool] = lambda _: True,
) -> Outbox:
    """Return the outbox with what is news for each sink.

    An alert is news when its sink was not told of it, or of something else at the same resource, or when its route
    repeats it. While Azure cannot be read nothing else is told, neither that drift is there nor that it ended.
    What is not told any more ends where that ``may_end``: its object was read, or is gone. What sinks knew that are
    there no more is forgotten.
    """
    if not outbox.told.keys() <= settings.sinks.keys():
        outbox = replace(outbox, told={s: t for s, t in outbox.told.items() if s in settings.sinks})
    current = {alert.key: alert for alert in alerts}
    is_blind = any(alert.type == UNREADABLE for alert in current.values())
    for sink in settings.sinks:
        routes = [route for route in settings.routes if sink in route.sinks]
        outbox = _plan_sink(outbox, sink, routes, current, settings, now, is_blind=is_blind, may_end=may_end)
    return outbox


def _plan_sink(
    outbox: Outbox,
    sink: str,
    routes: list[Route],
    current: Mapping[str, Alert],
    settings: AlertSettings,
    now: datetime,
    *,
    is_blind: bool,
    may_end: Callable[[Alert], bool],
) -> Outbox:
    told = dict(outbox.told.get(sink, {}))
    wanted = {key: r for key, a in current.items() if (r := _route_of(a, routes)) is not None}
    firing = [
        current[key]
        for key, route in wanted.items()
        if _is_news(current[key], told.get(key), route, now)
        and not settings.silenced(current[key], now)
        and not (is_blind and current[key].type != UNREADABLE)
    ]
    gone = [t.alert for key, t in told.items() if _is_over(t, current.get(key), is_taken=key in wanted)]
    over = [a for a in gone if may_end(a) and not (is_blind and a.type != UNREADABLE)]
    route = _quickest([wanted[a.key] for a in firing] or routes)
    if (
        not (firing or over)
        or route is None
        or now < outbox.last.get(sink, datetime.min.replace(tzinfo=UTC)) + route.digest
    ):
        return outbox
    replaced = {a.key: told[a.key].alert for a in firing if a.key in told and not told[a.key].alert.is_named_as(a)}
    for alert in firing:
        told[alert.key] = Told(alert=alert, at=now)
    for alert in over:
        del told[alert.key]
    resolved = over if any(r.resolved for r in routes) else []
    firing.sort(key=lambda a: (-a.severity.rank, a.since, a.object))
    outbox = replace(outbox, told={**outbox.told, sink: told})
    cut = _cut_for_people if settings.sinks[sink].is_for_people else _cut_for_programs
    for shown, ended, more in cut(firing, resolved, route.limit):
        outbox = _queue(outbox, sink, shown, ended, more, replaced, now)
    return outbox


def _is_over(told: Told, alert: Alert | None, *, is_taken: bool) -> bool:
    """Whether a sink is to hear of an end: it is over, or became something that the sink's routes do not take."""
    return alert is None or (not is_taken and alert.version != told.alert.version)


_Cut = tuple[list[Alert], list[Alert], int]


def _cut_for_people(firing: list[Alert], resolved: list[Alert], limit: int) -> list[_Cut]:
    """Return one message: the worst, and how many more there are."""
    shown = firing[:limit]
    ended = resolved[: max(0, limit - len(shown))]
    more = len(firing) + len(resolved) - len(shown) - len(ended)
    return [(shown, ended, more)] if firing or resolved else []


def _cut_for_programs(firing: list[Alert], resolved: list[Alert], limit: int) -> list[_Cut]:
    """Return messages that hold everything: what a program was told of would never end there otherwise."""
    both = [*((a, False) for a in firing), *((a, True) for a in resolved)]
    chunks = [both[n : n + limit] for n in range(0, len(both), limit)]
    return [([a for a, is_end in chunk if not is_end], [a for a, is_end in chunk if is_end], 0) for chunk in chunks]


def _queue(
    outbox: Outbox,
    sink: str,
    firing: list[Alert],
    resolved: list[Alert],
    more: int,
    replaced: Mapping[str, Alert],
    now: datetime,
) -> Outbox:
    message = Message(
        id=f"{int(now.timestamp()):x}-{outbox.mark}{outbox.number + 1}",
        sink=sink,
        firing=tuple(firing),
        resolved=tuple(resolved),
        replaced=tuple(replaced[a.key] for a in firing if a.key in replaced),
        more=more,
        created=now,
        due=now,
    )
    return replace(
        outbox, waiting=(*outbox.waiting, message), last={**outbox.last, sink: now}, number=outbox.number + 1
    )


def _route_of(alert: Alert, routes: list[Route]) -> Route | None:
    return next((route for route in routes if route.match.takes(alert)), None)


def _quickest(routes: list[Route]) -> Route | None:
    return min(routes, key=lambda route: (route.digest, -route.limit), default=None)


def _is_news(alert: Alert, told: Told | None, route: Route, now: datetime) -> bool:
    if now - alert.since < route.min_age:
        return False
    if told is None or told.alert.version != alert.version:
        return True
    return route.repeat is not None and now - told.at >= route.repeat
