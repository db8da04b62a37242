"""What remembered values tell where some of them are only prints or hashes."""

from __future__ import annotations

from typing import Any

from engine.compare import rules
from engine.compare.places import find_key
from engine.compare.prints import Printed, is_print
from engine.compare.secrets import is_hash
from engine.model.document import ABSENT


def is_marked(then: Any) -> bool:
    """Whether a remembered value is an object that stands for something else."""
    return is_hash(then) or is_print(then)


def shown_value(then: Any) -> Any:
    """Return a remembered value as verdicts show it: of a print nothing is known."""
    return ABSENT if isinstance(then, Printed) or is_print(then) else then


def is_shortened(asked: Any, held: Any) -> bool:
    """Whether of what was asked for and held then, less is left than tells both."""
    is_told = isinstance(held, Printed) and held.is_alike and is_known(asked)
    return _holds_print(asked) or (_holds_print(held) and not is_told)


def _holds_print(then: Any) -> bool:
    if isinstance(then, Printed) or is_print(then):
        return True
    if type(then) is dict:
        return any(map(_holds_print, then.values()))
    return any(map(_holds_print, then)) if type(then) is list else False


def was_held(then: Any, asked: Any) -> bool:
    """Whether Azure held what has left the manifest and, as it is, Azure too."""
    if isinstance(then, Printed):
        return then.has_moved is True or (then.is_alike and is_known(asked))
    return not (then is ABSENT or rules.is_empty(then))


def is_known(then: Any) -> bool:
    """Whether there is a remembered value, and it is there in full."""
    return then is not ABSENT and not isinstance(then, Printed) and not is_print(then)


def holds_more(held: Any, asked: Any) -> bool:
    """Whether Azure holds members or elements that are not asked for: something that was, may be among them."""
    if type(held) is dict and type(asked) is dict:
        spelled = {key: find_key(asked, key) for key in held}
        return any(k is None or holds_more(held[key], asked[k]) for key, k in spelled.items())
    if type(held) is list and type(asked) is list:
        return len(held) != len(asked) or any(map(holds_more, held, asked))
    return False
