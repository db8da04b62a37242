"""Which API version an object speaks: the newest one we know at first, then the one its author applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import orjson

from providers.kube.decode import Manager

_VERSION = re.compile(r"v(?P<stage>1(?:alpha\d*|beta\d*)?(?:api)?)?(?P<date>\d{8})(?P<preview>preview)?")
OWN_MANAGER = "trueup"
"""What we apply says nothing about which version the author speaks."""
ASO_MANAGER = "controller"
"""ASO's controller, in managed fields."""
_ASO_MANAGERS = frozenset({ASO_MANAGER, "aso-controller"})
"""The same with a program of its own name, as outside its image."""
_NOTED = b'"originalVersion"'
_APPLIERS = frozenset({"kubectl-client-side-apply", "kubectl-create"})


def version_rank(version: str) -> tuple[bool, str, bool]:
    """Return a key that sorts ASO versions: all previews first, then by date, legacy names before new ones.

    A preview is only spoken where its author asked for it. Kubernetes' own preference is of no use: it cannot order
    names like ``v1api20230101`` and puts the oldest first (ASO's issue #4147).
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        return (version == "v1", "", False)
    stage = match["stage"] or ""
    return (stage in ("", "1api") and not match["preview"], match["date"], not stage)


def newest(versions: Iterable[str]) -> str:
    """Return the newest stable version, else the newest of the rest.

    Raises:
        ValueError: There is none.
    """
    return max(versions, key=lambda v: (version_rank(v), v))


def applied_version(managers: Sequence[Manager] | None, group: str) -> str:
    """Return the version by which the author last applied the object; empty when nobody applied it.

    Applying and creating count; ``kubectl patch``, ``edit``, ``annotate`` and controllers do not, whatever version
    they happened to use.
    """
    return _applied(managers, group)[0]


def spoken_version(managers: Sequence[Manager] | None, group: str, spec: bytes) -> str:
    """Return the version that an object speaks: what its author applied, else what ASO noted last; empty for neither.

    ASO notes in ``originalVersion`` in which version it last sent the object; what was applied since is newer.
    """
    applied, when = _applied(managers, group)
    noted = _read_noted(spec)
    if not noted:
        return applied
    written = max((e.time for e in managers or () if e.manager == ASO_MANAGER and not e.subresource), default="")
    return applied if applied and when > written else noted


def told_by_aso(managers: Sequence[Manager]) -> str:
    """Return when ASO last wrote the status; empty where nothing of it is ASO's."""
    return max((e.time for e in managers if e.subresource == "status" and e.manager in _ASO_MANAGERS), default="")


def _read_noted(spec: bytes) -> str:
    if _NOTED not in spec:
        return ""
    found = orjson.loads(spec).get("originalVersion", "")
    return found.removesuffix("storage") if isinstance(found, str) else ""


def _applied(managers: Sequence[Manager] | None, group: str) -> tuple[str, str]:
    """Return the version that was applied last, and when; empty texts when nobody applied."""
    chosen = ""
    when = ""
    for entry in managers or ():
        if entry.subresource or entry.time < when or entry.manager == OWN_MANAGER:
            continue
        if entry.operation != "Apply" and entry.manager not in _APPLIERS:
            continue
        its_group, _, version = entry.api_version.rpartition("/")
        if its_group == group and not version.endswith("storage"):
            chosen, when = version, entry.time
    return chosen, when
