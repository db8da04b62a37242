"""Installed definitions against ours, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def differences(ours: Mapping[str, Any], installed: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what applying our definition would change; nothing where it would change nothing.

    Args:
        ours: What would be applied.
        installed: As the API server returns it; None when the kind is not installed.
    """
    if installed is None:
        yield "is not installed"
        return
    old, new = _versions(installed), _versions(ours)
    for name in sorted(new.keys() - old.keys()):
        yield f"version {name} would be added"
    for name in sorted(old.keys() - new.keys()):
        yield f"version {name} would be removed"
    for name in sorted(new.keys() & old.keys()):
        if old[name].get("storage") != new[name].get("storage"):
            yield f"version {name} would {'become' if new[name].get('storage') else 'no longer be'} the stored one"
        places = sorted(_places(old[name].get("schema"), new[name].get("schema"), ""))
        if places:
            more = f" and {len(places) - 3} more" if len(places) > 3 else ""
            yield f"version {name}: schema differs at {', '.join(places[:3])}{more}"
        elif not holds(old[name].get("schema"), new[name].get("schema")):
            yield f"version {name}: descriptions would change"
    if _strategy(installed) != _strategy(ours):
        yield f"conversion would be {_strategy(ours)}, it is {_strategy(installed)}"


def holds(found: Any, wanted: Any) -> bool:
    """Whether an object has everything that is wanted of it; what a server or somebody else added is no difference."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and holds(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        is_list = isinstance(found, list) and len(found) == len(wanted)
        return is_list and all(holds(f, w) for f, w in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _strategy(definition: Mapping[str, Any]) -> str:
    conversion = definition["spec"].get("conversion") or {}
    return str(conversion.get("strategy", "None"))


def _versions(definition: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {v["name"]: v for v in definition["spec"]["versions"]}


def _places(old: Any, new: Any, at: str) -> Iterator[str]:
    """Yield where two schemas differ; descriptions, which are texts and not members of that name, are no difference."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            if name != "description" or isinstance(old.get(name), dict) or isinstance(new.get(name), dict):
                yield from _places(old.get(name), new.get(name), f"{at}/{name}")
    elif old != new:
        yield at.replace("/openAPIV3Schema", "").replace("/properties", "") or "/"
