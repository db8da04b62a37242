"""``trueup version``."""

from __future__ import annotations

import argparse
import sys

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(_args: argparse.Namespace, _settings: Settings) -> int:
    """Print name and version."""
    from importlib.metadata import version

    sys.stdout.write(f"trueup {version('trueup')}\n")
    return ExitCode.CLEAN
