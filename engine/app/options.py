"""Options that several verbs share, and what they mean."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import InvalidSpecError

if TYPE_CHECKING:  # only for annotations: importing these costs what --help must not
    from engine.ports import DesiredSource
    from engine.runtime.scope import InputScope
    from engine.runtime.selection import Selection


REPORTS: Final = ("text", "json", "ndjson", "markdown", "html", "junit", "sarif")
COMPARISONS: Final = ("text", "json", "ndjson", "markdown", "html", "junit")


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where objects come from and which of them are meant."""
    source = parser.add_argument_group("input")
    source.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        metavar="FILE|FOLDER|-",
        help="manifests: a file, a folder with all folders below, or - for standard input; may be repeated",
    )
    source.add_argument(
        "--context",
        nargs="?",
        const="",
        metavar="NAME",
        help="read objects and Secrets from the cluster of this kubeconfig context (no NAME: the current one); "
        "with -f only Secrets and ConfigMaps that the files lack",
    )
    source.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig to use (default: KUBECONFIG, ~/.kube/config)")
    source.add_argument("--subscription", metavar="ID", help="Azure subscription (default: AZURE_SUBSCRIPTION_ID)")
    source.add_argument("--strict", action="store_true", help="refuse member names in the wrong letter case")
    chosen = parser.add_argument_group("which objects")
    chosen.add_argument("-n", "--namespace", metavar="NAMESPACE", help="only objects of this namespace")
    chosen.add_argument("-A", "--all-namespaces", action="store_true", help="objects of all namespaces (default)")
    chosen.add_argument("-l", "--selector", metavar="LABELS", help="only objects with these labels: app=web,tier!=test")
    chosen.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="OBJECT",
        help="only NAME, KIND/NAME, NAMESPACE/KIND/NAME or an ARM id; * is any text",
    )
    chosen.add_argument(
        "--exclude", action="append", default=[], metavar="OBJECT", help="not this one; may be repeated"
    )


def add_allow_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what lets guards pass, for this run only."""
    allow = parser.add_argument_group("guards to let pass, this once")
    for option, what in _ALLOW_OBJECTS.items():
        allow.add_argument(option, metavar="OBJECT", action="append", default=[], help=f"{what}; may be repeated")
    for option, what in _ALLOW_FLAGS.items():
        allow.add_argument(option, action="store_true", help=what)


_ALLOW_OBJECTS = {
    "--allow-replace": "delete and create this object anew if need be",
    "--allow-protected": "delete or replace this object although it is protected",
    "--allow-subscription": "delete this alias of a subscription",
}
_ALLOW_FLAGS = {
    "--allow-data-loss": "allow deletes of resources that hold data",
    "--allow-mass-delete": "allow a plan to delete most of what is managed, or most of one namespace",
    "--allow-other-owner": "allow writes to what another tool or controller manages",
    "--allow-denied": "send what a deny assignment denies, where this identity is excluded from it",
    "--allow-rewrite": "write differences once more that came back after they were put right",
}


def add_output_argument(parser: argparse.ArgumentParser, choices: Sequence[str]) -> None:
    """Add ``-o``; the first choice is the default."""
    parser.add_argument(
        "-o",
        "--output",
        choices=tuple(choices),
        default=choices[0],
        help=f"format of the output (default {choices[0]})",
    )


def add_report_arguments(parser: argparse.ArgumentParser, choices: Sequence[str]) -> None:
    """Add ``-o``, and files that the report is written to besides."""
    add_output_argument(parser, choices)
    parser.add_argument(
        "--report",
        metavar="FORMAT=FILE",
        action="append",
        default=[],
        type=lambda text: _parse_report(text, choices),
        help="write the report to a file, too, in a format of -o; may be repeated",
    )


def _parse_report(text: str, choices: Sequence[str]) -> tuple[str, str]:
    form, _, file = text.partition("=")
    if form not in choices or not file:
        raise argparse.ArgumentTypeError(f"{text!r} is not FORMAT=FILE with one of {', '.join(choices)}")
    if not Path(file).parent.is_dir():
        raise argparse.ArgumentTypeError(f"{file} cannot be written: its folder is not there")
    return form, file


def build_selection(args: argparse.Namespace) -> Selection:
    """Return which objects the options mean.

    Raises:
        InvalidSpecError: Options contradict each other, or the selector cannot be read.
    """
    from engine.runtime.selection import Selection, parse_label_selector

    if args.all_namespaces and args.namespace:
        raise InvalidSpecError("-n and -A exclude each other")
    return Selection(
        namespace=args.namespace or "",
        labels=parse_label_selector(args.selector or ""),
        targets=tuple(args.target),
        excludes=tuple(args.exclude),
    )


def open_source(args: argparse.Namespace) -> DesiredSource:
    """Return where the options say that objects come from.

    Raises:
        InvalidSpecError: They name nothing, or what is not there, or a cluster that cannot be used.
    """
    wants_cluster = args.context is not None or bool(args.kubeconfig)
    if not args.filename and not wants_cluster:
        raise InvalidSpecError("no input", hint="name files, folders or - with -f, or a cluster with --context")
    if not wants_cluster:
        return _open_files(args)
    from engine.app.sources import FilesBesideCluster

    cluster = _open_cluster(args)
    return FilesBesideCluster(_open_files(args), cluster) if args.filename else cluster


def build_scope(args: argparse.Namespace, source: DesiredSource) -> InputScope:
    """Return what the input of this run is called where the state folder remembers it.

    Args:
        args: The options.
        source: What they opened.
    """
    import os

    from engine.runtime.scope import InputScope, name_cluster, name_path
    from providers.kube.source import KubeSource

    base = os.path.dirname(os.path.abspath(args.state))
    also = prune_names(args)
    if isinstance(source, KubeSource):
        name = name_cluster(source.server)
        return InputScope(base=base, roots=(name,), also=also, cluster=name)
    return InputScope(base=base, roots=tuple(name_path(path, base) for path in args.filename), also=also)


def checked_subscription(text: str) -> str:
    """Return a subscription id, where Azure is to be asked about it.

    Raises:
        InvalidSpecError: It is none; Azure would only say that it does not find what lies in it.
    """
    if text and not re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text):
        raise InvalidSpecError(
            f"{text!r} is no subscription id", hint="az account show --query id; it is not the subscription's name"
        )
    return text


def prune_names(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the names that ``--prune-from`` gives, where the verb takes it."""
    from engine.runtime.scope import name_given

    return tuple(name_given(name) for name in getattr(args, "prune_from", ()))


def missing_paths(names: Sequence[str]) -> list[str]:
    """Return those of the files and folders that are not there; ``-`` always is."""
    import os

    return [name for name in names if name != "-" and not os.path.exists(name)]


def _open_files(args: argparse.Namespace) -> DesiredSource:
    import sys

    from providers.manifests.source import ManifestSource

    missing = missing_paths(args.filename)
    if missing:
        raise InvalidSpecError("no such file or folder", detail=", ".join(missing), hint="check what -f names")
    return ManifestSource(args.filename, read_stdin=sys.stdin.buffer.read)


def _open_cluster(args: argparse.Namespace) -> DesiredSource:
    from providers.kube.connect import Connection, connect
    from providers.kube.discovery import Catalog
    from providers.kube.source import KubeSource

    connection = Connection(context=args.context or "", kubeconfig=args.kubeconfig or "")
    return KubeSource(connect(connection), Catalog.of_kinds())
