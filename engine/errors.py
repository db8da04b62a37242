"""Every error the engine raises on purpose; classes follow what the caller must do.

::

    EngineError
      InvalidSpecError          terminal   tell the user; wait for a new generation
      PolicyDeniedError         terminal   deletion protection, limits, observe-only
      OwnershipConflictError    terminal   someone else manages it
      MovedError                terminal   Azure is not as it was when planned; plan again
      TransientError            retry      carries retry_after
        ThrottledError, UnavailableError, ConflictError
        NotReadyError                      OwnerNotReadyError, SecretNotFoundError
      NotFulfilledError         report     written, but read back differently
      UnfinishedError           report     Azure goes on without us; the next run follows it
      InvariantError            bug        stop this resource, keep evidence
"""

from __future__ import annotations

import enum
from datetime import timedelta


class Remedy(enum.StrEnum):
    """What helps against an error."""

    RETRY = "retry"
    """The same again, later."""
    WAIT = "wait"
    """The same again, as soon as what it depends on is there."""
    ASK = "ask"
    """A person: the same again is refused again."""


class EngineError(Exception):
    """Base of the tree.

    Attributes:
        reason: Usable as a condition reason.
        http_status: Code of the answer behind it; 0 when there was none.
        remedy: What helps.
        code: Azure's own code for it; empty when it gave none.
        said: Azure's own message, as it came; empty when it gave none.
        correlation_id, request_id: What Azure calls the request behind it; empty when it did not answer.
        is_unsent: Whether the request certainly never reached anybody.
    """

    reason = "Failed"
    remedy = Remedy.ASK
    http_status = 0
    code = ""
    said = ""
    correlation_id = ""
    request_id = ""
    is_unsent = False

    def __init__(self, summary: str, *, detail: str = "", hint: str = "") -> None:
        """Keep the fixed summary, the values and the advice apart.

        Args:
            summary: One fixed sentence that names the resource or the input.
            detail: Values that belong to it (never secrets).
            hint: What the reader can do about it.
        """
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        """Render summary, detail and hint as one line."""
        text = f"{self.summary}: {self.detail}" if self.detail else self.summary
        return f"{text} ({self.hint})" if self.hint else text


class InvalidSpecError(EngineError):
    """The input is wrong; only its author can mend it."""

    reason = "InvalidSpec"


class PolicyDeniedError(EngineError):
    """A policy, a guard or the operator's credentials forbid it."""

    reason = "PolicyDenied"


class OwnershipConflictError(EngineError):
    """Someone else manages the resource."""

    reason = "OwnershipConflict"


class MovedError(EngineError):
    """Azure holds something else than when the plan was made; the write would undo it."""

    reason = "Moved"
    remedy = Remedy.RETRY


class TransientError(EngineError):
    """Trying again later may help."""

    reason = "Transient"
    remedy = Remedy.RETRY

    def __init__(self, summary: str, *, detail: str = "", hint: str = "", retry_after: timedelta | None = None) -> None:
        """Add when to try again; None means that the caller chooses."""
        super().__init__(summary, detail=detail, hint=hint)
        self.retry_after = retry_after


class ThrottledError(TransientError):
    """The other side refused for rate (HTTP 429)."""

    reason = "Throttled"


class UnavailableError(TransientError):
    """The other side did not answer, or not in its own language."""

    reason = "Unavailable"


class NotReadyError(TransientError):
    """Something this resource needs does not exist yet."""

    reason = "NotReady"
    remedy = Remedy.WAIT


class OwnerNotReadyError(NotReadyError):
    """The owner does not exist yet, or is not ready."""

    reason = "WaitingForOwner"


class SecretNotFoundError(NotReadyError):
    """A Secret, or a key in it, does not exist yet."""

    reason = "SecretNotFound"


class ConflictError(TransientError):
    """Another writer was faster (HTTP 409, 412)."""

    reason = "Conflict"


class NotFulfilledError(EngineError):
    """The write succeeded, but Azure holds something else than was planned."""

    reason = "NotFulfilled"


class UnfinishedError(EngineError):
    """An operation was not seen to its end; its poller is stored, and the write must not be sent again."""

    reason = "Unfinished"
    remedy = Remedy.RETRY


class InvariantError(EngineError):
    """A law of the engine does not hold: a defect of ours."""

    reason = "Invariant"
