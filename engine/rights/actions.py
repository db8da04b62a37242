"""Names of actions as Azure checks them, made from what is asked: method and path, or type and verb."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

_GROUPS: Final = "microsoft.resources/resourcegroups"
_GROUP_ACTIONS: Final = "Microsoft.Resources/subscriptions/resourceGroups"
_VERBS: Final = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
_PROVIDERS: Final = "/providers/"


def type_action(arm_type: str, verb: str) -> str:
    """Return the action on resources of a type: ``read``, ``write`` or ``delete``."""
    return f"{_GROUP_ACTIONS if arm_type.lower() == _GROUPS else arm_type}/{verb}"


def path_action(method: str, path: str) -> str:
    """Return the action of a request below a provider: its types, without the names between them.

    The last word of a POST, and of a list, counts as a type.
    """
    namespace, *rest = path.rpartition(_PROVIDERS)[2].strip("/").split("/")
    return "/".join((namespace, *rest[0::2], _VERBS[method]))


def smallest(actions: Iterable[str]) -> list[str]:
    """Return the actions sorted, each once, without those that another one's ``*`` covers."""
    distinct = sorted({action.lower(): action for action in actions}.values(), key=str.lower)
    wild = [action.lower() for action in distinct if "*" in action]
    return [a for a in distinct if not any(w != a.lower() and fnmatchcase(a.lower(), w) for w in wild)]
