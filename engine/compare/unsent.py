"""Secrets that were asked for and never sent: nothing tells what Azure holds there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from engine.compare.secrets import as_unsent, hash_of, is_foreign, is_hash, is_unsent
from engine.model.document import Body, Document, Secret
from engine.model.path import FieldPath
from engine.model.state import Baseline

_Names = tuple[str, ...]
_ITEM = "[]"


def mark_unsent(baseline: Baseline, before: Baseline | None, is_sent: Callable[[FieldPath], bool]) -> Baseline:
    """Return the baseline with its secrets marked that neither this write nor an earlier one sent.

    Their hashes stay, marked: that the manifest's secret is another one since then can still be told.

    Args:
        baseline: What is to be remembered.
        before: What was remembered until now.
        is_sent: Whether this write sent what is at a place; lists are sent as a whole.
    """
    known = set(_sent_secrets(before.desired.value)) if before is not None else set()

    def mark(value: Any, at: _Names) -> Any:
        if is_hash(value):
            is_known = (at, hash_of(value)) in known or is_sent(_place(at))
            return value if is_known else as_unsent(value)
        if type(value) is dict:
            new = {k: mark(v, (*at, k)) for k, v in value.items()}
            return value if all(new[k] is v for k, v in value.items()) else new
        if type(value) is list:
            items = [mark(v, (*at, _ITEM)) for v in value]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return value

    body = baseline.desired.value
    marked = mark(body, ())
    return baseline if marked is body else replace(baseline, desired=Document(value=marked))


def has_unsent(desired: Body, actual: Any, baseline: Baseline | None) -> bool:
    """Whether a secret is asked for that can be compared with nothing.

    Args:
        desired: Body asked for.
        actual: Body that Azure returns: where it shows the secret, that tells enough.
        baseline: What is remembered.
    """
    asked = [(at, secret) for at, secret in _leaves(desired, ()) if isinstance(secret, Secret)]
    if not asked:
        return False
    sent = {at for at, _ in _sent_secrets(baseline.desired.value)} if baseline is not None else set()
    unknown = [secret.reveal() for at, secret in asked if at not in sent]
    if not unknown:
        return False
    shown = {text for _, text in _leaves(actual, ()) if isinstance(text, str)}
    return any(text and text not in shown for text in unknown)


def _sent_secrets(body: Any) -> Iterator[tuple[_Names, str]]:
    for at, value in _leaves(body, ()):
        if is_hash(value) and not is_unsent(value) and not is_foreign(value):
            yield at, hash_of(value)


def _leaves(value: Any, at: _Names) -> Iterator[tuple[_Names, Any]]:
    """Yield values that hold no others, and hashes, with their places."""
    if type(value) is dict and not is_hash(value):
        for key, inner in value.items():
            yield from _leaves(inner, (*at, key))
    elif type(value) is list:
        for inner in value:
            yield from _leaves(inner, (*at, _ITEM))
    else:
        yield at, value


def _place(at: _Names) -> FieldPath:
    """Return a place up to its first list."""
    return FieldPath(at[: at.index(_ITEM)] if _ITEM in at else at)
