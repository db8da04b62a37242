"""ARM's rate limits on our side: one gate per (subscription, principal, kind of request), shared by all workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.model.purpose import Purpose
from engine.ports import Clock
from providers.arm.answer import Answer
from providers.arm.bucket import RequestKind
from providers.arm.gate import Gate, Ticket
from providers.arm.limits import Limit, refused_by, remaining, remaining_of_provider

_UNTOLD_HOLD_S: Final = 1.0
_UNBOUNDED: Final[Mapping[Purpose, int]] = {}


class Throttle:
    """All gates of one principal. Subscriptions have gates of their own: a large one holds up no other."""

    def __init__(self, clock: Clock, principal: str = "", *, in_flight: Mapping[Purpose, int] = _UNBOUNDED) -> None:
        """Count for one principal; gates appear as subscriptions do.

        Args:
            clock: For waits.
            principal: Whom ARM counts.
            in_flight: Requests under way at once per gate, by purpose; any number for purposes that it does not name.
        """
        self._clock = clock
        self._principal = principal
        self._in_flight = in_flight
        self._gates: dict[tuple[str, str, RequestKind], Gate] = {}

    async def admit(
        self, subscription: str, kind: RequestKind, *, provider: str = "", purpose: Purpose = Purpose.SWEEP
    ) -> Ticket:
        """Wait until one more request fits: by purpose, then first come, first served.

        Args:
            subscription: Whose limits; empty for the tenant.
            kind: What ARM counts it as.
            provider: Namespace of the resource provider, whose own limits hold nobody else.
            purpose: What it is for.
        """
        return await self._gate(subscription, kind).enter(provider.lower(), purpose)

    def learn(self, ticket: Ticket, answer: Answer) -> None:
        """Correct the buckets by what the answer's headers say is left, or by its refusal."""
        now, gate = self._clock.monotonic(), ticket.gate
        kind = gate.kind
        limit = refused_by(answer, kind, ticket.provider)
        left, left_at_provider = remaining(answer, kind), remaining_of_provider(answer)
        if limit is Limit.ARM:
            gate.bucket.refuse(ticket.serial, left, self._hold_s(answer), now)
            return
        gate.bucket.grant(ticket.serial, left, now, others=ticket.others)
        own = gate.bucket_of(ticket.provider)
        if limit is Limit.PROVIDER:
            own.refuse(ticket.provider_serial, left_at_provider, self._hold_s(answer), now)
        else:
            own.grant(ticket.provider_serial, left_at_provider, now, others=ticket.others_at_provider)

    def release(self, ticket: Ticket) -> None:
        """Let the next one send: this request is over, or goes on without a connection of its purpose."""
        ticket.gate.release(ticket)

    def left(self) -> Mapping[tuple[str, str], float]:
        """Return how many more requests fit now, by subscription (empty for the tenant's) and kind of request."""
        now = self._clock.monotonic()
        return {(where, kind.value): gate.bucket.left(now) for (where, _, kind), gate in self._gates.items()}

    def _hold_s(self, answer: Answer) -> float:
        asked = answer.retry_after(self._clock.now())
        return asked.total_seconds() if asked is not None else _UNTOLD_HOLD_S

    def _gate(self, subscription: str, kind: RequestKind) -> Gate:
        key = (subscription.lower(), self._principal, kind)
        found = self._gates.get(key)
        if found is None:
            found = self._gates[key] = Gate(self._clock, kind, in_flight=self._in_flight)
        return found
