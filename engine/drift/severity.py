"""How bad a move in Azure is: what opens a resource or endangers its data is not what changes a tag."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from engine.model.change import FieldChange
from engine.model.document import ABSENT, REDACTED, UNKNOWN
from engine.model.path import ByKey, FieldPath
from engine.reporting.values import iterate_leaves
from schemas.behaviours import why_data_bearing


class Severity(enum.StrEnum):
    """How bad; ordered by ``rank``."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return a number that is higher the worse it is."""
        return list(Severity).index(self)


_Opens = Callable[[Any, Any], bool]
"""Takes what was there and what is there now."""


def _becomes(*values: Any) -> _Opens:
    wanted = {str(v).lower() for v in values}
    return lambda _was, now: now is not ABSENT and str(now).lower() in wanted


def _falls(was: Any, now: Any) -> bool:
    """Whether a number, or the number in a text as ``TLS1_2``, is lower now, or there is none any more."""
    old, new = _numbers(was), _numbers(now)
    return bool(old) and (now is ABSENT or new < old)


def _numbers(value: Any) -> tuple[int, ...]:
    if isinstance(value, bool) or value in (ABSENT, None):
        return ()
    return tuple(int(n) for n in re.findall(r"\d+", str(value)))


_OPENING: Final[Mapping[str, _Opens]] = {
    "adminuserenabled": _becomes(True),
    "allowblobpublicaccess": _becomes(True),
    "allowcrosstenantreplication": _becomes(True),
    "allowsharedkeyaccess": _becomes(True),
    "anonymouspullenabled": _becomes(True),
    "defaultaction": _becomes("Allow"),
    "disablelocalauth": _becomes(False),
    "enablenonsslport": _becomes(True),
    "enableprivatecluster": _becomes(False),
    "enablerbac": _becomes(False),
    "enablerbacauthorization": _becomes(False),
    "ftpsstate": _becomes("AllAllowed"),
    "httpsonly": _becomes(False),
    "issftpenabled": _becomes(True),
    "minimaltlsversion": _falls,
    "minimumtlsversion": _falls,
    "mintlsversion": _falls,
    "publicaccess": _becomes("Blob", "Container"),
    "publicnetworkaccess": _becomes("Enabled", True),
    "publicnetworkaccessforingestion": _becomes("Enabled"),
    "publicnetworkaccessforquery": _becomes("Enabled"),
    "remotedebuggingenabled": _becomes(True),
    "sslenforcement": _becomes("Disabled"),
    "supportshttpstrafficonly": _becomes(False),
}
"""Members whose new value lets somebody in, or lets traffic be read."""
_GATES: Final = frozenset(
    {
        "accesspolicies", "accessrules", "authorizedipranges", "firewallrules", "ipranges", "iprules",
        "ipsecurityrestrictions", "scmipsecurityrestrictions", "securityrules", "virtualnetworkrules",
    }
)  # fmt: skip
"""Lists of who may come in: what is added or changed there opens, what is taken away does not."""
_ACCESS_TYPES: Final = (
    "microsoft.authorization/",
    "microsoft.network/networksecuritygroups/securityrules",
    "/firewallrules",
    "/authorizationrules",
    "/federatedidentitycredentials",
)
"""Types that are about access as a whole."""
_PROTECTING: Final[Mapping[str, _Opens]] = {
    "backupretentiondays": _falls,
    "days": _falls,
    "enablepurgeprotection": _becomes(False),
    "enablesoftdelete": _becomes(False),
    "georedundantbackup": _becomes("Disabled"),
    "infrastructureencryption": _becomes("Disabled"),
    "requireinfrastructureencryption": _becomes(False),
    "retentiondays": _falls,
    "softdeleteretentionindays": _falls,
}
"""Members whose new value makes it easier to lose data."""
_HARMLESS: Final = frozenset({"tags"})


def severity_of_missing(arm_type: str) -> Severity:
    """Return how bad it is that a resource is gone: what it held may be gone with it."""
    lowered = arm_type.lower()
    is_grave = bool(why_data_bearing(arm_type)) or any(part in lowered for part in _ACCESS_TYPES)
    return Severity.CRITICAL if is_grave else Severity.WARNING


def severity_of_moves(arm_type: str, moves: Iterable[FieldChange]) -> Severity:
    """Return the worst of what moved in one resource.

    Args:
        arm_type: Of the resource.
        moves: Changes as they happened: ``before`` is how it was, ``after`` what Azure has now.
    """
    lowered = arm_type.lower()
    if any(part in lowered for part in _ACCESS_TYPES):
        return Severity.CRITICAL
    found = (_severity(arm_type, move) for move in moves)
    return max(found, key=lambda s: s.rank, default=Severity.WARNING)


def _severity(arm_type: str, move: FieldChange) -> Severity:
    names = _names(move.path)
    if names and names[0] in _HARMLESS:
        return Severity.INFO
    if move.sensitive or REDACTED in (move.before, move.after) or UNKNOWN in (move.before, move.after):
        return Severity.WARNING
    leaves = list(_moved_leaves(move))
    if any(_opens(path, was, now) for path, was, now in leaves):
        return Severity.CRITICAL
    endangers = any(_matches(_PROTECTING, path, was, now) for path, was, now in leaves)
    return Severity.CRITICAL if endangers and why_data_bearing(arm_type) else Severity.WARNING


def _moved_leaves(move: FieldChange) -> Iterator[tuple[FieldPath, Any, Any]]:
    """Yield every place below the change that holds another value than before, with both."""
    old, new = (dict(_leaves(v, move.path)) for v in (move.before, move.after))
    for path in old | new:
        was, now = old.get(path, ABSENT), new.get(path, ABSENT)
        if was != now or isinstance(was, bool) is not isinstance(now, bool):
            yield path, was, now


def _leaves(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    return iter(()) if value is ABSENT else iterate_leaves(value, path)


def _opens(path: FieldPath, was: Any, now: Any) -> bool:
    return _matches(_OPENING, path, was, now) or (_lets_in(was, now) and bool(_GATES & {*_names(path)}))


def _lets_in(was: Any, now: Any) -> bool:
    """Whether a gate's list or element holds anything that it did not hold before."""
    if isinstance(now, list | tuple):
        return any(item not in was for item in now) if isinstance(was, list | tuple) else bool(now)
    return now not in (ABSENT, {}, None)


def _matches(table: Mapping[str, _Opens], path: FieldPath, was: Any, now: Any) -> bool:
    names = _names(path)
    opens = table.get(names[-1]) if names else None
    return opens is not None and opens(was, now)


def _names(path: FieldPath) -> tuple[str, ...]:
    """Return the members on the way, in small letters; positions in lists are none."""
    return tuple(s.lower() for s in path.segments if not isinstance(s, int | ByKey))
