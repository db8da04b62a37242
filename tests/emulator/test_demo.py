from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.loopback


def test_the_demo_tells_its_story_to_the_end() -> None:
    """The demo plans, applies, finds nothing to do, tells the colleague's edits, mends them, and is clean again."""
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
