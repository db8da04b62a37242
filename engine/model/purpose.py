"""What a request is for: who goes first when ARM's limits make them queue."""

from __future__ import annotations

import enum


class Purpose(enum.IntEnum):
    """Lower numbers go first; each purpose has connections of its own, so that none holds up another."""

    EDIT = 0
    """Somebody waits for it: a write that the user's own change asks for, and the reads that it takes."""
    FOLLOW = 1
    """Ends what is under way: reads of what a write left behind."""
    POLL = 2
    """How an operation stands. While polls and sweeps queue, a sweep goes after every few polls."""
    SWEEP = 3
    """Whatever nobody waits for: full passes, corrections of drift."""
