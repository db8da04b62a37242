"""What full passes remember of each other, so that what did not move costs next to nothing."""

from __future__ import annotations

from engine.desired.identity import ObjectIdentity
from engine.model.ids import Fingerprint
from engine.runtime.controller.objects import Objects
from engine.runtime.memory import LastIndex, PassMemory, Verdict


class Sweeps:
    """Verdicts of full passes, and the statuses that objects had when they were told of them."""

    def __init__(self, last: LastIndex) -> None:
        """Remember nothing; ``last`` is shared with passes over single objects."""
        self._verdicts: dict[ObjectIdentity, Verdict] = {}
        self._statuses: dict[ObjectIdentity, Fingerprint] = {}
        self._memory = PassMemory(verdicts=self._verdicts, last=last)

    def memory(self, objects: Objects) -> PassMemory:
        """Return the memory of the next pass; an object whose status is not as we left it is looked at afresh."""
        for identity in list(self._verdicts):
            found = objects.find(identity)
            if found is None or found.status_print != self._statuses.get(identity):
                del self._verdicts[identity]
                self._statuses.pop(identity, None)
        return self._memory

    def told(self, objects: Objects, identity: ObjectIdentity) -> None:
        """Note that an object says what was seen."""
        found = objects.find(identity)
        if found is not None:
            self._statuses[identity] = found.status_print
