"""``trueup alerts list|retry --context``: what pods told and could not tell, read and changed where they keep it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from engine.alerts.delivery import Revived, revive
from engine.alerts.outbox import Outbox
from engine.alerts.overview import outbox_lines
from engine.alerts.packed import TooLargeError, pack, unpack
from engine.app.console import complain, warn
from engine.app.exit_codes import ExitCode
from engine.errors import ConflictError, InvalidSpecError
from engine.ports import StoredOutbox
from engine.reporting.values import printable
from engine.runtime.clock import SystemClock
from providers.kube.alert_outboxes import KubeOutboxes

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

_TRIES: Final = 5
"""The pod may write the outbox at the same time."""

_Found = dict[str, tuple[StoredOutbox, Outbox]]
"""Outboxes by the name of their Secret, with what they were read from."""


def show(client: KubeClient, namespace: str, *, as_json: bool) -> int:
    """Print the outboxes: one for each shard that was told of something."""
    found = _read(KubeOutboxes(client, namespace), namespace)
    if as_json:
        value = {name: outbox.to_json() for name, (_, outbox) in found.items()}
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode())
        return ExitCode.CLEAN
    if not found:
        warn(f"no pod of namespace {namespace} told an alert yet")
    for name, (_, outbox) in found.items():
        _print([f"{name}:", *(f"  {line}" for line in outbox_lines(outbox))])
        if (outbox.waiting or outbox.dead) and (heir := _heir_of(name, found)):
            warn(f"no pod sends what is in {name} since there are fewer shards: trueup alerts retry moves it to {heir}")
    return ExitCode.CLEAN


def retry(client: KubeClient, namespace: str, ids: Collection[str]) -> int:
    """Make messages due that wait or are dead, all or those named; the pod sends them within half a minute.

    Those of a shard that there is no more are moved to one that there is.
    """
    store, known = KubeOutboxes(client, namespace), set[str]()
    for name in _read(store, namespace):
        known |= _retry_box(store, namespace, name, ids)
    unknown = sorted(set(ids) - known)
    for number in unknown:
        complain(f"no message {number} waits or is dead")
    if not (known or unknown):
        _print(["nothing waits and nothing is dead"])
    return ExitCode.ERROR if unknown else ExitCode.CLEAN


def _retry_box(store: KubeOutboxes, namespace: str, name: str, ids: Collection[str]) -> set[str]:
    """Change one outbox; return the messages that it had of those named."""
    for _ in range(_TRIES):
        found = _read(store, namespace)
        if name not in found:
            return set()
        revived = revive(found[name][1], ids, SystemClock().now())
        known = {*revived.sent, *revived.over}
        if not known:
            return known
        try:
            _keep(store, name, found, revived)
        except ConflictError:
            continue
        _print([f"{number}: is sent again by the pod" for number in revived.sent])
        _print([f"{number}: left out, it is not so any more" for number in revived.over])
        return known
    raise ConflictError(f"Secret {namespace}/{name} changes all the time", hint="try again")


def _keep(store: KubeOutboxes, name: str, found: _Found, revived: Revived) -> None:
    """Write an outbox back; what no pod would send goes to another first, so that nothing is lost in between."""
    outbox, heir = revived.outbox, _heir_of(name, found)
    moved = tuple(m for m in outbox.waiting if m.id in revived.sent) if heir else ()
    if moved:
        into = found[heir][1]
        there = {m.id for m in into.waiting}
        _write(store, heir, found, replace(into, waiting=(*into.waiting, *(m for m in moved if m.id not in there))))
    _write(store, name, found, replace(outbox, waiting=tuple(m for m in outbox.waiting if m not in moved)))


def _write(store: KubeOutboxes, name: str, found: _Found, outbox: Outbox) -> None:
    try:
        asyncio.run(store.write(name, StoredOutbox(pack(outbox), found[name][0].version)))
    except TooLargeError as exc:
        hint = "name some of the messages by their ids"
        raise InvalidSpecError(f"Secret {name} cannot hold the outbox", detail=str(exc), hint=hint) from exc


def _heir_of(name: str, found: _Found) -> str:
    """Return the outbox that takes over from one whose shard there is no more; nothing for one that is still read.

    How many shards there are is told by the outboxes that pods keep: those left behind know an earlier number.
    """
    numbers = {n: int(tail) for n in found if (tail := n.rpartition("-")[2]).isdecimal()}
    if name not in numbers:
        return ""
    heirs = [n for n, k in sorted(numbers.items()) if k < found[n][1].shards <= numbers[name]]
    return heirs[0] if heirs else ""


def _read(store: KubeOutboxes, namespace: str) -> _Found:
    found = {}
    for name, stored in store.look_at_all().items():
        try:
            found[name] = stored, unpack(stored.raw)
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidSpecError(
                f"Secret {namespace}/{name} holds no outbox",
                detail=str(exc),
                hint="delete it; alerts that were told are then told again",
            ) from exc
    return found


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(printable(line) + "\n" for line in lines)
