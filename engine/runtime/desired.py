"""From a source to desired states: the one way that every verb takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from engine.desired.build import BuildResult, build_indexed
from engine.desired.exporters import CONFIG_MAP, SECRET
from engine.desired.index import Index
from engine.desired.inputs import Inputs, WantedInputs
from engine.desired.wanted import wanted_inputs
from engine.errors import EngineError, PolicyDeniedError
from engine.model.path import FieldPath
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource
from engine.ports import DesiredSource

_PARALLEL = 8
_Key = TypeVar("_Key")


@runtime_checkable
class Locator(Protocol):
    """A source that can say where in its text a place in an object is."""

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return ``file:line`` of the place; the origin when it is not found."""
        ...


class RoleDirectory(Protocol):
    """What knows the roles of Azure; the reading port does."""

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the id of a role definition by its display name; None when there is none."""
        ...


async def gather_desired(
    source: DesiredSource, *, subscription: str, strict: bool = False, azure: RoleDirectory | None = None
) -> BuildResult:
    """Read a source, fetch what its objects take values from, and build every desired state.

    Args:
        source: Where objects, secrets and config maps come from.
        subscription: Where resource groups lie; empty when every id comes from an armId.
        strict: Refuse member names in the wrong letter case.
        azure: Asked for roles by name; without it such values stay unknown.

    Returns:
        The states, and the problems of reading and of building, with the line of the place they are about.
    """
    resources = await source.list_resources()
    index = Index.build(resources, subscription=subscription)
    inputs = await gather_inputs(source, index.resources, azure=azure, index=index)
    result = build_indexed(index, inputs, strict=strict)
    return replace(
        result,
        problems=place_problems((*source.problems(), *result.problems), source),
        notices=place_notices(result.notices, source),
    )


async def gather_inputs(
    source: DesiredSource, resources: Sequence[CustomResource], *, azure: RoleDirectory | None, index: Index
) -> Inputs:
    """Fetch what these objects take values from, and let the index learn it."""
    return await fetch_inputs(source, wanted_inputs(resources), azure=azure, index=index)


async def fetch_inputs(
    source: DesiredSource, wanted: WantedInputs, *, azure: RoleDirectory | None, index: Index
) -> Inputs:
    """Fetch what is wanted, and let the index learn it."""
    roles, unread = await _fetch_roles(wanted.role_names, azure, index.subscription)
    secrets = await _fetch_all(wanted.secrets, lambda key: _or_refusal(source.fetch_secret(*key)))
    config_maps = await _fetch_all(wanted.config_maps, lambda key: _or_refusal(source.fetch_config_map(*key)))
    inputs = Inputs(
        secrets=_without_refusals(secrets),
        config_maps=_without_refusals(config_maps),
        refused={
            (kind, *key): str(why)
            for kind, found in ((SECRET, secrets), (CONFIG_MAP, config_maps))
            for key, why in found.items()
            if isinstance(why, PolicyDeniedError)
        },
        role_definitions=roles,
        unread_roles=unread,
    )
    if inputs.config_maps:
        index.learn(inputs)
    return inputs


async def _or_refusal(fetch: Awaitable[Any]) -> Any:
    """Return what is fetched, or why it may not be: what needs it waits, no more."""
    try:
        return await fetch
    except PolicyDeniedError as exc:
        return exc


def _without_refusals(found: Mapping[_Key, Any]) -> Mapping[_Key, Any]:
    return {key: held for key, held in found.items() if not isinstance(held, PolicyDeniedError)}


async def _fetch_roles(
    names: Iterable[str], azure: RoleDirectory | None, subscription: str
) -> tuple[Mapping[str, str | None], Mapping[str, str]]:
    """Return the roles that were looked up, and why others could not be: what needs one of those waits, no more."""
    if azure is None:
        return {}, {}
    scope = f"/subscriptions/{subscription}" if subscription else "/"

    async def look_up(name: str) -> str | EngineError | None:
        try:
            return await azure.find_role_definition(scope, name)
        except EngineError as exc:
            return exc

    found = {name.lower(): role for name, role in (await _fetch_all(names, look_up)).items()}
    unread = {name: str(role) for name, role in found.items() if isinstance(role, EngineError)}
    return {name: role for name, role in found.items() if name not in unread}, unread


def place_problems(problems: Iterable[Problem], source: DesiredSource) -> tuple[Problem, ...]:
    """Return the problems with the line of the very place they are about, where the source can tell."""
    if not isinstance(source, Locator):
        return tuple(problems)
    return tuple(
        replace(p, origin=source.locate(p.origin, p.path)) if p.path is not None and p.origin else p for p in problems
    )


def place_notices(notices: Iterable[Notice], source: DesiredSource) -> tuple[Notice, ...]:
    """Return the notices with the line of the very place they are about, where the source can tell."""
    if not isinstance(source, Locator):
        return tuple(notices)
    return tuple(
        replace(n, origin=source.locate(n.origin, n.path)) if n.path is not None and n.origin else n for n in notices
    )


async def _fetch_all(keys: Iterable[_Key], fetch: Callable[[_Key], Awaitable[Any]]) -> Mapping[_Key, Any]:
    """Fetch with bounded concurrency; the first error ends all and is raised as itself."""
    gate = asyncio.Semaphore(_PARALLEL)
    found: dict[_Key, Any] = {}

    async def fetch_one(key: _Key) -> None:
        async with gate:
            found[key] = await fetch(key)

    try:
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(fetch_one(key))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return found
