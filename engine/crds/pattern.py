"""``crdPattern``: which kinds are wanted, as ASO spells it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from engine.errors import InvalidSpecError

Name = tuple[str, str]
"""Group and kind."""


def choose(pattern: str, names: Iterable[Name]) -> Sequence[Name]:
    """Return the kinds that a pattern means, in the order given.

    Args:
        pattern: Items separated by ``;``, each a glob for ``group/Kind``, without letter case.
        names: What there is.

    Raises:
        InvalidSpecError: An item means nothing: it is a mistake, and would leave kinds out silently.
    """
    known = {f"{group}/{kind}".lower(): (group, kind) for group, kind in names}
    items = [item.strip().lower() for item in pattern.split(";") if item.strip()]
    if not items:
        raise InvalidSpecError(
            "the pattern names no kind", hint="for example resources.azure.com/*;storage.azure.com/*"
        )
    for item in items:
        if not fnmatch.filter(known, _literal(item)):
            near = get_close_matches(item, known, n=3, cutoff=0.6)
            hint = f"did you mean {', '.join('/'.join(known[n]) for n in near)}?" if near else "it is group/Kind"
            raise InvalidSpecError(f"pattern {item!r} means no kind", hint=hint)
    return [name for text, name in known.items() if any(fnmatch.fnmatchcase(text, _literal(i)) for i in items)]


def _literal(item: str) -> str:
    """Leave ``*`` and ``?`` their meaning, and take it from everything else."""
    return item.replace("[", "[[]")
