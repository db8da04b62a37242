"""Definitions of kinds and admission policies, brought into a cluster by the pod as it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any, Final

from engine.errors import InvalidSpecError, PolicyDeniedError, UnavailableError

if TYPE_CHECKING:
    from engine.crds.pattern import Name
    from engine.ports import Clock
    from providers.kube.client import KubeClient

_RESERVED: Final = ("app.kubernetes.io/name", "app.kubernetes.io/version", "app.kubernetes.io/managed-by")
_RESERVED_PREFIX: Final = "serviceoperator.azure.com/"
_NOTHING: Final = "No existing CRDs in cluster and no --crd-pattern specified"
_LOOKS: Final = 60


def parse_labels(text: str) -> Mapping[str, str]:
    """Return the labels of ``--crd-labels``: ``name=value`` separated by ``,`` or ``;``.

    Raises:
        InvalidSpecError: One is malformed, or is a label that the definitions carry anyway.
    """
    out: dict[str, str] = {}
    for item in text.replace(";", ",").split(","):
        name, sign, value = (part.strip() for part in item.partition("="))
        if not name and not sign:
            continue
        if not name or not sign:
            raise InvalidSpecError(f"--crd-labels: {item.strip()!r} is not name=value")
        if name in _RESERVED or name.startswith(_RESERVED_PREFIX):
            raise InvalidSpecError(f"--crd-labels: {name} is set by Trueup itself", hint="leave it out")
        out[name] = value
    return out


async def bring_definitions(
    client: KubeClient, *, pattern: str, labels: Mapping[str, str], clock: Clock
) -> Sequence[str]:
    """Install and upgrade what a pattern means and what is installed already; delete nothing.

    Returns:
        What was done, in sentences.

    Raises:
        InvalidSpecError: The pattern means nothing, or there is nothing to manage at all.
        EngineError: The cluster refuses it, or does not serve a kind.
    """
    from engine.crds.definition import all_names
    from engine.crds.pattern import choose
    from providers.kube.discovery import Catalog, discover

    def installed() -> set[Name]:
        return {(kind.group, kind.kind) for kind in discover(client, Catalog.of_kinds())[0]}

    known = list(all_names())
    there = await asyncio.to_thread(installed)
    wanted = set(choose(pattern, known)) if pattern.strip() else set()
    chosen = [name for name in known if name in wanted or name in there]
    if not chosen:
        raise InvalidSpecError(_NOTHING, hint="for example --crd-pattern 'resources.azure.com/*;storage.azure.com/*'")
    try:
        changed = await asyncio.to_thread(lambda: [name for name in chosen if _bring(client, name, labels)])
        await asyncio.to_thread(bring_own, client, policies=True)
        told = await asyncio.to_thread(bring_naming_policy, client)
    except PolicyDeniedError as exc:
        if not wanted <= there:
            raise
        return (f"definitions and admission policies are left as they are: {exc}",)
    for _ in range(_LOOKS):
        there = await asyncio.to_thread(installed)
        if wanted <= there:
            return (*(f"definition of {'/'.join(name)} applied" for name in changed), *told)
        await clock.sleep(timedelta(seconds=0.5))
    raise UnavailableError("The cluster does not serve all kinds yet", detail=_names(wanted - there))


def _bring(client: KubeClient, name: Name, labels: Mapping[str, str]) -> bool:
    """Bring one definition up to date; return whether there was anything to do."""
    from engine.crds.compare import differences
    from engine.crds.definition import define, is_described, keep_stored
    from providers.kube.definitions import bring_definition, read_definition

    bare = define(*name, version=f"v{version_of('trueup')}", labels=labels)
    found = read_definition(client, bare["metadata"]["name"])
    manifest = (
        define(*name, version=f"v{version_of('trueup')}", labels=labels, descriptions=True)
        if is_described(found)
        else bare
    )
    complete = keep_stored(manifest, (found or {}).get("status", {}).get("storedVersions") or ())
    if not any(differences(complete, found)) and _carries(found, complete["metadata"]["labels"]):
        return False
    bring_definition(client, complete, found)
    return True


def _carries(found: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    held = (found or {}).get("metadata", {}).get("labels") or {}
    return all(held.get(name) == value for name, value in labels.items())


def bring_own(client: KubeClient, *, policies: bool = False) -> None:
    """Apply the definition of DriftReport, and admission policies, where they are not there as they should be."""
    from engine.crds.policy import admission_policies
    from engine.drift.definition import drift_report_definition

    for manifest in (drift_report_definition(), *(admission_policies() if policies else ())):
        _bring_object(client, manifest)


def _bring_object(client: KubeClient, manifest: Mapping[str, Any]) -> None:
    from engine.crds.compare import holds
    from providers.kube.definitions import apply_object, read_object

    if not holds(read_object(client, manifest), manifest):
        apply_object(client, manifest)


def bring_naming_policy(client: KubeClient) -> Sequence[str]:
    """Apply the policy that fills in names, where the server serves such policies; say why where it is left out.

    It is a convenience: the pod fills them in as well.
    """
    from engine.crds.naming_policy import RESOURCE, SERVED, naming_policy
    from providers.kube.definitions import version_of_admission

    try:
        version = version_of_admission(client, RESOURCE, SERVED)
        for policy in naming_policy(version) if version else ():
            _bring_object(client, policy)
    except PolicyDeniedError as exc:
        return (f"azureName is filled in by the pod, not by an admission policy: {exc}",)
    return ()


def _names(names: Iterable[Name]) -> str:
    return ", ".join("/".join(name) for name in sorted(names))
