"""Writes what objects export, when something changed, when somebody touched it, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from engine.cluster import condition
from engine.cluster.condition import Condition
from engine.cluster.exported_values import Known, build_targets, check_destinations
from engine.cluster.exports import (
    FAILED_WRITING,
    Destination,
    Target,
    is_fatal,
    read_destinations,
    wanted_secrets,
)
from engine.cluster.expression_types import public_annotations
from engine.cluster.expressions import Compiler
from engine.cluster.key_answers import call_path, calls_for
from engine.cluster.status import build_status
from engine.compare.baseline import fingerprint
from engine.desired.identity import ObjectIdentity, spec_of
from engine.errors import EngineError, InvalidSpecError, NotReadyError
from engine.model.document import canonical
from engine.model.ids import Fingerprint
from engine.model.state import ActualState, CustomResource
from engine.ports import ActionCaller, Clock, ExportWriter
from schemas.behaviours import lookup_kind_behaviour
from schemas.kinds import lookup_kind

Place = tuple[str, str, str]
"""``Secret`` or ``ConfigMap``, namespace, name."""
_AT_ONCE: Final = 16
_EXPRESSIONS: Final = ("secretExpressions", "configMapExpressions")
_EXPORTS: Final = ("secrets", "configMaps", *_EXPRESSIONS)


@dataclass(slots=True)
class _Exported:
    """What is known of one object's exports.

    Attributes:
        print: Of the status they were made from; empty when they have to be made anew.
        asked: Of what they were made from and stands in the object.
        resource: One that has this print: as long as it is the very same there is nothing to compare.
        at: When they were made, by the monotonic clock.
        versions: What each target was left at; empty where it was not written.
    """

    print: Fingerprint = Fingerprint("")
    asked: Fingerprint = Fingerprint("")
    resource: CustomResource | None = None
    at: float = 0.0
    versions: dict[Place, str] = field(default_factory=dict)


class Exporter:
    """Keeps Secrets and ConfigMaps of objects; of their content it keeps nothing."""

    def __init__(
        self,
        writer: ExportWriter,
        compiler: Compiler,
        clock: Clock,
        *,
        period: timedelta,
        due: Callable[[ObjectIdentity], None],
    ) -> None:
        """Nothing is written yet.

        Args:
            writer: The cluster.
            compiler: For expressions.
            clock: For the period.
            period: Azure is asked for keys again after this time.
            due: Told of objects whose exports somebody touched.
        """
        self._writer = writer
        self._compiler = compiler
        self._clock = clock
        self._period = period
        self._due = due
        self._exported: dict[ObjectIdentity, _Exported] = {}
        self._owners: dict[Place, ObjectIdentity] = {}
        self._busy: dict[ObjectIdentity, dict[Place, str]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def wants(self, resource: CustomResource) -> bool:
        """Whether an object exports anything; most have no ``operatorSpec``, and are not parsed for that."""
        if b'"operatorSpec"' not in resource.spec.raw:
            return False
        operator = spec_of(resource).get("operatorSpec")
        return isinstance(operator, dict) and any(operator.get(member) for member in _EXPORTS)

    def forget(self, identity: ObjectIdentity) -> None:
        """Drop what is known of an object; the cluster takes away what it owned."""
        held = self._exported.pop(identity, None)
        for place in held.versions if held is not None else ():
            self._owners.pop(place, None)

    def touched(self, place: Place, version: str) -> None:
        """Learn at which version a Secret or ConfigMap is; an empty one: it is gone."""
        identity = self._owners.get(place)
        if identity is None:
            return
        if identity in self._busy:
            self._busy[identity][place] = version
        elif _is_news(self._exported[identity].versions.get(place, ""), version):
            self._exported[identity].print = Fingerprint("")
            self._due(identity)

    def touched_any(self, kind: str) -> None:
        """Learn that any Secret, or any ConfigMap, may have changed unseen."""
        for place, identity in list(self._owners.items()):
            held = self._exported[identity]
            if place[0] == kind and held.print:
                held.print = Fingerprint("")
                self._due(identity)

    def is_current(self, resource: CustomResource) -> bool:
        """Whether nothing has to be done for an object as long as its resource is as it was."""
        held = self._exported.get(resource.key.identity)
        if held is None or not held.print:
            return not self.wants(resource)
        if held.resource is not resource:
            if held.asked != _print_of_object(resource):
                return not self.wants(resource)
            held.resource = resource
        return self._clock.monotonic() - held.at < self._period.total_seconds()

    async def export(self, resource: CustomResource, actual: ActualState, azure: ActionCaller) -> Condition | None:
        """Bring an object's exports up to date; return the condition that says why that is not possible."""
        if not self.wants(resource):
            self.forget(resource.key.identity)
            return None
        known = _known(resource, actual)
        if known is None:
            return None
        held = self._exported.setdefault(resource.key.identity, _Exported())
        new_print = fingerprint(canonical(known.status))
        if held.print == new_print and self.is_current(resource):
            return None
        async with self._turns:
            return await self._make(held, known, new_print, azure)

    async def _make(
        self, held: _Exported, known: Known, new_print: Fingerprint, azure: ActionCaller
    ) -> Condition | None:
        identity = known.resource.key.identity
        destinations = read_destinations(spec_of(known.resource).get("operatorSpec"), known.behaviour)
        self._own(identity, held, destinations)
        self._busy[identity] = {}
        held.print = Fingerprint("")
        try:
            problems = await self._write(held, known, destinations, azure)
        finally:
            news = self._busy.pop(identity)
        if problems:
            return _condition(problems, known.resource)
        held.print, held.asked = new_print, _print_of_object(known.resource)
        held.resource, held.at = known.resource, self._clock.monotonic()
        for place, version in news.items():
            self.touched(place, version)
        return None

    def _own(self, identity: ObjectIdentity, held: _Exported, destinations: Iterable[Destination]) -> None:
        """Note whose targets are whose, so that one that is touched leads to its object."""
        namespace = identity[0]
        wanted = {(d.kind, namespace, d.name) for d in destinations}
        for place in [p for p in held.versions if p not in wanted]:
            del held.versions[place]
            self._owners.pop(place, None)
        for place in wanted:
            held.versions.setdefault(place, "")
            self._owners[place] = identity

    async def _write(
        self, held: _Exported, known: Known, destinations: tuple[Destination, ...], azure: ActionCaller
    ) -> list[EngineError]:
        """Write every target that can be written; return what was in the way of the others."""
        wrong = check_destinations(destinations, known.kind, known.behaviour, self._compiler)
        if wrong:
            return [InvalidSpecError(text) for text in wrong]
        try:
            answers = await _ask(known, destinations, azure)
        except EngineError as exc:
            return [NotReadyError(str(exc))]
        try:
            targets = build_targets(destinations, _with_answers(known, answers), self._compiler)
        except EngineError as exc:
            return [exc]
        problems: list[EngineError] = []
        for target in targets:
            try:
                held.versions[target.place] = await self._put(target, known.resource)
            except EngineError as exc:
                problems.append(exc)
        return problems

    async def _put(self, target: Target, resource: CustomResource) -> str:
        return await self._writer.write(target, resource.key, resource.uid)


