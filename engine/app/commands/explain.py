"""``trueup explain``: for one object, why each difference counts or does not."""

from __future__ import annotations

import argparse
import asyncio
import sys

from engine.app.exit_codes import ExitCode
from engine.app.options import add_input_arguments, add_output_argument
from engine.app.session import (
    add_snapshot_argument,
    add_state_argument,
    make_plan,
    open_cycle,
    print_findings,
    text_options,
)
from engine.app.settings import Settings
from engine.errors import InvalidSpecError
from engine.model.plan import Action, Step
from engine.model.policy import Limits
from engine.planning.finding import Finding
from engine.runtime.world import PassResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the object, a place in it, input, state and output options."""
    parser.add_argument(
        "object", nargs="?", default="", help="namespace/Kind/name, Kind/name, name, or an ARM id; none with --pairs"
    )
    parser.add_argument(
        "path",
        nargs="?",
        default="",
        help="only differences at or below this place (JSON Pointer into the ARM body or, with /spec, into the object)",
    )
    parser.add_argument("--pairs", metavar="FILE", help="explain one pair of a file for 'trueup diff --pairs', offline")
    parser.add_argument("--index", metavar="N", type=int, default=0, help="which pair: its line, counted from 0")
    add_input_arguments(parser)
    add_state_argument(parser)
    add_snapshot_argument(parser)
    add_output_argument(parser, ("text", "json"))
    parser.add_argument("--verbose", action="store_true", help="show long values whole")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Compare one object and explain every difference, hidden ones too."""
    if args.pairs is not None:
        return _explain_pair(args, settings)
    if not args.object:
        raise InvalidSpecError("no object", hint="name it as plan prints it, or a file of pairs with --pairs")
    return asyncio.run(_explain(args, settings))


def _explain_pair(args: argparse.Namespace, settings: Settings) -> int:
    from engine.app.pair_steps import read_step

    if args.path:
        raise InvalidSpecError("a pair has no name", hint="trueup explain --pairs FILE --index N [PATH]")
    step = read_step(args.pairs, args.index, endpoint=settings.endpoint)
    _print(step, args.object, args, settings)
    return ExitCode.CLEAN


async def _explain(args: argparse.Namespace, settings: Settings) -> int:
    from engine.runtime.selection import matches

    async with open_cycle(args, settings, Limits(adopt=True)) as cycle:
        planned = await make_plan(cycle, keep_in_sync=True)
    print_findings(planned.problems, planned.notices)
    found = [f for f in planned.findings if matches(args.object, f.desired.key, f.desired.id)]
    _check_one(args.object, found)
    step = next(s for s in planned.plan.steps if s.key == found[0].desired.key)
    _print(step, args.path, args, settings, planned)
    codes = {ExitCode.ERROR} if planned.problems else set()
    if step.action is Action.UNREADABLE:
        codes.add(ExitCode.INCOMPLETE)
    return ExitCode.worst(codes)


def _print(
    step: Step, path: str, args: argparse.Namespace, settings: Settings, planned: PassResult | None = None
) -> None:
    from engine.app.output import render_explanation_as

    sys.stdout.write(render_explanation_as(args.output, step, path, text_options(args, settings, planned)))


def _check_one(name: str, found: list[Finding]) -> None:
    """Raise unless the name means one object.

    Raises:
        InvalidSpecError: None, or several.
    """
    if not found:
        raise InvalidSpecError(
            f"{name!r} is not among the objects", hint="name it as plan prints it: namespace/Kind/name"
        )
    if len(found) > 1:
        names = ", ".join(str(f.desired.key) for f in found[:5])
        raise InvalidSpecError(f"{name!r} means {len(found)} objects", detail=names, hint="name one of them in full")
