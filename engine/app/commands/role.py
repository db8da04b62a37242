"""``trueup role``: the smallest custom role in Azure that a mode needs."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.app.console import complain, warn
from engine.app.exit_codes import ExitCode
from engine.app.options import add_input_arguments, add_output_argument, build_selection, open_source
from engine.app.settings import Settings
from engine.errors import InvalidSpecError

if TYPE_CHECKING:  # the verb's module stays light: ``--help`` must not load facts
    from engine.rights.needs import Subject

_MODES = ("watch", "plan", "manage")
_OUTSIDE = {
    "entra.azure.com": "rights of Microsoft Graph (Group.ReadWrite.All), which no role in Azure gives",
    "subscription.azure.com": "a role in the billing account: subscriptions lie outside every scope of a custom role",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the mode, the kinds or the objects, and where the role is to be."""
    parser.add_argument("--mode", choices=_MODES, required=True, help="watch and plan only read; manage writes, too")
    parser.add_argument("--pattern", metavar="P;P", help="all that objects of these kinds may need, as crdPattern")
    parser.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="ID",
        help="where the role can be assigned: a subscription, a resource group, a management group; may be repeated "
        "(default: the subscription)",
    )
    parser.add_argument("--name", metavar="NAME", help='name of the role (default: "Trueup MODE")')
    parser.add_argument(
        "--registered", action="store_true", help="resource providers are registered: leave out the right to"
    )
    parser.add_argument(
        "--whole-groups",
        action="store_true",
        help="add */read: Azure lists in a resource group what one may read, so that the guard on deleting a group "
        "sees all of it",
    )
    add_input_arguments(parser)
    add_output_argument(parser, ("json", "text"))


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print the role; what cannot be told of an object is an error, and the role is that of the others."""
    from engine.rights.needs import Mode, deletes_groups, list_needs
    from engine.rights.role import purposes, role_definition

    mode = Mode(args.mode)
    subjects, code = _subjects(args, settings)
    needs = list(list_needs(subjects, mode, registers=not args.registered, whole_groups=args.whole_groups))
    if mode is Mode.MANAGE and deletes_groups(subjects) and not args.whole_groups:
        warn("who deletes a resource group sees only what the role lets them read of it: --whole-groups adds the rest")
    name = args.name or f"Trueup {mode}"
    verb = "keeps Azure as objects say" if mode is Mode.MANAGE else "compares Azure with objects, and writes nothing"
    role = role_definition(name, f"Trueup {verb}.", needs, _scopes(args, settings))
    if args.output == "json":
        _print_json(role)
        return code
    for action, reasons in purposes(needs, role["Actions"]).items():
        sys.stdout.write(f"{action}\n" + "".join(f"    {reason}\n" for reason in reasons))
    return code


def _subjects(args: argparse.Namespace, settings: Settings) -> tuple[list[Subject], ExitCode]:
    has_input = bool(args.filename) or args.context is not None or bool(args.kubeconfig)
    if (args.pattern is None) is not has_input:
        raise InvalidSpecError("name kinds with --pattern, or objects with -f or --context: one of these")
    if args.pattern is None:
        return _from_objects(args, settings)
    from engine.crds.definition import all_names
    from engine.crds.pattern import choose
    from engine.rights.subjects import subjects_of_kinds

    names = choose(args.pattern, all_names())
    _tell_outside(group for group, _ in names)
    return list(subjects_of_kinds(names)), ExitCode.CLEAN


def _from_objects(args: argparse.Namespace, settings: Settings) -> tuple[list[Subject], ExitCode]:
    from engine.rights.subjects import subjects_of_states
    from engine.runtime.desired import gather_desired

    selection = build_selection(args)
    subscription = args.subscription or settings.subscription
    result = asyncio.run(gather_desired(open_source(args), subscription=subscription, strict=args.strict))
    for problem in result.problems:
        complain(problem)
    states = [s for s in result.states if selection.covers(result.resources[s.key], s.id)]
    _tell_outside(state.key.group for state in states)
    code = ExitCode.ERROR if result.problems else ExitCode.CLEAN
    return list(subjects_of_states(states, result.resources)), code


def _tell_outside(groups: Iterable[str]) -> None:
    for group in sorted(set(groups) & _OUTSIDE.keys()):
        warn(f"objects of {group} also need {_OUTSIDE[group]}")


def _scopes(args: argparse.Namespace, settings: Settings) -> list[str]:
    """Return where the role can be assigned.

    Raises:
        InvalidSpecError: Nothing says where.
    """
    subscription = args.subscription or settings.subscription
    if not args.scope and not subscription:
        raise InvalidSpecError(
            "a role needs a place where it can be assigned", hint="name it with --scope, or --subscription"
        )
    return list(args.scope) or [f"/subscriptions/{subscription}"]


def _print_json(role: dict[str, Any]) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(role, option=orjson.OPT_INDENT_2).decode() + "\n")
