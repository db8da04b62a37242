"""Resources that are as asked but not done: told on their objects, and helped along by a call where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from dataclasses import dataclass, field, replace
from typing import Final

from engine.cluster import events
from engine.cluster.condition import Condition
from engine.cluster.notes import Note
from engine.cluster.post_check import check_of, judge
from engine.desired.identity import ObjectIdentity
from engine.errors import EngineError
from engine.model.document import ABSENT
from engine.model.ids import PlanId
from engine.model.plan import Action, Reason, Request, Step
from engine.model.policy import ReconcilePolicy
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import ActualState
from engine.ports import AuditLog, Clock
from engine.runtime.controller.contract import Contract
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.operations import Operations
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.routing import Credentials
from engine.runtime.ledger import Ledger
from schemas.behaviour_types import Call

_NO_PLAN: Final = PlanId("")


@dataclass(slots=True, kw_only=True)
class PostChecks:
    """Judges; the calls run beside the passes, one at a time for each object.

    Attributes:
        secret_key: Keys the hashes in the audit log.
    """

    objects: Objects
    contract: Contract
    queue: WorkQueue
    credentials: Credentials
    operations: Operations
    audit: AuditLog
    clock: Clock
    secret_key: bytes
    _calls: dict[ObjectIdentity, asyncio.Task[None]] = field(default_factory=dict)

    def judge(self, step: Step, actual: ActualState | None, generation: int) -> Condition | None:
        """Return what an object must say instead of Ready; None when it is done. A call that helps is begun."""
        check, found = check_of(step.arm_type), self.objects.find(step.key.identity)
        if check is None or found is None or found.resource.deleting:
            return None
        said = judge(check, actual, found.ready, generation)
        body = (
            actual.document.value if said is not None and actual is not None and actual.document is not None else None
        )
        if check.call is not None and _may_write(step) and check.needs_call(body):
            self._begin(step, check.call)
        return said

    def _begin(self, step: Step, call: Call) -> None:
        identity = step.key.identity
        if identity not in self._calls:
            task = self._calls[identity] = asyncio.create_task(self._send(step, call))
            task.add_done_callback(lambda _done: self._calls.pop(identity, None))

    async def _send(self, step: Step, call: Call) -> None:
        """Send the call and see it to its end; the object is looked at again then."""
        found = self.objects.find(step.key.identity)
        if found is None or step.id is None:
            return
        speaker = self.credentials.speaker_of(found.resource)
        path = call.path.format(id=step.id.text)
        url = f"{speaker.endpoint}{path}?api-version={call.api_version}"
        request = Request(method=call.method, url=url, body=dict(call.body) if call.body else ABSENT)
        told = replace(step, action=Action.UPDATE, reason=Reason.NOT_SETTLED)
        ledger = Ledger(self.audit, self.clock, plan=_NO_PLAN, secret_key=self.secret_key)
        try:
            async with self.contract.permits.write(step.key.namespace):
                with ledger.write(told, request) as entry:
                    ledger.intend(entry)
                    await speaker.azure.call(call, path, functools.partial(self._note, step))
                    ledger.answered(entry, OperationProgress(status=OperationStatus.SUCCEEDED))
        except EngineError as exc:
            await self.contract.tell(step.key.identity, events.write_failed(str(exc), deleting=False))
        else:
            self.queue.add(step.key.identity)
        await self._note(step, "")

    async def _note(self, step: Step, token: str) -> None:
        """Write down what whoever comes after us follows; empty once the operation has ended."""
        if step.id is None:
            return
        with contextlib.suppress(EngineError):
            await self.contract.claim(step.key.identity, step.id, Note(operation=token))
        found = self.objects.find(step.key.identity)
        if found is not None:
            self.operations.spend(found)  # its end is seen here

    async def close(self) -> None:
        """Leave what is under way to Azure."""
        for task in list(self._calls.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _may_write(step: Step) -> bool:
    return step.desired is not None and step.desired.policy.reconcile is not ReconcilePolicy.SKIP
