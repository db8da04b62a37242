"""The error of a receiver that will never take a message."""

from __future__ import annotations

from engine.errors import EngineError


class RefusedError(EngineError):
    """The receiver understood the message and will never take it."""

    reason = "AlertRefused"
