"""``trueup crds trim``: versions in which nothing is stored any more, and kinds without objects."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.app.exit_codes import ExitCode
from engine.crds.definition import define
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.crds.pattern import Name
    from providers.kube.client import KubeClient

_PREVIEW = "Nothing was changed; --yes does it.\n"


def trim(client: KubeClient, names: Sequence[Name], *, does_it: bool) -> int:
    """Print what could go, kind by kind; remove it where that was asked for.

    Raises:
        EngineError: The cluster refuses something; kinds before that one are done.
    """
    from providers.kube.definitions import read_definition

    changes = 0
    for group, kind in names:
        plural = define(group, kind, version="")["metadata"]["name"]
        found = read_definition(client, plural)
        if found is None or found["metadata"].get("deletionTimestamp"):
            continue
        text = _trim_one(client, found, does_it=does_it)
        if text:
            changes += 1
            sys.stdout.write(f"{plural}: {text}\n")
    if not changes:
        sys.stdout.write("Nothing to trim.\n")
        return ExitCode.CLEAN
    if not does_it:
        sys.stdout.write(_PREVIEW)
    return ExitCode.CLEAN if does_it else ExitCode.DIFFERENCES


def _trim_one(client: KubeClient, found: Mapping[str, Any], *, does_it: bool) -> str:
    """Return what is to be said of one definition; empty where nothing can go."""
    from providers.kube.definitions import delete_definition, list_objects, stored_version

    objects = list_objects(client, found)
    if not objects:
        if does_it:
            delete_definition(client, found)
        return f"no objects; the definition {'was' if does_it else 'would be'} deleted"
    stored = stored_version(found)
    old = [v for v in found["status"].get("storedVersions") or () if v != stored]
    idle = [v["name"] for v in found["spec"]["versions"] if not (v["served"] or v["storage"])]
    if not old and not idle:
        return ""
    if does_it:
        _restore(client, found, objects)
    word = "" if does_it else "would be "
    return f"{len(objects)} objects {word}saved in {stored}; gone from the definition: {', '.join(old or idle)}"


def _restore(client: KubeClient, found: Mapping[str, Any], objects: Sequence[tuple[str, str]]) -> None:
    """Save every object anew, then note that the other versions are empty; a definition that changed since stays."""
    from providers.kube.definitions import forget_versions, read_definition, save_anew, stored_version

    for namespace, name in objects:
        save_anew(client, found, namespace, name)
    now = read_definition(client, found["metadata"]["name"])
    if (
        now is None
        or now["metadata"]["uid"] != found["metadata"]["uid"]
        or stored_version(now) != stored_version(found)
    ):
        raise EngineError(f"{found['metadata']['name']} was changed at the same time", hint="try again")
    forget_versions(client, now)
