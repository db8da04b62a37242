"""What ``trueup diff`` compares: two inputs, two snapshots, or an input with Azure."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.app.exit_codes import ExitCode
from engine.app.options import build_selection, open_source
from engine.app.session import exit_codes_of, make_plan, open_cycle
from engine.app.settings import Settings
from engine.app.snapshot_file import is_snapshot, read_snapshot
from engine.desired.build import BuildResult
from engine.errors import InvalidSpecError
from engine.model.policy import Limits
from engine.model.problem import Notice, Problem
from engine.reporting.comparison import Comparison
from engine.runtime.compared import compare_inputs, compare_recordings, compare_with_azure
from engine.runtime.desired import gather_desired

_ANY_SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A comparison, and what was wrong on the way.

    Attributes:
        codes: What the exit code says beside the differences.
    """

    comparison: Comparison
    problems: tuple[Problem, ...] = ()
    notices: tuple[Notice, ...] = ()
    codes: frozenset[ExitCode] = field(default_factory=frozenset)


async def compare_places(args: argparse.Namespace, settings: Settings) -> Outcome:
    """Compare what the arguments name.

    Raises:
        InvalidSpecError: They name one thing, or two of different kinds; or something cannot be read.
    """
    names = [name for name in (args.first, args.second) if name]
    if not names:
        return await _with_azure(args, settings)
    if len(names) == 1 or args.filename or args.context is not None or args.kubeconfig:
        raise InvalidSpecError(
            "name two files, folders or snapshots, or compare with Azure by -f",
            hint="trueup diff A B; trueup diff -f A",
        )
    saved = [is_snapshot(Path(name)) for name in names]
    if saved[0] != saved[1]:
        raise InvalidSpecError(
            "a snapshot is compared with a snapshot", hint="trueup diff -f MANIFESTS compares manifests with Azure"
        )
    return _snapshots(*names) if saved[0] else await _inputs(args, settings, *names)


def _snapshots(first: str, second: str) -> Outcome:
    resources = compare_recordings(read_snapshot(Path(first)), read_snapshot(Path(second)))
    comparison = Comparison(first=first, second=second, resources=resources)
    unread = any(r.detail for r in resources)
    return Outcome(comparison=comparison, codes=frozenset({ExitCode.INCOMPLETE} if unread else ()))


async def _inputs(args: argparse.Namespace, settings: Settings, first: str, second: str) -> Outcome:
    selection = build_selection(args)
    found = [await _gather(args, settings, name) for name in (first, second)]
    chosen = [[s for s in result.states if selection.covers(result.resources[s.key], s.id)] for result in found]
    problems = tuple(p for result in found for p in result.problems)
    return Outcome(
        comparison=Comparison(first=first, second=second, resources=compare_inputs(*chosen)),
        problems=problems,
        notices=tuple(n for result in found for n in result.notices),
        codes=frozenset({ExitCode.ERROR} if problems else ()),
    )


async def _gather(args: argparse.Namespace, settings: Settings, name: str) -> BuildResult:
    source = open_source(argparse.Namespace(**{**vars(args), "filename": [name]}))
    # Two inputs can be compared whatever subscription they are for: any will do where none is named.
    subscription = args.subscription or settings.subscription or _ANY_SUBSCRIPTION
    return await gather_desired(source, subscription=subscription, strict=args.strict)


async def _with_azure(args: argparse.Namespace, settings: Settings) -> Outcome:
    """Compare as on the very first read: nothing is remembered, so every difference counts."""
    async with open_cycle(args, settings, Limits(adopt=True), remembers=False) as cycle:
        planned = await make_plan(cycle)
    return Outcome(
        comparison=Comparison(first="Azure", second="the manifests", resources=compare_with_azure(planned.plan)),
        problems=planned.problems,
        notices=planned.notices,
        codes=frozenset(exit_codes_of(planned) - {ExitCode.BLOCKED}),
    )
