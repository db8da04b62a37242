"""Pages of docs that a run makes: printed, written, or held against what is there."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def run_page(page: Path, module: str, about: str | None, render: Callable[[Path], str]) -> int:
    """Do with a page what the command line says; return the exit code.

    Args:
        page: Where it stands.
        module: What makes it, as one would run it.
        about: The description for ``--help``.
        render: Makes it from the folder of recorded traffic.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recorded", type=Path, required=True, help="the folder with checks/ and corpus/")
    parser.add_argument("--write", action="store_true", help="write the page")
    parser.add_argument("--check", action="store_true", help="fail when the page says something else")
    args = parser.parse_args()
    text = render(args.recorded)
    if args.write:
        page.write_text(text, encoding="utf-8")
    elif not args.check:
        print(text, end="")
    elif page.read_text(encoding="utf-8") != text:
        print(f"{page.name} is stale: python -m {module} --recorded {args.recorded} --write")
        return 1
    return 0
