"""Measure full passes over a fake cluster and the emulated Azure, each in a process of its own.

    python -m benchmarks.full_pass --resources 10000 [--workload standard|corpus] [-o json|text]
    python -m benchmarks.full_pass --table

Passes: cold (nothing is remembered), warm (nothing moved), drift (one resource in a hundred moved in Azure). Then Azure
is put right again and one more warm pass is counted instead of timed.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson

from benchmarks.fake_kube import kubeconfig
from benchmarks.floor import Floor, floor_of
from benchmarks.meter import Meter, rss_mib
from benchmarks.servers import EmulatedAzure, emulated_azure, served_cluster
from benchmarks.workloads import SUBSCRIPTION, Instance, build_workload
from engine.model import document
from engine.model.plan import Action
from engine.model.purpose import Purpose
from engine.model.state import ActualState
from engine.ports import ReadTarget
from engine.runtime.clock import SystemClock
from engine.runtime.cycle import Cycle
from engine.runtime.heap import tune_memory
from engine.runtime.world import PassOptions, PassResult, World
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.kube.connect import Connection, connect
from providers.kube.discovery import Catalog
from providers.kube.source import KubeSource
from providers.state.folder import StateFolder

IMPORTED_LATE = ("anyio._backends._asyncio", "h11", "httpcore", "sniffio")
"""What httpx imports with its first request; imports are not what a pass costs."""

TABLE_SIZES = (1_000, 10_000, 100_000)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run measured.

    Attributes:
        requests: To Azure, by method, of one warm pass.
        cold_cpu_s, warm_cpu_s, drift_cpu_s: User and system time of this process.
        wall_s: Of the warm pass.
        peak_rss_mib: After the three timed passes.
        import_rss_mib: Before the first pass, with everything imported and connected.
        floor_cpu_s: ``orjson.loads`` of Azure's pages, nothing else.
        floor_requests: Pages of the cheapest lists.
        deepdiff_calls: In all passes.
        bodies_parsed: Azure's bodies that the warm pass looked into.
    """

    resources: int
    requests: dict[str, int]
    cold_cpu_s: float
    warm_cpu_s: float
    drift_cpu_s: float
    wall_s: float
    peak_rss_mib: float
    import_rss_mib: float
    floor_cpu_s: float
    floor_requests: int
    deepdiff_calls: int
    bodies_parsed: int


@dataclass
class WatchedAzure:
    """Azure as the pass sees it; keeps the bodies it hands out when told to."""

    azure: AzureResourceManager
    kept: list[ActualState] | None = None

    async def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncIterator[Sequence[ActualState]]:
        """Pass on, and keep."""
        async for batch in self.azure.observe(targets, purpose=purpose):
            if self.kept is not None:
                self.kept.extend(batch)
            yield batch

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the adapter."""
        return getattr(self.azure, name)


class WatchedJson(ModuleType):
    """Stands in for orjson where documents are parsed; remembers which bytes were, even if the result is dropped."""

    def __init__(self) -> None:
        """Nothing was parsed yet."""
        super().__init__("orjson")
        self._parsed: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the library."""
        return getattr(orjson, name)

    def loads(self, raw: bytes) -> Any:
        """Note the bytes, and parse."""
        self._parsed.add(id(raw))
        return orjson.loads(raw)

    def count(self, states: Iterable[ActualState]) -> int:
        """Return how many of these states, which were alive all the time, were looked into."""
        return sum(s.document is not None and id(s.document.raw) in self._parsed for s in states)


class CountingDeepDiff(ModuleType):
    """Stands in for deepdiff: counts calls, and imports the real one at the first."""

    def __init__(self) -> None:
        """Nothing was called yet."""
        super().__init__("deepdiff")
        self.calls = 0
        self._real: Any = None

    def DeepDiff(self, *args: Any, **options: Any) -> Any:  # noqa: N802 - the library's name
        """Count, and do what is asked."""
        self.calls += 1
        if self._real is None:
            del sys.modules["deepdiff"]
            self._real = importlib.import_module("deepdiff")
            sys.modules["deepdiff"] = self
        return self._real.DeepDiff(*args, **options)


