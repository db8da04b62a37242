"""Exports: written by the pod; where manifests are read, what ASO's webhooks refuse is told with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from engine.cluster.exported_values import check_destinations
from engine.cluster.exports import read_destinations
from engine.cluster.expressions import Compiler, Program
from engine.desired.identity import ObjectIdentity, spec_of
from engine.errors import InvalidSpecError
from engine.model.problem import Problem
from engine.model.state import CustomResource
from engine.ports import Clock
from engine.runtime.controller.exports import Exporter
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from schemas.behaviours import lookup_kind_behaviour
from schemas.kinds import lookup_kind

if TYPE_CHECKING:  # only for annotations: most manifests have no expression
    from engine.desired.build import BuildResult
    from providers.kube.client import KubeClient


class LazyCompiler:
    """Implements ``Compiler``; the engine is loaded by the first expression."""

    def __init__(self) -> None:
        """Load nothing."""
        self._compiler: Compiler | None = None

    def compile(self, text: str, *, secrets: bool) -> Program:
        """Compile an expression."""
        if self._compiler is None:
            from providers.cel.engine import CelCompiler

            self._compiler = CelCompiler()
        return self._compiler.compile(text, secrets=secrets)


def build_exporter(
    client: KubeClient, objects: Objects, queue: WorkQueue, clock: Clock, *, period: timedelta
) -> Exporter:
    """Return the pod's exporter; objects whose exports somebody touched are due."""
    from providers.kube.exported import KubeExports

    def note_due(identity: ObjectIdentity) -> None:
        if objects.find(identity) is None:
            exporter.forget(identity)
        else:
            queue.add(identity)

    exporter = Exporter(KubeExports(client), LazyCompiler(), clock, period=period, due=note_due)
    return exporter


def find_export_problems(result: BuildResult) -> Iterator[Problem]:
    """Yield what is wrong with the exports of objects that can be used otherwise, in order of keys."""
    compiler = LazyCompiler()
    for key in sorted(result.resources):
        resource = result.resources[key]
        for text in _check(resource, compiler):
            error = InvalidSpecError(f"{key} cannot be exported as it asks", detail=text)
            yield Problem(error=error, origin=resource.origin, key=key)


def _check(resource: CustomResource, compiler: Compiler) -> tuple[str, ...]:
    operator = spec_of(resource).get("operatorSpec")
    kind = lookup_kind(resource.key.group, resource.key.version, resource.key.kind)
    if not isinstance(operator, dict) or kind is None:
        return ()
    behaviour = lookup_kind_behaviour(kind.group, kind.name)
    return check_destinations(read_destinations(operator, behaviour), kind, behaviour, compiler)
