"""``trueup alerts list|retry --context``: what pods told and could not tell, read and changed where they keep it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import orjson

from engine.alerts.delivery import revive
from engine.alerts.outbox import Outbox
from engine.alerts.overview import outbox_lines
from engine.alerts.packed import pack, unpack
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


def show(client: KubeClient, namespace: str, *, as_json: bool) -> int:
    """Print the outboxes: one for each shard that was told of something."""
    found = {name: outbox for name, (_, outbox) in _read(KubeOutboxes(client, namespace), namespace).items()}
    if as_json:
        value = {name: outbox.to_json() for name, outbox in found.items()}
        sys.stdout.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE).decode())
        return ExitCode.CLEAN
    if not found:
        warn(f"no pod of namespace {namespace} told an alert yet")
    for name, outbox in found.items():
        _print([f"{name}:", *(f"  {line}" for line in outbox_lines(outbox))])
    return ExitCode.CLEAN


def retry(client: KubeClient, namespace: str, ids: Collection[str]) -> int:
    """Make messages due that wait or are dead, all or those named; the pod sends them within half a minute."""
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
        stored, outbox = _read(store, namespace)[name]
        revived = revive(outbox, ids, SystemClock().now())
        known = {*revived.sent, *revived.over}
        if not known:
            return known
        try:
            asyncio.run(store.write(name, StoredOutbox(pack(revived.outbox), stored.version)))
        except ConflictError:
            continue
        _print([f"{number}: is sent again by the pod" for number in revived.sent])
        _print([f"{number}: left out, it is not so any more" for number in revived.over])
        return known
    raise ConflictError(f"Secret {namespace}/{name} changes all the time", hint="try again")


def _read(store: KubeOutboxes, namespace: str) -> Mapping[str, tuple[StoredOutbox, Outbox]]:
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
