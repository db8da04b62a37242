"""What the pod's endpoints tell: whether it lives, whether it is ready, and its numbers."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.app import metric_names as names
from engine.app.certificates import certificate_of, own_certificate
from engine.app.exposition import choose_form, render
from engine.app.gatekeeper import Gatekeeper, ask_cluster
from engine.app.health import Door, Page, Pages, Request, serving
from engine.app.logs import Log
from engine.app.metrics import Gauge, Labels, Metric, single
from engine.app.pod_page import PAGE, PodPage
from engine.model.problem import Problem
from engine.ports import Clock
from engine.runtime.controller.objects import Objects
from engine.runtime.controller.queue import WorkQueue
from engine.runtime.controller.shards import Shards

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

HEALTH: Final = "--health-addr"
METRICS: Final = "--metrics-addr"
_BUILD: Final = Gauge(names.BUILD, lambda: [((version_of("trueup"),), 1)])


@dataclass(slots=True, kw_only=True)
class Vitals:
    """What the endpoints look at.

    Attributes:
        troubles: Returns what cannot be watched now.
        is_listed: Every kind was listed, or failed, once.
        shards: None where nothing is shared.
        metrics: What others count.
    """

    objects: Objects
    queue: WorkQueue
    shards: Shards | None
    metrics: Sequence[Metric]
    troubles: Callable[[], Sequence[Problem]]
    is_listed: bool = False

    def pages(self) -> Mapping[str, Pages]:
        """Return what is answered, by option and path."""
        return _pages(self._ready, lambda: (*self.metrics, *self._gauges()))

    def _ready(self, _: Request) -> Page:
        problems = self.troubles()
        if not self.is_listed:
            return Page(body="the objects of the cluster are being listed\n", status=503)
        if problems:
            return Page(body="".join(f"{p.error}\n" for p in problems), status=503)
        return Page(body="ok\n")

    def _gauges(self) -> Sequence[Metric]:
        return (
            Gauge(names.OBJECTS, self._by_ready),
            Gauge(names.QUEUE, lambda: [(("due",), len(self.queue)), (("busy",), len(self.queue.busy))]),
            single(names.FAILING_WATCHES, lambda: len(self.troubles())),
            Gauge(names.SHARDS_HELD, lambda: [((), len(self.shards.held))] if self.shards is not None else []),
            _BUILD,
        )

    def _by_ready(self) -> list[tuple[Labels, float]]:
        counts = Counter(
            ("True" if o.ready.is_true else "False") if o.ready is not None else "Unknown" for o in self.objects.all()
        )
        return [((word,), counts[word]) for word in ("False", "True", "Unknown")]


@dataclass(slots=True, kw_only=True)
class Installation:
    """What the endpoints of a pod tell that watches nothing.

    Attributes:
        is_done: Definitions and admission policies are in place.
    """

    is_done: bool = False

    def pages(self) -> Mapping[str, Pages]:
        """Return what is answered, by option and path."""
        return _pages(self._ready, lambda: (_BUILD,))

    def _ready(self, _: Request) -> Page:
        if self.is_done:
            return Page(body="ok\n")
        return Page(body="definitions are being installed\n", status=503)


def _pages(ready: Callable[[Request], Page], metrics: Callable[[], Sequence[Metric]]) -> Mapping[str, Pages]:
    """Return what is answered, by option and path."""

    def tell(request: Request) -> Page:
        form = choose_form(request.headers.get("accept", ""))
        return Page(body=render(metrics(), form), content_type=form)

    return {HEALTH: {"/healthz": lambda _: Page(body="ok\n"), "/readyz": ready}, METRICS: {"/metrics": tell}}


@asynccontextmanager
async def endpoints(
    vitals: Vitals | Installation,
    page: PodPage | None,
    log: Log,
    args: argparse.Namespace,
    client: KubeClient,
    clock: Clock,
) -> AsyncIterator[None]:
    """Answer meanwhile: probes to everybody, numbers to whom the cluster lets read them, the page by its token."""
    pages = vitals.pages()
    health = Door(address=args.health_addr, pages=pages[HEALTH])
    metrics = Door(address=args.metrics_addr, pages=pages[METRICS])
    if args.secure_metrics and args.metrics_addr not in ("", "0"):
        folder = args.metrics_cert_dir
        context = certificate_of("--metrics-cert-dir", Path(folder)) if folder else own_certificate(clock)
        metrics = replace(metrics, context=context, admit=Gatekeeper(ask_cluster(client), clock).admit)
    doors = {HEALTH: health, METRICS: metrics, **({PAGE: page.door(args)} if page is not None else {})}
    async with serving(doors) as ports:
        for option, port in ports.items():
            log.info(f"answering on port {port}", endpoint=option, port=port)
        yield
