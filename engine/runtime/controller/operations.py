"""Operations that an object's token tells of: followed to their end before anything else is sent for the object."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from engine.cluster.names import POLLER_ID, POLLER_TOKEN, SYNC_TOKEN
from engine.cluster.objects import ClusterObject
from engine.cluster.promises import text_of
from engine.desired.identity import ObjectIdentity
from engine.desired.policy import OPERATION
from engine.errors import EngineError, NotReadyError, PolicyDeniedError, TransientError
from engine.model.result import OperationStatus
from engine.ports import Clock, StepApplier

LIMIT: Final = timedelta(hours=4)
_FIRST_WAIT: Final = timedelta(seconds=1)
_LONGEST_WAIT: Final = timedelta(minutes=1)


def token_on(found: ClusterObject) -> str:
    """Return the saved form of an operation that an object carries: ours, else the one that ASO left."""
    annotations = found.resource.annotations
    ours = text_of(annotations.get(OPERATION, ""))
    theirs = annotations.get(POLLER_TOKEN, "") if annotations.get(POLLER_ID) else ""
    return ours or theirs or annotations.get(SYNC_TOKEN, "")


class Operations:
    """Knows which tokens are spent: a token stays on its object until the object is written next."""

    def __init__(self) -> None:
        """Nothing was followed yet."""
        self._spent: dict[ObjectIdentity, int] = {}

    def pending(self, found: ClusterObject) -> str:
        """Return the token of an operation whose end nobody in this process saw; empty when there is none.

        A token that Ready made void is seen again when the object is not Ready any more: it stays spent.
        """
        token = token_on(found)
        return "" if self._spent.get(found.identity) == hash(token) else token

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop what is known of an object that is gone."""
        self._spent.pop(identity, None)

    def spend(self, found: ClusterObject) -> None:
        """Its end was seen, or it is of no use."""
        token = token_on(found)
        if token:
            self._spent[found.identity] = hash(token)


async def follow(azure: StepApplier, token: str, clock: Clock) -> EngineError | None:
    """Poll until the operation ends; return why it failed.

    A token that nothing can be learnt from counts as ended well: the read that follows tells what is there. Refusals
    and silence of Azure say nothing about the operation; it is asked again, later and later.
    """
    last = clock.monotonic() + LIMIT.total_seconds()
    wait = _FIRST_WAIT
    while clock.monotonic() < last:
        try:
            progress = await azure.poll(token)
        except (PolicyDeniedError, TransientError):
            await clock.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            continue
        except EngineError:
            return None
        wait = _FIRST_WAIT
        if progress.status is OperationStatus.FAILED:
            error = progress.error
            return error if isinstance(error, EngineError) else NotReadyError(f"the operation failed: {error}")
        if progress.status is not OperationStatus.RUNNING:
            return None
        token = progress.token
        await clock.sleep(progress.wait)
    return None
