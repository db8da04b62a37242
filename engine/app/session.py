"""Composition root of the verbs that look at Azure: ports, options, and what all of them print alike."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.app.azure import build_arm_options
from engine.app.console import complain, warn
from engine.app.exit_codes import ExitCode
from engine.app.options import (
    add_allow_arguments,
    build_scope,
    build_selection,
    checked_subscription,
    open_source,
    prune_names,
)
from engine.app.progress import watch
from engine.app.settings import Settings
from engine.errors import InvalidSpecError
from engine.model.change import DiffState
from engine.model.plan import Action, Plan, Step
from engine.model.policy import DriftPolicy, Limits
from engine.model.problem import Notice, Problem
from engine.reporting.phrases import plural
from engine.reporting.style import TextOptions
from engine.runtime.clock import SystemClock
from engine.runtime.cycle import Cycle
from engine.runtime.heap import tune_memory
from engine.runtime.ledger import NoAuditLog
from engine.runtime.scope import InputScope
from engine.runtime.world import PassOptions, PassResult, World

if TYPE_CHECKING:  # only a snapshot needs it
    from engine.runtime.recorder import Recorder

DEFAULT_STATE = Path(".trueup")


def add_state_argument(parser: argparse.ArgumentParser) -> None:
    """Take the folder that remembers what was applied, and rules for differences that do not count."""
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=DEFAULT_STATE,
        help="folder that remembers what was applied (default .trueup); safe to delete",
    )
    parser.add_argument(
        "--ignore",
        metavar="FILE",
        action="append",
        default=[],
        help="ignoreDifferences as Argo CD writes them: a file, or configmap/NAMESPACE/NAME of the input; "
        "may be repeated",
    )


def add_snapshot_argument(parser: argparse.ArgumentParser) -> None:
    """Take a saved snapshot instead of input, Azure and state folder."""
    parser.add_argument(
        "--snapshot",
        metavar="FILE",
        type=Path,
        help="make the report of what 'trueup snapshot -o FILE' saved; nothing else is read",
    )


def add_limit_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what a plan may do."""
    parser.add_argument(
        "--adopt", action="store_true", help="also write resources that exist but were never applied from here"
    )
    parser.add_argument(
        "--prune", action="store_true", help="delete what was applied from this input and is no longer in it"
    )
    parser.add_argument(
        "--prune-from",
        metavar="NAME",
        action="append",
        default=[],
        help="take over what was applied from this file, folder or other input, named as the warning prints it, "
        "- for standard input, '*' for every one; may be repeated",
    )
    add_allow_arguments(parser)


def build_limits(args: argparse.Namespace) -> Limits:
    """Return what the options allow."""
    return Limits(
        prune=args.prune,
        adopt=args.adopt,
        allow_data_loss=args.allow_data_loss,
        allow_denied=args.allow_denied,
        allow_mass_delete=args.allow_mass_delete,
        allow_other_owner=args.allow_other_owner,
        allow_protected=frozenset(args.allow_protected),
        allow_replace=frozenset(args.allow_replace),
        allow_subscription=frozenset(args.allow_subscription),
        allow_rewrite=args.allow_rewrite,
    )


@contextlib.asynccontextmanager
async def open_cycle(
    args: argparse.Namespace,
    settings: Settings,
    limits: Limits,
    *,
    recorder: Recorder | None = None,
    remembers: bool = True,
    writes: bool = False,
) -> AsyncIterator[Cycle]:
    """Open source, Azure and state, and close them again; or what a snapshot holds of them.

    Args:
        args: Input, state and selection; a snapshot where the verb takes one.
        settings: The environment.
        limits: What the plan may do.
        recorder: Notes everything that is read.
        remembers: False makes a first read of it, whatever the state folder holds.
        writes: Keep every other writer away from the state folder meanwhile.
    """
    if getattr(args, "snapshot", None) is not None:
        yield await _play(args, limits)
        return
    from engine.app.auditing import open_audit
    from engine.app.ignore_rules import read_ignore_rules
    from engine.runtime.recorder import forgetful_store
    from providers.arm.adapter import AzureResourceManager
    from providers.state.folder import StateFolder

    clock = SystemClock()
    store = StateFolder(args.state)
    try:
        if writes:
            store.lock()
        source = open_source(args)
        scope = build_scope(args, source)
        if recorder is not None:
            source = recorder.watch_source(source)
        options = PassOptions(
            endpoint=settings.endpoint,
            subscription=checked_subscription(args.subscription or settings.subscription),
            selection=build_selection(args),
            limits=limits,
            strict=args.strict,
            ignore=await read_ignore_rules(args.ignore, source),
            scope=scope,
        )
        async with AzureResourceManager(build_arm_options(settings), clock=clock) as azure:
            await azure.sign_in()
            tune_memory()
            known = store if remembers else forgetful_store()
            audited = (
                open_audit(args.state, await azure.principal()) if writes else contextlib.nullcontext(NoAuditLog())
            )
            with audited as audit:
                world = World(source=source, azure=azure, store=known, clock=clock, audit=audit)
                yield Cycle(recorder.watch(world, options) if recorder is not None else world, options)
    finally:
        for warning in store.warnings():
            warn(warning)
        store.close()


