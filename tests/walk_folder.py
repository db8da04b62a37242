"""The folder in which blocks of the documentation run: a checkout as a reader has it, with manifests."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT


def make_folder(folder: Path, **programs: Path) -> Path:
    """Make the folder; ``programs`` are put on its path beside trueup."""
    bin_ = folder / ".venv" / "bin"
    bin_.mkdir(parents=True)
    trueup = bin_ / "trueup"
    trueup.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m engine "$@"\n')
    trueup.chmod(0o755)
    for name, program in programs.items():
        (bin_ / name).symlink_to(program)
    (folder / "deploy").symlink_to(ROOT / "deploy")
    shutil.copytree(ROOT / "deploy" / "examples" / "shop", folder / "manifests")
    return folder


def shell_environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the reader's shell."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "HELM_", "KUBE", "PYTHON"))}
    path = f"{folder / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return {**kept, "PATH": path, "HOME": str(folder), "NO_COLOR": "1", **more}
