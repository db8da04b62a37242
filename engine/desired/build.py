"""Objects become desired states: one entry for one object, one for a whole input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.desired.check import Misfit, Report
from engine.desired.convert import convert_spec
from engine.desired.exporters import CONFIG_MAP, SECRET
from engine.desired.identity import Identity
from engine.desired.index import Index
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.desired.places import body_path_of
from engine.desired.policy import parse_policy
from engine.errors import InvalidSpecError
from engine.model.document import UNKNOWN, Body, Secret
from engine.model.ids import ApiVersion, ResourceKey
from engine.model.path import FieldPath
from engine.model.problem import Notice, Problem
from engine.model.state import CustomResource, DesiredState, Wait
from schemas.kinds import is_group, is_known, lookup_kind, nearest_kind, similar_group, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """Desired states of an input, and what could not become one.

    Attributes:
        states: Sorted by object.
        resources: The object of each state.
        problems: Every problem, sorted by object; the objects they name have no state.
        notices: What stops nothing.
    """

    states: tuple[DesiredState, ...] = ()
    resources: Mapping[ResourceKey, CustomResource] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    notices: tuple[Notice, ...] = ()


class _ObjectResolver:
    """Gives values to what one object points at, and remembers what is missing."""

    __slots__ = ("_index", "_inputs", "_key", "_subscription", "missing", "references")

    def __init__(self, identity: Identity, index: Index, inputs: Inputs) -> None:
        self._key = identity.resource.key
        self._index = index
        self._inputs = inputs
        own = identity.id.subscription if identity.id is not None else ""
        self._subscription = own or index.subscription
        self.references: set[ResourceKey] = set()
        self.missing: list[tuple[FieldPath, Wait]] = []

    def reference(self, group: str, kind: str, name: str, report: Report) -> Any:
        found = self._index.find(self._key.namespace, group, kind, name)
        if found is not None:
            self.references.add(found.resource.key)
            if found.id is not None:
                return found.id.text
        elif not is_known(group, kind):
            known = " or ".join(nearest_kind(group, "", kind)[:1])
            report.misfit(f"no kind {kind!r} in group {group!r}", hint=f"did you mean {known}?" if known else "")
            return UNKNOWN
        key = found.resource.key if found is not None else None
        key = key or ResourceKey(namespace=self._key.namespace, group=group, kind=kind, name=name)
        why = "its id is not known" if found is not None else "it is not in the input"
        return self._wait(report, f"known after {key} exists: {why}", told=_told_of(key, found is not None), on=key)

    def role(self, name: str, report: Report) -> Any:
        roles = self._inputs.role_definitions
        found = roles.get(name.lower())
        if not found:
            if name.lower() in roles:
                report.misfit(
                    f"Azure has no role {name!r}", hint="az role definition list --query [].roleName lists them"
                )
            why = self._inputs.unread_roles.get(name.lower(), "")
            text = f"known after the role {name!r} is looked up in Azure"
            return self._wait(report, f"{text}: {why}" if why else text)
        guid = found.rsplit("/", 1)[-1]
        scope = f"/subscriptions/{self._subscription}" if self._subscription else ""
        return f"{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}"

    def secret(self, name: str, key: str, report: Report) -> Any:
        data = self._inputs.secrets.get((self._key.namespace, name))
        if data is not None and key in data:
            return self._named(data[key], name, key)
        return self._wait_for(SECRET, name, key if data is not None else "", report)

    def secret_map(self, name: str, report: Report) -> Any:
        data = self._inputs.secrets.get((self._key.namespace, name))
        if data is not None:
            return {key: self._named(data[key], name, key) for key in sorted(data)}
        return self._wait_for(SECRET, name, "", report)

    def _named(self, value: Secret, name: str, key: str) -> Secret:
        return Secret(value.reveal(), source=f"Secret {self._key.namespace}/{name}, key {key}")

    def config_value(self, name: str, key: str, report: Report) -> Any:
        data = self._inputs.config_maps.get((self._key.namespace, name))
        if data is not None and key in data:
            return data[key]
        return self._wait_for(CONFIG_MAP, name, key if data is not None else "", report)

    def _wait_for(self, what: str, name: str, key: str, report: Report) -> Any:
        """Wait for a Secret or ConfigMap, or for one key of it; an object of the input may be what fills it."""
        text = f"known after {what} {self._key.namespace}/{name} {f'has the key {key!r}' if key else 'is there'}"
        exporter = self._index.exporter_of(what, self._key.namespace, name)
        if exporter is not None and exporter != self._key:
            self.references.add(exporter)
            text = f"{text}: {exporter} fills it"
        why = self._inputs.refused.get((what, self._key.namespace, name), "")
        told = f'{what} "{self._key.namespace}/{name}" may not be read: {why}' if why else ""
        if key:
            told = f'{what} "{self._key.namespace}/{name}" does not contain key "{key}"'
        wait = Wait(
            text=f"{text}; it may not be read: {why}" if why else text,
            told=told,
            on=exporter if exporter != self._key else None,
            secret_only=what == SECRET,
        )
        self.missing.append((FieldPath(tuple(report.path)), wait))
        return UNKNOWN

    def _wait(self, report: Report, text: str, *, told: str = "", on: ResourceKey | None = None) -> Any:
        self.missing.append((FieldPath(tuple(report.path)), Wait(text=text, told=told, on=on)))
        return UNKNOWN


def _told_of(key: ResourceKey, is_there: bool) -> str:
    """Return ASO's sentence about a reference that leads nowhere yet; empty where it has no special one."""
    return f"ref {key} doesn't have an assigned ARM ID" if is_there else ""


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one object: a state, or problems."""

    state: DesiredState | None
    problems: tuple[Problem, ...] = ()
    notices: tuple[Notice, ...] = ()


def build_desired(resource: CustomResource, index: Index, inputs: Inputs = NO_INPUTS, *, strict: bool = False) -> Built:
    """Build what one object asks Azure for.

    Args:
        resource: An object of the index.
        index: All objects of the input, for owners and references.
        inputs: Secrets, config maps and roles that were fetched.
        strict: Refuse member names in the wrong letter case.

    Returns:
        A state; or none, with one problem per misfit; or none with a notice for a kind that is no ARM resource.
    """
    identity = index.identify(resource)
    if identity is None:
        return _build_without_identity(resource)
    kind = identity.kind
    report = Report(strict=strict)
    resolver = _ObjectResolver(identity, index, inputs)
    body = convert_spec(kind, resource.spec.value, identity.name, report, resolver)
    misfits = (*report.misfits, *identity.misfits)
    policy = parse_policy(
        resource.annotations, resource.namespace_annotations, translate=lambda path: body_path_of(kind, path)
    )
    notices = _notices(resource, report.remarks, policy.warnings)
    if misfits:
        return Built(None, tuple(_problem(resource, misfit) for misfit in misfits), notices)
    waits = identity.waits
    if resolver.missing:
        waits = (*waits, *_waits(identity, resolver))
    unknown = [wait.path for wait in waits if wait.path is not None]
    owner = identity.owner
    references = resolver.references | {owner} if owner is not None else resolver.references
    state = DesiredState(
        key=resource.key,
        id=identity.id,
        arm_type=kind.arm_type,
        api_version=ApiVersion(kind.api_version),
        body=body,
        unknown=tuple(sorted(set(unknown), key=FieldPath.sort_key)) if unknown else (),
        waits=waits,
        owner=owner,
        references=tuple(sorted(references)) if len(references) > 1 else tuple(references),
        policy=policy,
        generation=resource.generation,
        origin=resource.origin,
        deleting=resource.deleting,
    )
    return Built(state, (), notices)


def body_for_secrets(resource: CustomResource, index: Index) -> Body:
    """Return the body of an object, whatever is wrong with it, to find the secrets that it writes in plain."""
    identity = index.identify(resource)
    if identity is None:
        return {}
    resolver = _ObjectResolver(identity, index, NO_INPUTS)
    return convert_spec(identity.kind, resource.spec.value, identity.name, Report(strict=False), resolver)


def _waits(identity: Identity, resolver: _ObjectResolver) -> Iterable[Wait]:
    """Return what values wait for, by their place in the body; places that are not sent wait for nothing."""
    placed = ((body_path_of(identity.kind, at), wait) for at, wait in resolver.missing)
    waits = [replace(wait, path=at) for at, wait in placed if at is not None]
    return sorted(waits, key=lambda wait: (wait.path.sort_key() if wait.path is not None else (), wait.text))


def _build_without_identity(resource: CustomResource) -> Built:
    key = resource.key
    kind = lookup_kind(key.group, key.version, key.kind)
    if kind is not None:
        text = f"{key}: {key.kind} in {key.group} is not an Azure Resource Manager resource; it is left out"
        return Built(None, (), (Notice(text=text, origin=resource.origin, key=key),))
    near = nearest_kind(key.group, key.version, key.kind)
    if not is_group(key.group):
        group = similar_group(key.group)
        detail = f"unknown group {key.group!r}"
        hint = f"did you mean {group}?" if group else "trueup schema find WORD looks for kinds"
    elif is_known(key.group, key.kind):
        detail = f"{key.kind} in {key.group} has no version {key.version}"
        hint = f"nearest: {near[0]}; known: {', '.join(versions(key.group, key.kind))}"
    else:
        detail = f"unknown kind {key.kind} in {key.group}/{key.version}"
        hint = f"did you mean {near[0]}?" if near else "trueup schema find WORD looks for kinds"
    error = InvalidSpecError(f"{key} cannot be used", detail=detail, hint=hint)
    return Built(None, (Problem(error=error, origin=resource.origin, key=key),))


def _problem(resource: CustomResource, misfit: Misfit) -> Problem:
    detail = f"{misfit.path.pointer}: {misfit.text}"
    error = InvalidSpecError(f"{resource.key} does not fit its kind", detail=detail, hint=misfit.hint)
    return Problem(error=error, origin=resource.origin, key=resource.key, path=misfit.path)


def _notices(resource: CustomResource, remarks: Sequence[Misfit], warnings: Sequence[str]) -> tuple[Notice, ...]:
    if not remarks and not warnings:
        return ()
    key, origin = resource.key, resource.origin
    out = [
        Notice(
            text=f"{key}: {r.path.pointer}: {r.text} ({r.hint})".replace(" ()", ""), origin=origin, key=key, path=r.path
        )
        for r in remarks
    ]
    return (*out, *(Notice(text=f"{key}: {text}", origin=origin, key=key) for text in warnings))


def build_indexed(index: Index, inputs: Inputs = NO_INPUTS, *, strict: bool = False) -> BuildResult:
    """Build the desired states of all objects of an index."""
    problems, notices = list(index.problems), list(index.notices)
    usable = index.resources
    states: list[DesiredState] = []
    for resource in usable:
        built = build_desired(resource, index, inputs, strict=strict)
        if built.state is not None:
            states.append(built.state)
        problems.extend(built.problems)
        notices.extend(built.notices)
    return BuildResult(
        states=tuple(sorted(states, key=lambda s: s.key)),
        resources={resource.key: resource for resource in usable},
        problems=tuple(sorted(problems, key=_order)),
        notices=tuple(sorted(notices, key=_order)),
    )


def _order(item: Problem | Notice) -> tuple[object, ...]:
    """Order by object, the input as a whole first; within one object as found."""
    return (item.key is not None, item.key.identity if item.key is not None else ())
