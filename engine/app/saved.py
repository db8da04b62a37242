"""Saved plans: the public plan JSON plus how it was made, so that apply can make it again and compare."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.app.session import DEFAULT_STATE
from engine.errors import InvalidSpecError
from engine.model.ids import ResourceKey
from engine.model.plan import Plan
from engine.planning.saved import restrict, seal
from engine.reporting.wire import decode_plan, encode_json, plan_json
from engine.runtime.cycle import PassResult

_TEXTS = ("subscription", "namespace", "selector", "context", "kubeconfig")
_LISTS = ("filename", "target", "exclude", "allow_replace", "ignore")
_FLAGS = ("all_namespaces", "strict", "adopt", "prune", "allow_data_loss", "allow_mass_delete")
_RUN: dict[str, type] = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_LISTS, list), **dict.fromkeys(_FLAGS, bool)}


def save_plan(plan: Plan, args: argparse.Namespace) -> bytes:
    """Return the file: plan JSON, and under ``run`` the options it was made with."""
    value = plan_json(seal(plan))
    given = {name: getattr(args, name, None) for name in _RUN}
    value["run"] = {name: value for name, value in given.items() if value} | {"state": str(args.state)}
    return encode_json(value)


def load_plan(path: Path, args: argparse.Namespace) -> Plan:
    """Read a saved plan and take over the options it was made with.

    Raises:
        InvalidSpecError: The file is missing, no plan, damaged, or of another format.
    """
    import orjson

    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"the saved plan {path} cannot be read", detail=exc.strerror or str(exc)) from exc
    plan = decode_plan(raw)
    run = orjson.loads(raw).get("run")
    if not isinstance(run, dict):
        raise InvalidSpecError(f"{path} does not say how it was made", hint="save it with 'trueup plan --out FILE'")
    _take_over(run, args, path)
    return plan


def _take_over(run: dict[str, Any], args: argparse.Namespace, path: Path) -> None:
    """Set the options that the command line leaves open; those it gives can only narrow what is done.

    Raises:
        InvalidSpecError: An option has a value of the wrong type.
    """
    for name, kind in _RUN.items():
        value = run.get(name)
        if value is None or getattr(args, name, None):
            continue
        if not isinstance(value, kind) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise InvalidSpecError(f"{path} is damaged", detail=f"run.{name} is {value!r}", hint="make the plan again")
        setattr(args, name, value)
    if args.state == DEFAULT_STATE and isinstance(run.get("state"), str):
        args.state = Path(run["state"])


def restrict_to_saved(planned: PassResult, saved: Plan) -> tuple[PassResult, tuple[ResourceKey, ...]]:
    """Return what of a fresh pass the saved plan allows, and what is stale in it."""
    plan, stale = restrict(planned.plan, saved)
    return replace(planned, plan=plan), stale