def _known(resource: CustomResource, actual: ActualState) -> Known | None:
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    if kind is None:
        return None
    body = actual.document.value if actual.document is not None else None
    return Known(
        resource=resource,
        kind=kind,
        behaviour=lookup_kind_behaviour(kind.group, kind.name),
        id=actual.id,
        status=build_status(kind, body) if isinstance(body, dict) else {},
    )


def _with_answers(known: Known, answers: Mapping[str, Any]) -> Known:
    return Known(
        resource=known.resource,
        kind=known.kind,
        behaviour=known.behaviour,
        id=known.id,
        status=known.status,
        answers=answers,
    )


def _print_of_object(resource: CustomResource) -> Fingerprint:
    """Return the fingerprint of what exports are made from and stands in the object."""
    spec = spec_of(resource)
    made_from: dict[str, Any] = {"uid": resource.uid, "version": resource.key.version, "spec": spec}
    operator = spec.get("operatorSpec")
    if isinstance(operator, dict) and any(operator.get(member) for member in _EXPRESSIONS):
        made_from["metadata"] = [public_annotations(resource.annotations), dict(resource.labels)]
    return fingerprint(canonical(made_from))


async def _ask(known: Known, destinations: Iterable[Destination], azure: ActionCaller) -> dict[str, Any]:
    """Return the answers of the calls whose values somebody needs."""
    if known.behaviour is None:
        return {}
    wanted = tuple(destinations)
    names = wanted_secrets(wanted, known.behaviour)
    keys = [key for key in known.behaviour.secrets if key.name in names]
    keys += [d.source for d in wanted if d.source is not None]
    answers = {}
    for call in calls_for(keys, known.behaviour):
        path = call_path(call, known.id, known.status)
        if path is None:
            raise NotReadyError(
                f"{call.name} cannot be asked for yet", detail=f"{known.id} lacks what {call.path} needs"
            )
        answers[call.name] = await azure.call(call, path)
    return answers


def _condition(problems: Iterable[EngineError], resource: CustomResource) -> Condition:
    found = tuple(problems)
    text = "; ".join(str(problem) for problem in found)
    if any(is_fatal(problem) for problem in found):
        return condition.error(FAILED_WRITING, text, resource.generation)
    return condition.warning("Failed", text, resource.generation)


def _is_news(held: str, version: str) -> bool:
    """Whether a target is at another version than we left it at; events of our own earlier writes are no news."""
    if held.isdigit() and version.isdigit():
        return int(version) > int(held)
    return version != held
