"""Reads the files that pages are made of."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Final

from engine.reporting.html import PageParts

_SCRIPTS: Final = ("data.js", "list.js", "detail.js", "waves.js", "moved.js", "main.js")


@functools.cache
def load_page_parts() -> PageParts:
    """Return template, style and script as they are installed with the package; the scripts share one scope."""
    folder = files("engine.reporting") / "web"
    scripts = "\n".join((folder / name).read_text("utf-8") for name in _SCRIPTS)
    return PageParts(
        template=(folder / "page.html").read_text("utf-8"),
        style=(folder / "page.css").read_text("utf-8"),
        script=f'\n"use strict";\n(() => {{\n{scripts}}})();\n',
    )
