"""Every request has its line before it is sent and its end after, in whatever way it ends."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidSpecError,
    InvariantError,
    NotReadyError,
    PolicyDeniedError,
    UnavailableError,
    UnfinishedError,
)
from engine.model.plan import Request
from engine.model.result import OperationProgress, OperationStatus, Outcome, RequestIds, StepResult
from engine.runtime.ledger import Entry, Ledger, NoAuditLog
from providers.arm.errors import UnreachableError
from tests.builders import build_request, build_step
from tests.fakes import MemoryAudit, build_ledger

STEP = build_step()
PUT = build_request()
RUNNING = OperationProgress(status=OperationStatus.RUNNING, token="t", http_status=202, ids=RequestIds(correlation="c"))


def answered(error: EngineError, status: int) -> EngineError:
    error.http_status = status
    return error


def send(ledger: Ledger, *, error: BaseException | None = None, taken: bool = False) -> None:
    with ledger.write(STEP, PUT) as entry:
        ledger.intend(entry)
        if taken:
            ledger.answered(entry, RUNNING)
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "taken", "outcome"),
    [
        (answered(InvalidSpecError("no"), 400), False, "refused"),
        (answered(ConflictError("moved"), 412), False, "refused"),
        (answered(UnavailableError("broken"), 503), False, "unknown"),
        (answered(UnavailableError("too slow"), 408), False, "unknown"),
        (UnavailableError("reset"), False, "unknown"),
        (UnreachableError("no route"), False, "not_sent"),
        (PolicyDeniedError("no token"), False, "not_sent"),
        (NotReadyError("Canceled"), True, "failed"),
        (UnfinishedError("goes on"), True, "unfinished"),
    ],
)
def test_errors_tell_what_became_of_a_request(error: EngineError, taken: bool, outcome: str) -> None:
    """What may have been carried out is unknown, what Azure said no to is refused, what never left was not sent."""
    log = MemoryAudit()

    with pytest.raises(EngineError):
        send(build_ledger(log), error=error, taken=taken)

    assert log.events == ["intent", *(["answer"] if taken else []), f"outcome {outcome}"]


@pytest.mark.parametrize(("taken", "outcome"), [(False, "unknown"), (True, "unfinished")])
def test_an_interrupted_write_says_so(taken: bool, outcome: str) -> None:
    """Whoever stops waiting notes that the end was not seen."""
    log = MemoryAudit()

    with pytest.raises(asyncio.CancelledError):
        send(build_ledger(log), error=asyncio.CancelledError(), taken=taken)

    assert log.events[-1] == f"outcome {outcome}"


def test_a_request_carries_the_id_it_is_kept_under() -> None:
    """The client request id of the log is a header of the request, new for each."""
    log, headers = MemoryAudit(), []
    ledger = build_ledger(log)

    for _ in range(2):
        with ledger.write(STEP, PUT) as entry:
            ledger.intend(entry)
            headers.append(dict(entry.request.headers)["x-ms-client-request-id"])

    assert headers == [r["write"] for r in log.records if r["event"] == "intent"]
    assert len(set(headers)) == 2


def test_a_failed_poll_does_not_replace_the_ids_of_the_write() -> None:
    """The names that Azure gave the write stay, whatever fails later."""
    log = MemoryAudit()
    error = NotReadyError("Failed")
    error.correlation_id = "of the poll"
    ledger = build_ledger(log)

    with pytest.raises(NotReadyError):
        send(ledger, error=error, taken=True)

    result = ledger.sign(StepResult(step=STEP, outcome=Outcome.FAILED))
    assert (log.records[-1]["correlationId"], log.records[-1]["httpStatus"]) == ("c", 202)
    assert result.ids.correlation == "c"


class FullDisk(MemoryAudit):
    """Takes so many lines and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def append(self, record: dict[str, object]) -> None:
        if len(self.records) >= self.room:
            raise InvalidSpecError("no space left")
        super().append(record)


def test_without_its_intent_nothing_is_sent() -> None:
    """When the intent cannot be noted, the block that would send is never reached."""
    sent: list[Request] = []

    with pytest.raises(InvalidSpecError, match="no space left"):
        note_and_send(build_ledger(FullDisk(0)), sent)

    assert sent == []


def note_and_send(ledger: Ledger, sent: list[Request]) -> None:
    with ledger.write(STEP, PUT) as entry:
        ledger.intend(entry)
        sent.append(entry.request)


def test_what_has_happened_is_not_undone_by_a_full_disk() -> None:
    """An end that cannot be noted is kept for the end of the run; the write counts as it went."""
    log = FullDisk(1)

    send(build_ledger(log))

    assert (log.events, log.missed) == (["intent"], ["no space left"])


def test_a_run_that_only_looks_cannot_write() -> None:
    """With the log of a run that only looks the intent is a defect."""
    ledger = Ledger(NoAuditLog(), build_ledger()._clock, plan=build_ledger()._plan, secret_key=b"k")

    with pytest.raises(InvariantError, match="only looks"):
        send(ledger)


def test_an_entry_that_was_never_noted_has_no_end() -> None:
    """Whoever gives up before the intent leaves no line."""
    log = MemoryAudit()

    with pytest.raises(InvalidSpecError), build_ledger(log).write(STEP, PUT) as entry:
        give_up(entry)

    assert log.events == []


def give_up(_entry: Entry) -> None:
    raise InvalidSpecError("before anything")
