"""``trueup alerts``: who would hear of drift, whether it reaches them, and what did not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.app.options import add_output_argument
from engine.app.session import DEFAULT_STATE
from engine.app.settings import Settings
from engine.cluster.operating import DEFAULT_NAMESPACE as OPERATOR
from engine.errors import InvalidSpecError

if TYPE_CHECKING:
    from providers.kube.client import KubeClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take ``check``, ``test``, ``list`` and ``retry``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|test|list|retry")
    check = actions.add_parser("check", help="say what a file means and what is wrong with it; nothing is sent")
    test = actions.add_parser("test", help="send each sink an alert that is marked as a test, and its end")
    shown = actions.add_parser("list", help="print what sinks were told, what waits, and what nobody took")
    retry = actions.add_parser("retry", help="send again what nobody took, as far as it is still so, and what waits")
    for sub in (check, test):
        sub.add_argument("file", metavar="FILE", type=Path, help="file of sinks and routes, as for drift --alerts")
    test.add_argument("--sink", metavar="NAME", action="append", default=[], help="only this sink; may be repeated")
    retry.add_argument(
        "words",
        metavar="FILE [ID ...]",
        nargs="*",
        default=[],
        help="file of sinks and routes, and only these messages; for a pod, which knows its file, only the messages",
    )
    for sub in (shown, retry):
        sub.add_argument(
            "--state",
            metavar="DIR",
            type=type(DEFAULT_STATE),
            default=DEFAULT_STATE,
            help="state folder of drift --alerts (default .trueup)",
        )
        _add_pod_arguments(sub)
    add_output_argument(shown, ("text", "json"))


def _add_pod_arguments(parser: argparse.ArgumentParser) -> None:
    pod = parser.add_argument_group("of a pod")
    pod.add_argument(
        "--context",
        nargs="?",
        const="",
        metavar="NAME",
        help="the pod in the cluster of this kubeconfig context (no NAME: the current one)",
    )
    pod.add_argument("--kubeconfig", metavar="FILE", help="kubeconfig to use (default: KUBECONFIG, ~/.kube/config)")
    pod.add_argument(
        "-n", "--namespace", metavar="NAMESPACE", default=OPERATOR, help=f"where the pod is (default {OPERATOR})"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked for."""
    from engine.app import alert_desk as desk
    from engine.app import pod_outboxes as pod

    match args.action:
        case "check":
            return desk.check(args.file)
        case "test":
            return desk.test(args.file, args.sink, ca_file=settings.ca_file)
        case "list" if _is_about_pod(args):
            return pod.show(_connect(args), args.namespace, as_json=args.output == "json")
        case "list":
            return desk.show(args.state, as_json=args.output == "json")
        case _ if _is_about_pod(args):
            return pod.retry(_connect(args), args.namespace, args.words)
        case _ if not args.words:
            raise InvalidSpecError("alerts retry needs the file of sinks", hint="or --context, for those of a pod")
        case _:
            return desk.retry(Path(args.words[0]), args.state, args.words[1:], ca_file=settings.ca_file)


def _is_about_pod(args: argparse.Namespace) -> bool:
    return args.context is not None or bool(args.kubeconfig)


def _connect(args: argparse.Namespace) -> KubeClient:
    from providers.kube.connect import Connection, connect

    return connect(Connection(context=args.context or "", kubeconfig=args.kubeconfig or ""))
