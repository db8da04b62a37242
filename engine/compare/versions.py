"""Compare two bodies of one kind: what was asked for then and now, or what Azure held then and now."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from engine.compare.compare import judge_bodies, secrecy_of
from engine.compare.result import make_diff
from engine.compare.subject import RememberedBodies, Subject
from engine.model.change import ResourceDiff
from engine.model.document import Body, Marker, Secret

_KEY: Final = b"trueup.diff"
_NOT_KNOWN: Final = "(not known yet)"


def compare_versions(before: Body, after: Body, subject: Subject) -> ResourceDiff:
    """Return what turns one body into the other; other forms of the same value are no change.

    The first body is taken as what Azure holds and as what was asked for before, so that every difference is a move
    from it, and members that are gone count. Secrets are compared by their hashes and never shown.

    Raises:
        ValueError: A body is no object, or is nested too deeply.
    """
    texts: set[str] = set()
    old = _plain(before, texts)
    new = _hidden(after, texts)
    verdicts = judge_bodies(new, old, subject, remembered=RememberedBodies(old, old))
    secrecy = secrecy_of(subject.arm_type, subject.api_version, new)
    return make_diff(verdicts, replace(secrecy, texts=frozenset(texts)))


def _stand_in(secret: Secret, texts: set[str]) -> str:
    text = secret.hash_with(_KEY)
    texts.add(text)
    return text


def _plain(value: Any, texts: set[str]) -> Any:
    """Return a body as JSON: stand-ins for secrets, a text for what is not known."""
    if type(value) is dict:
        return {key: _plain(item, texts) for key, item in value.items()}
    if type(value) is list:
        return [_plain(item, texts) for item in value]
    if isinstance(value, Secret):
        return _stand_in(value, texts)
    return _NOT_KNOWN if isinstance(value, Marker) else value


def _hidden(value: Any, texts: set[str]) -> Any:
    """Return a desired body of stand-ins, still wrapped."""
    if type(value) is dict:
        return {key: _hidden(item, texts) for key, item in value.items()}
    if type(value) is list:
        return [_hidden(item, texts) for item in value]
    if isinstance(value, Secret):
        return Secret(_stand_in(value, texts))
    return _NOT_KNOWN if isinstance(value, Marker) else value
