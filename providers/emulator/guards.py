"""What a write may not do to a resource that is there: preconditions, members that cannot change or be patched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulator.address import Place, parse_address
from providers.emulator.answer import RefusedError
from providers.emulator.bodies import MISSING, read_path
from providers.emulator.call import Call
from providers.emulator.facts import TypeFacts
from providers.emulator.invent import Context
from providers.emulator.readback import clean_body
from providers.emulator.regions import region_code
from providers.emulator.rewrite import rewrite
from providers.emulator.store import Record

_ROLES = "/providers/microsoft.authorization/roledefinitions/"
_OWN_WORDS = {
    "RoleAssignmentUpdateNotPermitted": (
        "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
    ),
    "BadRequest": "Document collection partition key cannot be changed.",
}
"""Refusals of members that are only taken at creation, where the service does not say PropertyChangeNotAllowed."""


def check_unchangeable(facts: TypeFacts, desired: Mapping[str, Any], old: Record | None, context: Context) -> None:
    """Check that location and create-only members stay as they are; what the service respells is compared respelled.

    Raises:
        RefusedError: 409 with the member's name; 400 where the service has words of its own.
    """
    if old is None:
        return
    held = old.value
    _check_location(desired, held, old)
    known = facts.operations
    if known is None or not known.create_only:
        return
    wanted = clean_body(facts, desired)
    rewrite(facts.name, wanted, context)
    for path in known.create_only:
        if "[]" not in path and path != ("location",) and path not in known.update_via_patch:
            _check_same(path, wanted, held, known.create_only_refusal)


def check_preconditions(call: Call, facts: TypeFacts, old: Record | None) -> None:
    """Check If-Match and If-None-Match where the type knows etags.

    Raises:
        RefusedError: 412; 400 where the type insists on If-Match.
    """
    if not facts.takes_etag:
        return
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    if wanted and (old is None or (wanted != "*" and old.etag.removeprefix("W/") != wanted.removeprefix("W/"))):
        raise RefusedError(
            412,
            "PreconditionFailed",
            f"Precondition failed: the etag '{wanted}' provided in the header does not match the etag "
            f"'{old.etag if old else ''}' of the resource.",
        )
    if unwanted == "*" and old is not None:
        raise RefusedError(412, "PreconditionFailed", "Precondition failed: the resource exists already.")
    known = facts.operations
    if old is not None and not wanted and known is not None and call.method in known.etag_required:
        raise RefusedError(
            400, "PreconditionRequired", "The If-Match header is required: send the resource's etag or '*'."
        )


def check_patchable(facts: TypeFacts, patch: Mapping[str, Any]) -> None:
    """Check that PATCH takes every member it is sent; anything goes where that is not known.

    Raises:
        RefusedError: 400 with the first member it does not take.
    """
    accepted = facts.operations.patch_for(facts.api) if facts.operations else None
    if accepted is None:
        return
    for path in _leaves(patch):
        if path[0] in ("id", "name", "type", "location") or accepted.accepts(path):
            continue
        name = ".".join(path)
        raise RefusedError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: 'Could not find member '{name}' on "
            f"object of type 'PatchDefinition'. Path '{name}'.'",
            target=name,
        )


def _leaves(value: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    out: list[tuple[str, ...]] = []
    for key, inner in value.items():
        out += _leaves(inner, (*path, key)) if isinstance(inner, dict) and inner else [(*path, key)]
    return out


def _check_location(desired: Mapping[str, Any], held: Mapping[str, Any], old: Record) -> None:
    asked, location = desired.get("location"), held.get("location")
    if not asked or not location or region_code(str(asked)) == region_code(str(location)):
        return
    address = parse_address(old.id)
    if address.place is Place.GROUP:
        raise RefusedError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{asked}'. The Resource group already exists in location '{location}'.",
        )
    raise RefusedError(
        409,
        "InvalidResourceLocation",
        f"The resource '{address.name}' already exists in location '{location}' in resource group '{address.group}'. "
        f"A resource with the same name cannot be created in location '{asked}'. Please select a new resource name.",
    )


def _check_same(path: tuple[str, ...], desired: Mapping[str, Any], held: Mapping[str, Any], code: str) -> None:
    wanted, was = read_path(desired, path), read_path(held, path)
    if wanted is MISSING or was is MISSING or was is None or _is_same(wanted, was):
        return
    if code in _OWN_WORDS:
        raise RefusedError(400, code, _OWN_WORDS[code])
    name = ".".join(path)
    raise RefusedError(409, code, f"Changing property '{name}' is not allowed.", target=name)


def _is_same(wanted: Any, was: Any) -> bool:
    """Whether a member is unchanged; what the server may have respelled or added is not seen."""
    if isinstance(wanted, Mapping) and isinstance(was, Mapping):
        pairs = [(value, read_path(was, (name,))) for name, value in wanted.items()]
        return all(there is MISSING or there is None or _is_same(value, there) for value, there in pairs)
    return bool(_fold(wanted) == _fold(was))


def _fold(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    folded = region_code(value)
    return folded[folded.index(_ROLES) :] if _ROLES in folded else folded
