"""``trueup crds``: CustomResourceDefinitions of ASO's kinds, to print, to install, to compare."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from engine.app.exit_codes import ExitCode
from engine.app.settings import Settings
from engine.errors import InvalidSpecError, NotReadyError

if TYPE_CHECKING:  # ``--help`` must not load facts or a cluster's client
    from providers.kube.client import KubeClient

_VERSIONS = ("all", "newest")
_POLICY_VERSIONS = ("v1", "v1beta1", "v1alpha1")
_PATIENCE_S = 60.0
_LOOK_AGAIN = timedelta(milliseconds=100)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take ``render``, ``install``, ``diff`` and ``trim``."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="render|install|diff|trim")
    render = actions.add_parser("render", help="print the definitions as kubectl takes them")
    install = actions.add_parser(
        "install", help="apply them, the definition of DriftReport and the admission policy; deletes nothing"
    )
    diff = actions.add_parser("diff", help="say what install would change")
    trim = actions.add_parser(
        "trim", help="say which stored versions and which kinds nobody uses; with --yes, remove them"
    )
    trim.add_argument("--yes", action="store_true", help="do it")
    for sub in (render, install, diff, trim):
        which = sub.add_mutually_exclusive_group(required=True)
        which.add_argument("--pattern", metavar="P;P", help="kinds as GROUP/KIND, * and ? allowed, separated by ;")
        which.add_argument(
            "--from", dest="folder", metavar="FOLDER", type=Path, help="the kinds that these manifests use"
        )
        if sub is not trim:
            sub.add_argument(
                "--versions", choices=_VERSIONS, default="all", help="serve all versions, or the stored one alone"
            )
            sub.add_argument(
                "--descriptions", action="store_true", help="say what each member is for, as kubectl explain prints it"
            )
    render.add_argument(
        "-o", "--output", choices=("json", "yaml"), default="json", help="a JSON document a line, or YAML"
    )
    render.add_argument(
        "--naming-policy",
        metavar="VERSION",
        choices=_POLICY_VERSIONS,
        default="",
        help="print the policy too that fills in azureName, for servers with MutatingAdmissionPolicy in that version; "
        "install finds out by itself",
    )
    for sub in (install, diff, trim):
        sub.add_argument("--context", metavar="NAME", help="a context of the kubeconfig")
        sub.add_argument("--kubeconfig", metavar="FILE", default="", help="kubeconfig file, if not the default one")


def run(args: argparse.Namespace, _settings: Settings) -> int:
    """Do what was asked for."""
    from engine.crds.definition import define

    names = _names(args)
    if args.action == "trim":
        from engine.app.trimming import trim

        return trim(_connect(args), names, does_it=args.yes)
    release = f"v{version_of('trueup')}"
    newest = args.versions == "newest"
    wanted = [define(*n, version=release, newest_only=newest, descriptions=args.descriptions) for n in names]
    match args.action:
        case "render":
            return _render(wanted, args.output, names_by=args.naming_policy)
        case "install":
            return _install(args, wanted)
        case _:
            return _diff(args, wanted)


def _names(args: argparse.Namespace) -> Sequence[tuple[str, str]]:
    from engine.crds.definition import all_names
    from engine.crds.pattern import choose

    if args.pattern is not None:
        return choose(args.pattern, all_names())
    from engine.app.options import missing_paths
    from providers.manifests.source import ManifestSource

    if missing_paths([str(args.folder)]):
        raise InvalidSpecError(f"{args.folder} is not there")
    found = asyncio.run(ManifestSource([str(args.folder)], read_stdin=sys.stdin.buffer.read).list_resources())
    used = {(r.key.group, r.key.kind) for r in found}
    known = [name for name in all_names() if name in used]
    if not known:
        raise InvalidSpecError(f"{args.folder} holds no Azure Service Operator objects")
    return known


def _render(wanted: Sequence[dict[str, Any]], output: str, *, names_by: str) -> int:
    from engine.crds.naming_policy import naming_policy
    from engine.crds.policy import admission_policies
    from engine.drift.definition import drift_report_definition

    more = naming_policy(names_by) if names_by else []
    for manifest in (*wanted, drift_report_definition(), *admission_policies(), *more):
        sys.stdout.write("---\n" + _text_of(manifest, output))
    return ExitCode.CLEAN


def _text_of(manifest: dict[str, Any], output: str) -> str:
    from engine.model.document import encode_public

    raw = encode_public(manifest)
    if output == "json":
        return raw.decode() + "\n"
    import yaml

    # Decoded again, no part is the same object as another: YAML would name it once and refer to it.
    return str(yaml.dump(orjson.loads(raw), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))


def _install(args: argparse.Namespace, wanted: Sequence[dict[str, Any]]) -> int:
    from engine.app.definitions import bring_naming_policy, bring_own
    from providers.kube.definitions import bring_definition

    client = _connect(args)
    changed: list[str] = []
    for manifest, installed, changes in _compare(client, wanted):
        if changes:
            bring_definition(client, manifest, installed)
            changed.append(manifest["metadata"]["name"])
            sys.stdout.write(f"{changed[-1]} applied\n")
    bring_own(client, policies=True)
    sys.stdout.writelines(f"{line}\n" for line in bring_naming_policy(client))
    asyncio.run(_wait_until_served(client, changed))
    sys.stdout.write(f"{len(changed)} of {len(wanted)} definitions applied; the others were as they should be.\n")
    return ExitCode.CLEAN


async def _wait_until_served(client: KubeClient, names: Sequence[str]) -> None:
    """Return when every kind can be used: the next command may create objects of it.

    Raises:
        NotReadyError: One is not, after a while.
    """
    from engine.runtime.clock import SystemClock
    from providers.kube.definitions import is_served, read_definition

    clock = SystemClock()
    until = clock.monotonic() + _PATIENCE_S
    for name in names:
        while not is_served(read_definition(client, name)):
            if clock.monotonic() > until:
                raise NotReadyError(
                    f"{name} was applied, but is not served after {_PATIENCE_S:g} seconds",
                    hint=f"kubectl describe crd {name} says why",
                )
            await clock.sleep(_LOOK_AGAIN)


def _diff(args: argparse.Namespace, wanted: Sequence[dict[str, Any]]) -> int:
    changed = 0
    for manifest, _, changes in _compare(_connect(args), wanted):
        changed += bool(changes)
        sys.stdout.writelines(f"{manifest['metadata']['name']}: {text}\n" for text in changes)
    sys.stdout.write(f"{changed} of {len(wanted)} definitions differ.\n")
    return ExitCode.DIFFERENCES if changed else ExitCode.CLEAN


def _compare(
    client: KubeClient, wanted: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None, list[str]]]:
    """Yield each definition as it would be, as it is installed, and what would change."""
    from engine.crds.compare import differences
    from engine.crds.definition import keep_stored
    from providers.kube.definitions import read_definition

    for manifest in wanted:
        installed = read_definition(client, manifest["metadata"]["name"])
        stored = (installed or {}).get("status", {}).get("storedVersions") or ()
        complete = keep_stored(manifest, stored)
        yield complete, installed, list(differences(complete, installed))


def _connect(args: argparse.Namespace) -> KubeClient:
    from providers.kube.connect import Connection, connect

    return connect(Connection(context=args.context or "", kubeconfig=args.kubeconfig))
