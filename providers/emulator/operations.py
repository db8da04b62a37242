"""Long-running operations: they move when somebody looks, never by time, and survive a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson

from providers.emulator.address import Address
from providers.emulator.answer import Answer, RefusedError, encode_answer
from providers.emulator.invent import stable_uuid
from providers.emulator.regions import region_code
from providers.emulator.store import Store
from providers.emulator.styles import Style

_NOTE = "operation:"
_RESULTS = "operationresults"
_KEPT_AFTER_END = 500
_CERTIFICATE_BYTES = 1400
_SIGNATURE_BYTES = 256


@dataclass(slots=True)
class Operation:
    """One operation.

    Attributes:
        key: The resource it works on.
        verb: create, update, delete or action.
        left: Answers that still say "running".
        location_word: Segment by which a Location poll is told from a status poll; empty when there is none.
        error: Set when it is to fail, and once it failed.
    """

    id: str
    key: str
    verb: str
    path: str
    api: str
    left: int
    started: str
    status_word: str = ""
    location_word: str = ""
    retry_after: int | None = None
    status: str = "InProgress"
    error: dict[str, Any] | None = None
    ended: str = ""
    state: str = ""
    result: Any = None
    leaves: dict[str, Any] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return not self.ended


class Operations:
    """All operations, running and recently ended."""

    def __init__(self, store: Store, signing_key: str, retry_after_s: int | None) -> None:
        """Load what was running when the state was last used.

        ``retry_after_s`` overrides what Azure sends; None sends none; -1 sends what Azure sends.
        """
        self._store = store
        self._key = signing_key.encode()
        self._retry_after_s = retry_after_s
        self._all: dict[str, Operation] = {}
        self._running: dict[str, list[Operation]] = {}
        self.on_end: Callable[[Operation], None] = lambda _operation: None
        for _, value in store.notes(_NOTE):
            self._remember(Operation(**value))

    def start(self, operation: Operation) -> None:
        """Begin; an operation without answers left to give still takes one look to end."""
        self._remember(operation)
        self._save(operation)
        self._forget_old()

    def running_on(self, key: str) -> list[Operation]:
        """Return what works on a resource now."""
        return list(self._running.get(key, ()))

    def running_below(self, key: str) -> Iterator[Operation]:
        """Yield what works on a resource or anything in it."""
        for other, operations in list(self._running.items()):
            if other == key or other.startswith(key + "/"):
                yield from list(operations)

    def find(self, last_segment: str) -> Operation | None:
        """Return an operation by the id its address ends with."""
        return self._all.get(last_segment.lower())

    def look(self, operation: Operation, now: datetime) -> None:
        """Count one look; end the operation when it had its share."""
        if not operation.is_running:
            return
        if operation.left > 0:
            operation.left -= 1
        else:
            self.end(operation, now)
        self._save(operation)

    def end(self, operation: Operation, now: datetime) -> None:
        """End it now, as it is to end."""
        operation.ended = time_text(now)
        operation.status = "Failed" if operation.error else "Succeeded"
        mine = self._running.get(operation.key, [])
        if operation in mine:
            mine.remove(operation)
        if not mine:
            self._running.pop(operation.key, None)
        self._save(operation)
        self.on_end(operation)

    def headers(self, operation: Operation, base: str, now: datetime) -> dict[str, str]:
        """Return the headers that tell a client where to poll."""
        headers = {}
        if operation.status_word:
            headers["Azure-AsyncOperation"] = self._url(operation, operation.status_word, base, now)
        if operation.location_word:
            headers["Location"] = self._url(operation, operation.location_word, base, now)
        return headers | self._wait(operation)

    def poll(self, operation: Operation, word: str, *, base: str, now: datetime) -> Answer:
        """Answer one poll; ``word`` is the path segment before the id."""
        self.look(operation, now)
        if word.lower() == operation.location_word.lower() and word.lower() != operation.status_word.lower():
            return self._poll_location(operation, base, now)
        document: dict[str, Any] = {"name": operation.id, "status": operation.status, "startTime": operation.started}
        if operation.ended:
            document["endTime"] = operation.ended
        if operation.error and operation.ended:
            document["error"] = operation.error
        return encode_answer(document, headers=self._wait(operation) if operation.is_running else {})

    def _poll_location(self, operation: Operation, base: str, now: datetime) -> Answer:
        if operation.is_running:
            headers = {"Location": self._url(operation, operation.location_word, base, now)}
            return Answer(202, headers=headers | self._wait(operation))
        if operation.error:
            raise RefusedError(409, operation.error["code"], operation.error["message"])
        if operation.verb == "delete":
            return Answer(200)
        if operation.result is not None:
            return encode_answer(operation.result)
        record = self._store.get(operation.key)
        return Answer(200, record.body) if record else Answer(200)

    def _wait(self, operation: Operation) -> dict[str, str]:
        seconds = operation.retry_after if self._retry_after_s == -1 else self._retry_after_s
        return {} if seconds is None else {"Retry-After": str(seconds)}

    def _url(self, operation: Operation, word: str, base: str, now: datetime) -> str:
        """Return an address signed as ARM's are: a new signature each time, all good for the same operation."""
        path = f"{operation.path}/{word}/{operation.id}"
        ticks = int(now.timestamp() * 10_000_000) + 621_355_968_000_000_000
        text = f"{path}|{ticks}".encode()
        certificate = _filler(self._key, b"certificate", _CERTIFICATE_BYTES)
        signature = _filler(self._key, text, _SIGNATURE_BYTES)
        check = _plain64(hmac.digest(self._key, text, hashlib.sha256))
        return f"{base}{path}?api-version={operation.api}&t={ticks}&c={certificate}&s={signature}&h={check}"

    def _remember(self, operation: Operation) -> None:
        self._all[operation.id.lower()] = operation
        if operation.is_running:
            self._running.setdefault(operation.key, []).append(operation)

    def _save(self, operation: Operation) -> None:
        self._store.set_note(_NOTE + operation.id, asdict(operation))

    def _forget_old(self) -> None:
        if len(self._all) <= _KEPT_AFTER_END * 2:
            return
        ended = [o for o in self._all.values() if o.ended][:-_KEPT_AFTER_END]
        for operation in ended:
            del self._all[operation.id.lower()]
            self._store.set_note(_NOTE + operation.id, None)


