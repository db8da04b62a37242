"""What a request is for: who goes first when ARM's limits make them queue."""

from __future__ import annotations

import enum


class Purpose(enum.IntEnum):
    """Lower numbers go first; each purpose has connections of its own, so that none holds up another."""

    EDIT = 0
    """Somebody waits for it: a write that the user's own change asks for, and the reads that it takes."""
    FOLLOW = 1
    """What is under way already: polls, and reads of what a write left behind."""
    SWEEP = 2
    """Whatever nobody waits for: full passes, corrections of drift."""
