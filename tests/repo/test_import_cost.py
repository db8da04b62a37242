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


def test_a_pod_loads_nothing_that_it_does_not_need() -> None:
    """A pod with its own service account that has nothing to do loads no client library of the cluster, no report."""
    never = (
        "kubernetes",
        "yaml",
        "azure",
        "deepdiff",
        "cel_expr_python",
        "psycopg",
        "pymysql",
        "pytds",
        "engine.reporting.html",
        "engine.app.output",
    )
    code = (
        "import sys\n"
        "import engine.app.commands.run, engine.app.controller, engine.app.definitions\n"
        "import providers.arm.adapter, providers.databases.adapter, providers.graph.groups\n"
        "import providers.kube.cluster, providers.kube.connect, providers.kube.exported, providers.kube.hash_key\n"
        "import providers.kube.service_account, providers.kube.writer\n"
        f"print(','.join(m for m in {never!r} if m in sys.modules))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    assert loaded == ""
