"""What is loaded before it is needed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "httpx",
    "kubernetes",
    "azure",
    "deepdiff",
    "msgspec",
    "orjson",
    "yaml",
    "tenacity",
    "zstandard",
    "asyncio",
    "cryptography",
)


def test_help_imports_nothing_heavy() -> None:
    """``trueup --help`` loads no library and no asyncio: it stays far below 100 ms of CPU."""
    code = (
        "import sys, contextlib, io\n"
        "from engine.app.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        f"print(','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    assert loaded == ""
