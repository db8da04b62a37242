"""Which input applied a resource: what another one applied has not left this one, and is not pruned from it.

A source is named so that it means the same on the next run: a file by its path from the folder that holds the state
folder (elsewhere in full), standard input by ``-``, a cluster by its server.
"""

from __future__ import annotations

import os.path
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from engine.model.problem import Notice
from engine.model.state import Baseline

STDIN: Final = "-"
EVERYWHERE: Final = "*"
CLUSTER: Final = "cluster"
_SERVER: Final = "://"
"""In the name of a cluster, and in no normal path."""
_PIPES: Final = ("/dev/", "/proc/")
_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InputScope:
    """The input of one run.

    Attributes:
        base: The folder that paths are named from.
        roots: Names of the files and folders, and of the cluster, that are read.
        also: Names of sources that this run stands for too, ``*`` for every one.
        cluster: Name of the cluster that objects come from; empty where none do.
    """

    base: str = "/"
    roots: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    cluster: str = ""

    def name_of(self, origin: str) -> str:
        """Return the source of an object by where it was read: ``file.yaml:12``, ``-:3``, ``cluster``."""
        if origin == CLUSTER:
            return self.cluster
        place, _, line = origin.rpartition(":")
        return name_path(place if line.isdigit() else origin, self.base)

    def covers(self, source: str) -> bool:
        """Whether what was applied from there and is not in the input now has left it.

        1. A file does that is, or lies in, what is read, or what the run stands for too.
        2. Standard input is one name for many inputs, and an older release noted none: only where the run says so.
        """
        if EVERYWHERE in self.also:
            return True
        known = self.also if source in (STDIN, "") else (*self.roots, *self.also)
        return any(_lies_in(source, root) for root in known)


ANY_INPUT: Final = InputScope(also=(EVERYWHERE,))
"""One input is all there is."""


def name_cluster(server: str) -> str:
    """Return the name of a cluster by its server's host and port."""
    return f"{CLUSTER}{_SERVER}{server}"


def name_given(name: str) -> str:
    """Return a name that was typed as names are remembered."""
    return name if _SERVER in name else os.path.normpath(name)


def name_path(path: str, base: str) -> str:
    """Return the name of a file, a folder or ``-``; pipes are standard input by other names."""
    if path in (STDIN, ""):
        return path
    full = os.path.abspath(path)
    if full.startswith(_PIPES):
        return STDIN
    return os.path.relpath(full, base) if _lies_in(full, base) else full


def elsewhere_notices(scope: InputScope, baselines: Iterable[Baseline], others: Sequence[Baseline]) -> list[Notice]:
    """Say what is left alone because it was applied from elsewhere, and which names of the run name nothing.

    Args:
        scope: The input.
        baselines: What the state folder remembers.
        others: Those of them that were applied from elsewhere and are not in the input.
    """
    notices = []
    if others:
        sources = Counter(b.source for b in others)
        count = len(others)
        are = "1 remembered resource was" if count == 1 else f"{count:,} remembered resources were"
        names = _join(_spell(s) for s in sorted(sources))
        hint = _flag(sorted(sources))
        text = f"{are} applied from {names}, not from this input: left alone, also by --prune ({hint} takes over)"
        notices.append(Notice(text=text))
    applied = {b.source for b in baselines}
    for name in scope.also:
        if name != EVERYWHERE and not any(_lies_in(s, name) for s in applied):
            notices.append(Notice(text=f"--prune-from {name}: nothing is remembered that was applied from there"))
    return notices


def _spell(source: str) -> str:
    return {STDIN: "standard input", "": "an input that an older release did not note"}.get(source, source)


def _flag(sources: Sequence[str]) -> str:
    """Return the option that takes over; of many files the folder that holds them."""
    if "" in sources:
        return "--prune-from '*'"
    name = sources[0] if len(sources) == 1 else _common_folder(sources)
    return f"--prune-from {name!r}" if " " in name else f"--prune-from {name or 'NAME'}"


def _common_folder(sources: Sequence[str]) -> str:
    """Return the folder that all of them lie in; empty where there is none below the top."""
    if STDIN in sources or len({os.path.isabs(s) for s in sources}) > 1:
        return ""
    common = os.path.commonpath(sources)
    return "" if common in ("/", ".") else common


def _join(names: Iterable[str]) -> str:
    all_names = list(names)
    more = len(all_names) - _NAMED
    return ", ".join(all_names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _lies_in(path: str, root: str) -> bool:
    if root == ".":
        return not (os.path.isabs(path) or _SERVER in path or path in (STDIN, ""))
    root = root.rstrip("/") or "/"
    return path == root or path.startswith(root if root == "/" else f"{root}/")