async def _play(args: argparse.Namespace, limits: Limits) -> Cycle:
    """Return a cycle over a saved snapshot.

    Raises:
        InvalidSpecError: The snapshot cannot be used, or other input is named beside it.
    """
    from engine.app.ignore_rules import read_ignore_rules
    from engine.app.snapshot_file import read_snapshot
    from engine.runtime.recorder import play

    if args.filename or args.context is not None or args.kubeconfig:
        raise InvalidSpecError("--snapshot is the whole input", hint="leave out -f, --context and --kubeconfig")
    recording = read_snapshot(args.snapshot)
    world = play(recording)
    options = PassOptions(
        endpoint=recording.endpoint,
        subscription=recording.subscription,
        selection=build_selection(args),
        limits=limits,
        strict=recording.strict,
        ignore=await read_ignore_rules(args.ignore, world.source),
        scope=InputScope(roots=recording.inputs, also=prune_names(args)),
    )
    return Cycle(world, options)


async def make_plan(cycle: Cycle, *, keep_in_sync: bool = False) -> PassResult:
    """Observe and plan; say on a terminal what takes long."""
    return await watch(cycle.plan(keep_in_sync=keep_in_sync), lambda: _reading(cycle.reads), SystemClock())


def _reading(count: int) -> str:
    return f"reading {plural(count, 'resource')} in Azure ..." if count else "reading the input ..."


def print_findings(problems: Iterable[Problem], notices: Iterable[Notice]) -> None:
    """Print what was wrong or odd with the input, errors last."""
    for notice in notices:
        warn(notice)
    for problem in problems:
        complain(problem)


def text_options(
    args: argparse.Namespace, settings: Settings, planned: PassResult | None = None, cycle: Cycle | None = None
) -> TextOptions:
    """Return how to print: colour on terminals only, ages as of the pass, what ``print_findings`` showed not again."""
    style = TextOptions(
        colour=settings.colour and sys.stdout.isatty(),
        verbose=getattr(args, "verbose", False),
        brief=getattr(args, "brief", False),
        told=frozenset(str(p) for p in planned.problems) if planned is not None else frozenset(),
        now=planned.at if planned is not None else None,
    )
    return replace(style, locate=cycle.locate) if cycle is not None else style


def exit_codes_of(planned: PassResult) -> set[ExitCode]:
    """Return what a plan says beside its differences."""
    codes = set()
    if planned.problems:
        codes.add(ExitCode.ERROR)
    if not planned.plan.complete:
        codes.add(ExitCode.INCOMPLETE)
    if any(s.action is Action.BLOCKED for s in planned.plan.steps):
        codes.add(ExitCode.BLOCKED)
    return codes


def has_differences(plan: Plan) -> bool:
    """Whether anything in the plan is not as the manifests say."""
    return any(_differs(s) for s in plan.steps)


def _differs(step: Step) -> bool:
    if step.action is Action.SKIP:
        ignored = step.desired is not None and step.desired.policy.drift is DriftPolicy.IGNORE
        return not ignored and (bool(step.changes) or step.diff.state is DiffState.DRIFTED)
    return step.action not in (Action.NOOP, Action.UNREADABLE) or bool(step.changes)
