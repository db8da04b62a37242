"""What happened when a plan was applied."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta

from engine.errors import Remedy
from engine.model.document import Document
from engine.model.plan import Plan, Step


class Outcome(enum.StrEnum):
    """The past participle of an action."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"
    NOT_FULFILLED = "not_fulfilled"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIds:
    """The names under which a request can be found again: Azure's support asks for them.

    Attributes:
        client: Ours, ``x-ms-client-request-id``; empty when nothing was sent.
        correlation: ``x-ms-correlation-request-id``; empty when Azure did not answer.
        request: ``x-ms-request-id``; empty when Azure did not answer.
    """

    client: str = ""
    correlation: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step ended.

    Attributes:
        cause: One sentence with what ARM said and what to do; empty unless failed or skipped.
        requests: How many writes were sent for it.
        method: Of the last write; empty when nothing was sent or it is not known.
        http_status: Of the last write's answer; 0 when nothing was sent or it is not known.
        ids: Of the last write.
        code: ARM's code of the failure; empty when it gave none.
        said: ARM's message, as it came; empty when it gave none.
        remedy: What helps against the failure.
        retry_after: How long another try should wait at least; None where nobody says.
    """

    step: Step
    outcome: Outcome
    cause: str = ""
    reason: str = ""
    requests: int = 0
    method: str = ""
    duration: timedelta = timedelta(0)
    http_status: int = 0
    ids: RequestIds = RequestIds()
    code: str = ""
    said: str = ""
    remedy: Remedy = Remedy.RETRY
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyResult:
    """All results, in the order the steps finished.

    Attributes:
        stopped: Somebody asked the run to end before it was done.
    """

    plan: Plan
    results: tuple[StepResult, ...]
    stopped: bool = False

    @property
    def failed(self) -> tuple[StepResult, ...]:
        """Return what did not end as planned."""
        return tuple(r for r in self.results if r.outcome in (Outcome.FAILED, Outcome.NOT_FULFILLED))


class OperationStatus(enum.StrEnum):
    """Where a long-running operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationProgress:
    """Answer of the applier: done, failed, or to be polled again.

    Attributes:
        token: Saved form of the poller while running; storable, holds no secret.
        wait: How long to wait before the next poll.
        document: The resource as the final answer showed it, if it did.
        error: Set when failed.
        http_status: Of the answer to the write; 0 for polls and where it is not known.
        ids: Of the write; empty for polls.
        answered: False where the answer to the write was never seen: then the end says that nothing goes on any more,
            and not that the write was taken.
    """

    status: OperationStatus
    token: str = ""
    wait: timedelta = timedelta(0)
    document: Document | None = None
    error: Exception | None = None
    http_status: int = 0
    ids: RequestIds = RequestIds()
    answered: bool = True
