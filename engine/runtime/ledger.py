"""Keeps the audit log: each write has its line before it is sent and another when it is known what became of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import EngineError, InvariantError, UnavailableError, UnfinishedError
from engine.model.audit import Author, Fate
from engine.model.ids import ArmId, PlanId, ResourceKey
from engine.model.plan import Request, Step
from engine.model.result import OperationProgress, OperationStatus, RequestIds, StepResult
from engine.ports import AuditLog, Clock
from engine.reporting.audit import answer_record, followed_record, intent_record, outcome_record

_CLIENT_ID = "x-ms-client-request-id"


@dataclass(slots=True)
class Entry:
    """One request under way.

    Attributes:
        request: As it is to be sent: with the id under which it is kept.
        noted: The intent is on the disk; without it there is no end to be told either.
        taken: Azure took it; an operation may go on.
    """

    step: Step
    request: Request
    ids: RequestIds
    http_status: int = 0
    noted: bool = False
    taken: bool = False


class Ledger:
    """Notes the writes of one run."""

    def __init__(self, log: AuditLog, clock: Clock, *, plan: PlanId, secret_key: bytes) -> None:
        """Keep the log; nothing is written before the first request.

        Args:
            log: Where lines are kept.
            clock: When.
            plan: On whose behalf.
            secret_key: Keys the hashes of bodies with secrets.
        """
        self._log = log
        self._clock = clock
        self._plan = plan
        self._secret_key = secret_key
        self._last: dict[tuple[str, str, str, str], RequestIds] = {}

    @contextmanager
    def write(self, step: Step, request: Request) -> Iterator[Entry]:
        """Lend an entry to one request, and note how the block ended."""
        client = str(uuid.uuid4())
        sent = replace(request, headers=(*request.headers, (_CLIENT_ID, client)))
        entry = Entry(step=step, request=sent, ids=RequestIds(client=client))
        try:
            yield entry
        except EngineError as exc:
            self._learn(entry, RequestIds(correlation=exc.correlation_id, request=exc.request_id), exc.http_status)
            self._end(entry, _fate_of(exc, entry), exc)
            raise
        except asyncio.CancelledError:
            self._end(entry, Fate.UNFINISHED if entry.taken else Fate.UNKNOWN)
            raise
        self._end(entry, Fate.SUCCEEDED)

    def intend(self, entry: Entry) -> None:
        """Note what is about to be sent, right before it is.

        Raises:
            EngineError: It cannot be noted, so the request must not be sent.
        """
        self._log.append(
            intent_record(
                entry.ids.client,
                self._clock.now(),
                plan=self._plan,
                by=self._log.author_of(entry.step.key),
                step=entry.step,
                request=entry.request,
                secret_key=self._secret_key,
            )
        )
        entry.noted = True

    def answered(self, entry: Entry, progress: OperationProgress) -> None:
        """Note Azure's first word; of an operation that goes on at once, as this run may not see its end."""
        self._learn(entry, progress.ids, progress.http_status)
        entry.taken = True
        if progress.status is OperationStatus.RUNNING:
            self._note(answer_record(entry.ids.client, self._clock.now(), http_status=entry.http_status, ids=entry.ids))

    def followed(self, resource: ArmId, error: EngineError | None) -> None:
        """Note what became of an operation of an earlier run."""
        fate = Fate.SUCCEEDED if error is None else Fate.FAILED
        self._note(followed_record(resource, self._clock.now(), fate=fate, error=error))

    def sign(self, result: StepResult) -> StepResult:
        """Return the result with the names of the last request that was sent for it."""
        return replace(result, ids=self._last.get(result.step.key.identity, RequestIds()))

    def _learn(self, entry: Entry, ids: RequestIds, http_status: int) -> None:
        """Keep what Azure calls the write; a poll's own names come later and do not replace it."""
        if not entry.ids.correlation and not entry.ids.request:
            entry.ids = RequestIds(client=entry.ids.client, correlation=ids.correlation, request=ids.request)
        entry.http_status = entry.http_status or http_status

    def _end(self, entry: Entry, fate: Fate, error: EngineError | None = None) -> None:
        if not entry.noted:
            return
        if fate is not Fate.NOT_SENT:
            self._last[entry.step.key.identity] = entry.ids
        self._note(
            outcome_record(
                entry.ids.client,
                self._clock.now(),
                fate=fate,
                http_status=entry.http_status,
                ids=entry.ids,
                error=error,
            )
        )

    def _note(self, record: dict[str, Any]) -> None:
        """Note what has happened already: that it cannot be noted is told, and nothing is given up for it."""
        try:
            self._log.append(record)
        except EngineError as exc:
            self._log.miss(str(exc))


class NoAuditLog:
    """The log of runs that only look: whoever tries to write with it has a defect."""

    def author_of(self, key: ResourceKey) -> Author:
        """Return nobody."""
        return Author()

    def append(self, record: dict[str, Any]) -> None:
        """Refuse.

        Raises:
            InvariantError: Always.
        """
        raise InvariantError("a run that only looks was about to write", detail=str(record.get("event")))

    def miss(self, problem: str) -> None:
        """Do nothing: nothing is ever noted."""


def _fate_of(error: EngineError, entry: Entry) -> Fate:
    if isinstance(error, UnfinishedError):
        return Fate.UNFINISHED
    if entry.taken:
        return Fate.FAILED
    if error.http_status >= 500 or error.http_status == 408:
        return Fate.UNKNOWN
    if error.http_status:
        return Fate.REFUSED
    return Fate.UNKNOWN if isinstance(error, UnavailableError) and not error.is_unsent else Fate.NOT_SENT
