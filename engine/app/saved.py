"""Saved plans: the public plan JSON plus how it was made, so that apply can make it again and compare."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import InvalidSpecError
from engine.model.ids import ResourceKey
from engine.model.plan import Plan
from engine.planning.saved import restrict, seal
from engine.reporting.wire import decode_plan, encode_json, plan_json
from engine.runtime.cycle import PassResult

_RUN = ("files", "subscription", "namespace", "selector", "targets", "excludes", "context", "kubeconfig")
_FLAGS = ("strict", "adopt", "prune", "allow_data_loss", "allow_mass_delete")


def save_plan(plan: Plan, args: argparse.Namespace) -> bytes:
    """Return the file: plan JSON, and under ``run`` the options it was made with."""
    value = plan_json(seal(plan))
    value["run"] = {
        name: _plain(getattr(args, name)) for name in (*_RUN, *_FLAGS, "allow_replace") if hasattr(args, name)
    }
    return encode_json(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def load_plan(path: Path, args: argparse.Namespace) -> Plan:
    """Read a saved plan and take over the options it was made with.

    Raises:
        InvalidSpecError: The file is missing, no plan, or of another format.
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
    for name, value in run.items():
        if name in (*_RUN, *_FLAGS, "allow_replace") and not getattr(args, name, None):
            setattr(args, name, value)
    return plan


def restrict_to_saved(planned: PassResult, saved: Plan) -> tuple[PassResult, tuple[ResourceKey, ...]]:
    """Return what of a fresh pass the saved plan allows, and what is stale in it."""
    plan, stale = restrict(planned.plan, saved)
    return replace(planned, plan=plan), stale
