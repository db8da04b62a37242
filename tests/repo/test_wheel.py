"""What is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import ROOT


def test_wheel_holds_what_pages_are_made_of(tmp_path: Path) -> None:
    """The wheel holds every file that is no Python but read at run time, and no tests."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())

    wanted = {f"engine/reporting/web/{path.name}" for path in (ROOT / "engine" / "reporting" / "web").iterdir()}
    assert len(wanted) > 5
    assert wanted <= names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"engine", "providers", "schemas"}
