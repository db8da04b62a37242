"""Saved plans: the public plan JSON plus how it was made, so that apply can make it again and compare."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.app.ignore_rules import is_in_input
from engine.app.options import missing_paths
from engine.app.session import DEFAULT_STATE
from engine.errors import InvalidSpecError
from engine.model.plan import Plan
from engine.model.policy import ALLOW_FLAGS, ALLOW_OBJECTS
from engine.planning.saved import StaleStep, restrict, seal
from engine.reporting.wire import decode_plan, encode_json, plan_json
from engine.runtime.world import PassResult

_PACKED = b"\x28\xb5\x2f\xfd"
"""How what zstandard packed begins."""
_TEXTS = ("subscription", "namespace", "selector", "context", "kubeconfig")
_LISTS = ("filename", "target", "exclude", *ALLOW_OBJECTS.values(), "ignore", "prune_from")
_FLAGS = ("all_namespaces", "strict", "adopt", "prune", *ALLOW_FLAGS.values())
_PATHS = ("filename", "ignore")
_OPTIONS = {"filename": "-f", "namespace": "-n", "all_namespaces": "-A", "selector": "-l"}
_RUN: dict[str, type] = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_LISTS, list), **dict.fromkeys(_FLAGS, bool)}


def save_plan(plan: Plan, args: argparse.Namespace) -> bytes:
    """Return the file: plan JSON, and under ``run`` the options it was made with, paths in full."""
    value = plan_json(seal(plan))
    given = {name: _in_full(name, value) for name, value in _given(args).items()}
    value["run"] = given | {"state": str(args.state.absolute())}
    return encode_json(value)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the run that the command line sets; ``--context`` alone is an empty name."""
    values = {name: getattr(args, name, None) for name in _RUN}
    return {name: value for name, value in values.items() if value or (name == "context" and value is not None)}


def _in_full(name: str, value: Any) -> Any:
    """Return an option so that it means the same in another folder."""
    if name == "kubeconfig":
        return os.path.abspath(value)
    if name in _PATHS:
        return [_absolute(path) for path in value]
    return value


def _absolute(path: str) -> str:
    return path if path == "-" or is_in_input(path) else os.path.abspath(path)


def load_plan(path: Path, args: argparse.Namespace) -> Plan:
    """Read a saved plan and take over the options it was made with.

    Raises:
        InvalidSpecError: The file is missing, no plan, damaged, or of another format; its input is gone; or options
            stand beside it that could only make another plan.
    """
    plan, run = read_plan(path)
    if run is None:
        raise InvalidSpecError(f"{path} does not say how it was made", hint="save it with 'trueup plan --out FILE'")
    _refuse_options(run, args)
    _take_over(run, args, path)
    _check_there(args, path)
    return plan


def read_plan(path: Path) -> tuple[Plan, dict[str, Any] | None]:
    """Return the plan in a file, and the options it was made with; None where the file does not say them.

    Raises:
        InvalidSpecError: The file is missing, no plan, damaged, or of another format.
    """
    import orjson

    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"the saved plan {path} cannot be read", detail=exc.strerror or str(exc)) from exc
    if raw.startswith(_PACKED):
        raise InvalidSpecError(
            f"{path} is no saved plan",
            detail="it is packed, as 'trueup snapshot' does",
            hint=f"trueup plan --snapshot {path}",
        )
    plan = decode_plan(raw)
    run = orjson.loads(raw).get("run")
    return plan, run if isinstance(run, dict) else None


def _refuse_options(run: dict[str, Any], args: argparse.Namespace) -> None:
    """Raise when options stand beside a saved plan.

    Raises:
        InvalidSpecError: They do; it names them.
    """
    names = [_OPTIONS.get(name, "--" + name.replace("_", "-")) for name in _given(args)]
    if args.state != DEFAULT_STATE and str(args.state.absolute()) != run.get("state"):
        names.append("--state")
    if names:
        raise InvalidSpecError(
            "a saved plan is applied as it was made",
            detail=f"beside it stand {', '.join(names)}",
            hint="leave them out, or plan again with them",
        )


def _take_over(run: dict[str, Any], args: argparse.Namespace, path: Path) -> None:
    """Set the options that the plan was made with.

    Raises:
        InvalidSpecError: An option has a value of the wrong type.
    """
    for name, kind in _RUN.items():
        value = run.get(name)
        if value is None:
            continue
        if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise InvalidSpecError(f"{path} is damaged", detail=f"run.{name} is {value!r}", hint="make the plan again")
        setattr(args, name, value)
    if isinstance(run.get("state"), str):
        args.state = Path(run["state"])


def _check_there(args: argparse.Namespace, path: Path) -> None:
    """Raise when something the plan was made from is gone; nothing else is said then.

    Raises:
        InvalidSpecError: It is.
    """
    rules = [name for name in args.ignore if not is_in_input(name)]
    missing = missing_paths([*args.filename, *rules, *([args.kubeconfig] if args.kubeconfig else [])])
    if missing:
        raise InvalidSpecError(
            f"{path} was made from what is not there any more",
            detail=", ".join(missing),
            hint="put it back, or plan again",
        )


def restrict_to_saved(planned: PassResult, saved: Plan) -> tuple[PassResult, tuple[StaleStep, ...]]:
    """Return what of a fresh pass the saved plan allows, and what is stale in it."""
    plan, stale = restrict(planned.plan, saved)
    return replace(planned, plan=plan), stale
