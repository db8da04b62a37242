"""Long work over many objects lets other work in, so that an edit does not wait for a full pass."""

from __future__ import annotations

import asyncio
from typing import Final

GLANCE: Final = 1
"""What it costs to see that an object is as it was."""
LOOK: Final = 16
"""What it costs to convert and compare one: as much as that many glances."""
STRETCH: Final = 16
"""After work of this size others get their turn."""


class Turns:
    """Counts work, and gives way after each stretch of it."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self._done = 0

    async def after(self, cost: int) -> None:
        """Note that work was done; whoever waits for the event loop runs now, if that was enough of it."""
        self._done += cost
        if self._done >= STRETCH:
            self._done = 0
            await asyncio.sleep(0)
