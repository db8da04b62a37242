"""Compare output with a golden file; ``TRUEUP_GOLDEN_ACCEPT=1`` (``make golden-accept``) rewrites the file instead."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"
ACCEPT = "TRUEUP_GOLDEN_ACCEPT"


def check_golden(name: str, actual: str | bytes) -> None:
    """Fail when ``tests/golden/<name>`` does not hold exactly these bytes.

    Text is compared as text, so that a failure shows a readable difference.
    """
    path = GOLDEN / name
    if os.environ.get(ACCEPT):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(actual.encode() if isinstance(actual, str) else actual)
        return
    assert path.is_file(), f"{path} is missing; {ACCEPT}=1 writes it"
    wanted = path.read_bytes()
    if isinstance(actual, str):
        assert actual == wanted.decode()
    else:
        assert actual == wanted
