from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_VARIES = re.compile(r"(?<=subscription )[0-9a-f-]{36}|(?<=/subscriptions/)[0-9a-f-]{36}|[0-9]+ s ago")

pytestmark = pytest.mark.loopback


def test_the_demo_tells_its_story_to_the_end() -> None:
    """The demo plans, applies, tells what a colleague edits, mends it and is clean again, in README's words."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AZURE_")}

    done = subprocess.run(
        [sys.executable, "-m", "engine", "demo"],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    scenes = done.stdout.split("\n== ")
    assert [s[0] for s in scenes[1:]] == list("1234567")
    assert "17 to create" in scenes[1]
    assert "Azure saw" in scenes[2]
    assert "17 writes" in scenes[2]
    assert "Done, but" not in scenes[2]
    for clean in (scenes[3], scenes[7]):
        assert "No changes. Azure matches the manifests (17 resources, 0 writes)." in clean
        assert "and 0 writes." in clean
    for moved in (
        "allowBlobPublicAccess: false → true",
        "ipRules[value=198.51.100.7]",
        '"shop" → "warehouse"',
        "deleted",
    ):
        assert moved in scenes[5]
    assert {line.split()[0] for line in scenes[6].splitlines() if " .../" in line} == {"PATCH", "PUT"}
    shown = _VARIES.sub("…", done.stdout)
    for block in printed_in_readme():
        assert block in shown


def printed_in_readme() -> list[str]:
    """Return what the front page says that the demo prints."""
    section = (ROOT / "README.md").read_text().partition("## What it prints")[2].partition("\n## ")[0]
    blocks = [part.partition("```")[0] for part in section.split("```text\n")[1:]]
    assert len(blocks) == 2
    return [_VARIES.sub("…", b.replace("<subscription>", "…")) for b in blocks]
