"""Words on standard error; what comes from input or Azure cannot drive the terminal."""

from __future__ import annotations

import sys


def warn(text: object) -> None:
    """Say what is odd but stops nothing."""
    _write("warning", text)


def complain(text: object) -> None:
    """Say what went wrong."""
    _write("error", text)


def _write(kind: str, text: object) -> None:
    from engine.reporting.values import printable

    sys.stderr.write(f"trueup: {kind}: {printable(str(text))}\n")
