"""``trueup demo``: the whole story on one machine, against the emulator, with the real commands."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from engine.app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where the example is and how long Azure's operations take."""
    parser.add_argument(
        "-f",
        dest="manifests",
        metavar="FOLDER",
        type=Path,
        help="the application (default: the example of the checkout)",
    )
    parser.add_argument(
        "--keep", metavar="DIR", type=Path, help="keep the emulator's and trueup's state in this folder"
    )


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Play the story; the exit code is that of the first step that did not go as told."""
    from engine.app.demo.story import play

    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
        return asyncio.run(play(args.keep, args.manifests, sys.stdout))
    with tempfile.TemporaryDirectory(prefix="trueup-demo-") as folder:
        return asyncio.run(play(Path(folder), args.manifests, sys.stdout))