async def measure(
    azure: EmulatedAzure, cluster: str, instances: Sequence[Instance], folder: Path, floor: Callable[[], Floor]
) -> Figures:
    """Load Azure, run the passes, and check that each saw what it should.

    Raises:
        RuntimeError: A pass found something else than what was prepared, or wrote.
    """
    azure.load(instances)
    drifted = [i for i in instances if i.is_drifted]
    deepdiff = CountingDeepDiff()
    sys.modules["deepdiff"] = deepdiff
    path = folder / "kubeconfig"
    path.write_text(json.dumps(kubeconfig(cluster)))
    source = KubeSource(connect(Connection(kubeconfig=str(path))), Catalog.of_kinds())
    store, clock = StateFolder(folder / "state"), SystemClock()
    async with AzureResourceManager(ArmOptions(endpoint=azure.url), clock=clock) as adapter:
        watched = WatchedAzure(adapter)
        world = World(source=source, azure=watched, store=store, clock=clock)
        cycle = Cycle(world, PassOptions(endpoint=azure.url, subscription=SUBSCRIPTION))
        for module in IMPORTED_LATE:
            importlib.import_module(module)
        tune_memory()
        import_rss_mib = rss_mib()
        cold = await _timed(cycle, len(instances), moved=0)
        warm = await _timed(cycle, len(instances), moved=0)
        azure.load(drifted, drifted=True)
        drift = await _timed(cycle, len(instances), moved=len(drifted))
        peak_rss_mib = rss_mib("VmHWM")
        azure.load(drifted)
        await _timed(cycle, len(instances), moved=0)
        before = azure.counts()
        watched.kept = []
        json_watch = WatchedJson()
        vars(document)["orjson"] = json_watch
        await _timed(cycle, len(instances), moved=0)
        requests = {m: n - before.get(m, 0) for m, n in azure.counts().items() if n > before.get(m, 0)}
        bodies_parsed = json_watch.count(watched.kept)
    store.close()
    await source.close()
    bottom = floor()
    return Figures(
        resources=len(instances),
        requests=requests,
        cold_cpu_s=round(cold.cpu_s, 3),
        warm_cpu_s=round(warm.cpu_s, 3),
        drift_cpu_s=round(drift.cpu_s, 3),
        wall_s=round(warm.wall_s, 3),
        peak_rss_mib=round(peak_rss_mib, 1),
        import_rss_mib=round(import_rss_mib, 1),
        floor_cpu_s=round(bottom.cpu_s, 3),
        floor_requests=bottom.requests,
        deepdiff_calls=deepdiff.calls,
        bodies_parsed=bodies_parsed,
    )


async def _timed(cycle: Cycle, resources: int, *, moved: int) -> Meter:
    with Meter() as meter:
        result = await cycle.plan()
    _check(result, resources, moved=moved)
    return meter


def _check(result: PassResult, resources: int, *, moved: int) -> None:
    """Refuse to measure a pass that did not see what was prepared."""
    actions = Counter(step.action for step in result.plan.steps)
    wanted = resources - moved
    if actions[Action.NOOP] != wanted or len(result.plan.steps) != resources or not result.plan.complete:
        odd = [f"{s.id}: {s.action} {s.reason} {s.detail}" for s in result.plan.steps if s.action is not Action.NOOP]
        said = [str(p) for p in result.problems]
        raise RuntimeError(f"wanted {wanted} in sync of {resources}, got {dict(actions)}: {(said + odd)[:5]}")


def run(workload: str, resources: int) -> Figures:
    """Start the servers, measure, stop them."""
    instances = list(build_workload(workload, resources))
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as name:
        folder = Path(name)
        with emulated_azure(folder / "azure") as azure, served_cluster(workload, resources) as cluster:
            floor = partial(floor_of, azure, workload, resources)
            return asyncio.run(measure(azure, cluster, instances, folder, floor))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure once, or print the table of all sizes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=10_000)
    parser.add_argument("--workload", choices=("standard", "corpus"), default="standard")
    parser.add_argument("-o", "--output", choices=("json", "text"), default="text")
    parser.add_argument("--table", action="store_true", help="both workloads at 1k, 10k and 100k")
    args = parser.parse_args(argv)
    if args.table:
        return _print_table()
    figures = asdict(run(args.workload, args.resources))
    if args.output == "json":
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:16} {value}")
    return 0


def _print_table() -> int:
    print(_row(("workload", "resources", "requests", "floor", "cold s", "warm s", "drift s", "floor s", "MiB", "+MiB")))
    for workload in ("standard", "corpus"):
        for size in TABLE_SIZES:
            command = ["-m", "benchmarks.full_pass", "--workload", workload, "--resources", str(size), "-o", "json"]
            done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, check=True)
            figures = Figures(**json.loads(done.stdout))
            print(_row((workload, size, *_cells(figures))), flush=True)
    return 0


def _cells(figures: Figures) -> tuple[object, ...]:
    """Return what the table shows; CPU times with how many times the floor they are."""
    floor = figures.floor_cpu_s or 0.001
    times = [f"{s:.2f} ({s / floor:.1f}x)" for s in (figures.cold_cpu_s, figures.warm_cpu_s, figures.drift_cpu_s)]
    grown = round(figures.peak_rss_mib - figures.import_rss_mib)
    requests = sum(figures.requests.values())
    return (requests, figures.floor_requests, *times, f"{floor:.2f}", round(figures.peak_rss_mib), grown)


def _row(cells: Sequence[object]) -> str:
    return "  ".join(f"{cell!s:>14}" for cell in cells)


if __name__ == "__main__":
    sys.exit(main())