def make_operation(
    address: Address, verb: str, style: Style, *, location: str, api: str, now: datetime, polls: int, serial: int
) -> Operation:
    """Build the operation that a style of answer announces."""
    is_group = not address.namespace
    identifier = stable_uuid(address.key, verb, str(serial), time_text(now))
    if is_group:
        job = {"jobId": f"RESOURCEGROUPDELETIONJOB-{address.group.upper()}-{serial}", "jobLocation": location}
        identifier = _plain64(orjson.dumps(job)).lower()
    path = f"/subscriptions/{address.subscription}" if address.subscription else ""
    if not is_group:
        path += f"/providers/{address.namespace}/locations/{region_code(location) or 'global'}"
    status_word = style.poll if "a" in style.headers else ""
    location_word = ""
    if "l" in style.headers:
        location_word = _RESULTS if is_group or (status_word and status_word.lower() != _RESULTS) else style.poll
        if location_word == status_word:
            location_word = "operationLocations"
    return Operation(
        identifier,
        address.key,
        verb,
        path,
        api,
        polls,
        time_text(now),
        status_word=status_word,
        location_word=location_word,
        retry_after=style.retry_after,
        status=style.running,
    )


def time_text(now: datetime) -> str:
    """Return a time as Azure writes it."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond:06d}Z"


def is_poll_word(segments: list[str]) -> bool:
    """Whether a path may be that of an operation: cheap test before a look-up."""
    return len(segments) >= 4 and "operation" in segments[-2].lower()


def _filler(key: bytes, text: bytes, length: int) -> str:
    block = hmac.digest(key, text, hashlib.sha512)
    return _plain64((block * (length // len(block) + 1))[:length])


def _plain64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
