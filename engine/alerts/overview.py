"""Settings and outbox in words: who would hear of what, what waits, what nobody took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from engine.alerts.alert import Alert
from engine.alerts.messages import title_of
from engine.alerts.outbox import Message, Outbox
from engine.alerts.parts import Fault
from engine.alerts.settings import AlertSettings, Match, Reference, Route, Silence, Sink
from engine.drift.document import stamp
from engine.drift.severity import Severity
from engine.reporting.phrases import plural

_LONG: Final = timedelta(days=90)


def settings_lines(settings: AlertSettings, now: datetime) -> Iterator[str]:
    """Yield what settings mean, a line each; no address is among it."""
    yield f"cluster: {settings.cluster or '(no name)'}"
    for sink in settings.sinks.values():
        where = [f"{name} {where_text(reference)}" for name, reference in sorted(sink.secrets.items())]
        yield f"sink {sink.name}: {', '.join([sink.type, *_mail_text(sink), *where])}"
    for number, route in enumerate(settings.routes, 1):
        yield f"route {number} to {', '.join(route.sinks)}: {_route_text(route)}"
    for silence in settings.silences:
        yield f"silence: {_match_text(silence.match)}; {_until_text(silence, now)}: {silence.reason}"


def _mail_text(sink: Sink) -> list[str]:
    if sink.type != "email":
        return []
    return [
        f"to {' and '.join(sink.members['to'])} over {sink.members['host']} ({sink.members.get('tls', 'starttls')})"
    ]


def where_text(reference: Reference) -> str:
    """Return where a text stands."""
    if reference.env:
        return f"from environment variable {reference.env}"
    return f"from {reference.file}" if reference.file else "in the file"


def _route_text(route: Route) -> str:
    parts = [_match_text(route.match)]
    if route.min_age:
        parts.append(f"when {_span(route.min_age)} old")
    if route.digest:
        parts.append(f"one message in {_span(route.digest)}")
    if route.repeat is not None:
        parts.append(f"again every {_span(route.repeat)}")
    parts.append(f"{plural(route.limit, 'alert')} a message")
    return "; ".join([*parts, *([] if route.resolved else ["ends are not told"])])


def _match_text(match: Match) -> str:
    parts = []
    if match.severity is not Severity.INFO:
        parts.append(f"severity {match.severity.value} or worse")
    for name, values in (
        ("type", match.types),
        ("namespace", match.namespaces),
        ("label", tuple(f"{k}={v}" for k, v in sorted(match.labels.items()))),
        ("resource type", match.resource_types),
    ):
        if values:
            parts.append(f"{name} {(' and ' if name == 'label' else ' or ').join(values)}")
    return ", ".join(parts) or "everything"


def _until_text(silence: Silence, now: datetime) -> str:
    left = silence.until - now
    when = f"ended {_span(-left)} ago" if left <= timedelta(0) else f"{_span(left)} left"
    return f"until {stamp(silence.until)} ({when})"


def silence_lines(settings: AlertSettings, alerts: Iterable[Alert], now: datetime) -> Iterator[str]:
    """Yield of how many alerts nobody hears, a line for each silence that holds some."""
    held = Counter(found for a in alerts if (found := _place_of_silence(settings, a, now)) is not None)
    for number, count in sorted(held.items()):
        silence = settings.silences[number]
        yield f"nobody hears of {plural(count, 'alert')} until {stamp(silence.until)}: {silence.reason}"


def _place_of_silence(settings: AlertSettings, alert: Alert, now: datetime) -> int | None:
    silence = settings.silence_of(alert, now)
    return settings.silences.index(silence) if silence is not None else None


def remarks(settings: AlertSettings, now: datetime) -> list[Fault]:
    """Return what is allowed and hardly meant."""
    found = []
    for number, (name, sink) in enumerate(settings.sinks.items()):
        if not any(name in route.sinks for route in settings.routes):
            found.append(Fault(f"sinks[{number}]", f"{name} hears of nothing: no route names it"))
        if any(r.text.startswith("http://") for r in sink.secrets.values()) and "token" in sink.secrets:
            found.append(Fault(f"sinks[{number}]", f"{name} gets its token over http://, which others can read"))
    for number, route in enumerate(settings.routes):
        if all(_is_taken(settings, number, sink) for sink in route.sinks):
            found.append(Fault(f"routes[{number}]", "is never reached: an earlier route of its sinks takes everything"))
    for number, silence in enumerate(settings.silences):
        if silence.until <= now:
            found.append(Fault(f"silences[{number}]", f"ended at {stamp(silence.until)} and can be removed"))
        elif silence.until - now > _LONG:
            found.append(Fault(f"silences[{number}]", f"lasts for {_span(silence.until - now)} from now"))
    return found


def _is_taken(settings: AlertSettings, number: int, sink: str) -> bool:
    return any(sink in earlier.sinks and earlier.match == Match() for earlier in settings.routes[:number])


def outbox_lines(outbox: Outbox) -> Iterator[str]:
    """Yield what each sink was told and has not ended, what waits for its next try, and what is dead."""
    for sink, told in sorted(outbox.told.items()):
        if told:
            yield f"{sink} knows of {plural(len(told), 'alert')}:"
        for t in sorted(told.values(), key=lambda t: (-t.alert.severity.rank, t.alert.since, t.alert.title)):
            yield f"  {t.alert.severity.value}: {t.alert.title}, since {stamp(t.alert.since)}, told {stamp(t.at)}"
    if outbox.waiting:
        yield f"{plural(len(outbox.waiting), 'message')} to be delivered:"
    for message in outbox.waiting:
        tries = f"tried {plural(message.attempts, 'time')}, next at {stamp(message.due)}" if message.attempts else "new"
        yield f"  {_message_text(message)}; {tries}{': ' + message.error if message.error else ''}"
    if outbox.dead:
        yield f"{plural(len(outbox.dead), 'message')} that nobody took (trueup alerts retry FILE sends them again):"
    for message in outbox.dead:
        yield f"  {_message_text(message)}; tried {plural(message.attempts, 'time')}: {message.error}"
    if outbox.dead_count:
        yield f"{outbox.dead_count:,} were not taken in all"


def _message_text(message: Message) -> str:
    return f"{message.id} for {message.sink}, made {stamp(message.created)}: {title_of(message, '')}"


def _span(length: timedelta) -> str:
    """Return the two greatest units: ``10 min``, ``1 h 30 min``, ``29 days 3 h``."""
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [
        plural(days, "day") if days else "",
        *(f"{n} {u}" if n else "" for n, u in ((hours, "h"), (minutes, "min"), (seconds, "s"))),
    ]
    return " ".join([u for u in units if u][:2]) or "0 s"
