"""What the pod costs: a real Kubernetes API server, the emulator, and N objects with their resource groups.

    python -m benchmarks.controller --objects 1000 -o json
    python -m benchmarks.controller --objects 100 --check

A third each storage accounts, identities and route tables in N/20 resource groups, applied by one ``kubectl apply``.
Phases: create until all are Ready; a restart; the pod idle; steady full passes; one edit while idle; edits while full
passes run; one change in Azure behind its back. Requests to ARM are counted by the emulator, requests to the API server
by its audit log, CPU and memory by the system. The pod runs as in its image: with a service account and compiled.
"""

from __future__ import annotations

import argparse
import compileall
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.audit_log import AuditLog, writes
from benchmarks.controller_bars import broken_bars, shares
from benchmarks.controller_objects import COLLECTIONS, PATTERN, build_objects, credential
from benchmarks.process_cost import cpu_s, memory
from engine.app.cli import main as trueup
from providers.emulator.process import emulator_process
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import OPERATOR, Pod
from tests.apiserver.rights import chart_account
from tests.conftest import ROOT
from tests.verbs_desk import STORAGE_API, Azure, Object

NAMESPACE = "many"
USER = f"system:serviceaccount:{OPERATOR}:trueup"
_READS = ("GET", "HEAD")
PERIOD_S = 20.0
EDITS = 40


@dataclass
class Bench:
    """Everything that runs, and what was measured."""

    plane: ControlPlane
    azure: Azure
    audit: AuditLog
    pod: Pod
    count: int
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def pod_pid(self) -> int:
        """Return the pod's process id."""
        assert self.pod.process is not None
        return self.pod.process.pid

    def arm_counts(self) -> Counter[str]:
        """Return the requests that reached Azure, by method."""
        return Counter(self.azure.call("GET", "/_emulator/requests")[1]["counts"])

    def arm_writes(self) -> int:
        """Return how many requests changed something in Azure."""
        return sum(n for m, n in self.arm_counts().items() if m not in _READS)

    @contextmanager
    def phase(self, name: str, *, fresh_pod: bool = False, per: int = 1) -> Iterator[dict[str, Any]]:
        """Measure what happens inside; figures are divided by ``per`` passes."""
        self.azure.forget_traffic()
        api = self.audit.counts()
        server = self.plane.processes[1].pid
        server_cpu, pod_cpu, began = cpu_s(server), 0.0 if fresh_pod else cpu_s(self.pod_pid), time.monotonic()
        more: dict[str, Any] = {}
        yield more
        more.setdefault("wall_s", round((time.monotonic() - began) / per, 2))
        arm, api = self.arm_counts(), self.audit.counts() - api
        self.results[name] = {
            **more,
            "arm_writes": round(sum(n for m, n in arm.items() if m not in _READS) / per, 2),
            "arm_requests": {m: round(n / per, 2) for m, n in sorted(arm.items())},
            "arm_reads": round(sum(arm[m] for m in _READS) / per, 2),
            "api_writes": round(writes(api) / per, 2),
            "api_requests": {what: round(n / per, 2) for what, n in sorted(api.items())},
            "pod_cpu_s": round((cpu_s(self.pod_pid) - pod_cpu) / per, 2),
            "apiserver_cpu_s": round((cpu_s(server) - server_cpu) / per, 2),
            "pod_memory": vars(memory(self.pod_pid)),
            "apiserver_memory": vars(memory(server)),
        }
        sys.stderr.write(f"{name}: {self.results[name]}\n")

    def wait(self, what: str, is_there: Callable[[], bool], *, patience_s: float = 300, pause_s: float = 0.25) -> None:
        """Look until it is there."""
        until = time.monotonic() + patience_s
        while not is_there():
            if time.monotonic() > until:
                raise RuntimeError(f"{what}: not within {patience_s:g} s; the pod says {self._last_words()}")
            time.sleep(pause_s)

    def _last_words(self) -> str:
        lines = [t for t in self.pod.log.read_text().splitlines() if not t.startswith("{")]
        return "\n".join(lines[-5:])

    def idle(self) -> None:
        """Measure what the API server costs while nobody asks for anything: watches, its own tasks."""
        with self.phase("idle") as more:
            time.sleep(PERIOD_S)
            more["wall_s"] = PERIOD_S

    def wait_until_quiet(self, quiet_s: float = 0) -> None:
        """Wait until neither Azure nor the API server hears of the pod any more; about many it thinks longer."""
        quiet_s = quiet_s or max(2.0, self.count / 1000)
        seen: tuple[Counter[str], int] | None = None
        since = time.monotonic()
        while time.monotonic() - since < quiet_s:
            time.sleep(0.2)
            asked = self.audit.counts()
            now = self.arm_counts(), sum(n for what, n in asked.items() if "leases" not in what)
            if now != seen:
                seen, since = now, time.monotonic()

    def are_ready(self, count: int) -> bool:
        """Whether so many objects are Ready; asked for only once Azure has them all."""
        if sum(n for m, n in self.arm_counts().items() if m == "PUT") < count:
            return False
        found = [self.plane.admin.get(path.format(NAMESPACE))["items"] for path in COLLECTIONS]
        return sum(_is_ready(item) for items in found for item in items) >= count


def _is_ready(item: Object) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def create(bench: Bench, objects: Sequence[Object], folder: Path) -> None:
    """Apply everything at once, and wait until all is Ready."""
    path = folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    assert bench.plane.kubectl is not None
    config = bench.plane.kubeconfig()
    command = [str(bench.plane.kubectl), "--kubeconfig", str(config), "apply", "--server-side", "-f", str(path)]
    patience_s = max(300.0, bench.count / 10)
    with bench.phase("create") as more:
        began = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        more["kubectl_s"] = round(time.monotonic() - began, 2)
        bench.wait("all to be Ready", lambda: bench.are_ready(len(objects)), pause_s=1.0, patience_s=patience_s)
        more["wall_s"] = round(time.monotonic() - began, 2)
        bench.wait_until_quiet()


def run_pod(bench: Bench, period_s: float) -> None:
    """Start the pod anew, with full passes this often."""
    bench.pod.stop()
    bench.pod.start("--observe-period", str(period_s))


def restart(bench: Bench) -> None:
    """Measure a restart until nothing happens any more: every list, one full pass."""
    bench.pod.stop()
    bench.wait_until_quiet(0.5)
    with bench.phase("restart", fresh_pod=True):
        bench.pod.start("--observe-period", "3600")
        bench.wait_until_quiet()


def steady(bench: Bench, passes: int = 3) -> None:
    """Measure full passes of a pod that has seen everything once."""
    run_pod(bench, PERIOD_S)
    bench.wait_until_quiet()
    time.sleep(PERIOD_S)
    with bench.phase("steady", per=passes) as more:
        time.sleep(PERIOD_S * passes)
        more["wall_s"] = PERIOD_S


def edit_once(bench: Bench, name: str, text: str) -> float:
    """Change a tag; return the seconds from the API server's answer until Azure heard of it."""
    bench.azure.forget_traffic()
    path = f"{COLLECTIONS[1].format(NAMESPACE)}/{name}"
    bench.plane.admin.patch(path, {"spec": {"tags": {"edited": text}}})
    began = time.monotonic()
    bench.wait(
        f"the edit of {name} to reach Azure",
        lambda: bench.arm_writes() > 0,
        pause_s=0.003,
        patience_s=30,
    )
    return time.monotonic() - began


def edits(bench: Bench, accounts: Sequence[str]) -> None:
    """Edit while the pod is idle, and while it does nothing but full passes."""
    run_pod(bench, 3600)
    bench.wait_until_quiet()
    with bench.phase("one edit, idle") as more:
        more["seconds"] = round(edit_once(bench, accounts[0], "0"), 3)
        bench.wait_until_quiet()
    idle = [_edit_and_settle(bench, name, "1") for name in accounts[:10]]
    run_pod(bench, 0.05)
    time.sleep(5.0)
    busy = [_edit_and_settle(bench, accounts[n % len(accounts)], f"b{n}") for n in range(EDITS)]
    bench.results["edits_s"] = {"idle": _spread(idle), "during full passes": _spread(busy)}


def _edit_and_settle(bench: Bench, name: str, text: str) -> float:
    took = edit_once(bench, name, text)
    time.sleep(0.3)
    return took


def _spread(values: Sequence[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(ordered[len(ordered) // 2], 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "count": len(ordered),
    }


def drift(bench: Bench, resource: str) -> None:
    """Let a colleague change one resource, and wait until it is as its object says."""
    bench.pod.environment = {**bench.pod.environment, "AZURE_SYNC_PERIOD": "10s"}
    run_pod(bench, PERIOD_S)
    bench.wait_until_quiet()
    found = bench.azure.get(resource)
    with bench.phase("one change in Azure") as more:
        began = time.monotonic()
        bench.azure.rewrite(resource, api=STORAGE_API, tags={**(found.get("tags") or {}), "edited": "by a colleague"})
        bench.wait("the correction", lambda: bench.arm_writes() > 0)
        more["seconds_until_corrected"] = round(time.monotonic() - began, 1)
        bench.wait_until_quiet()


def compile_all() -> None:
    """Compile the product, as in its image: what runs from its sources may have been kept from it."""
    for name in ("engine", "providers", "schemas"):
        compileall.compile_dir(ROOT / name, quiet=1)


def run(count: int, folder: Path, *, counts_alone: bool = False) -> dict[str, Any]:
    """Measure everything, or only a create and a restart, whose counts are to hold."""
    binaries = find_binaries()
    if isinstance(binaries, str):
        raise SystemExit(binaries)
    compile_all()
    audit = AuditLog(folder, USER)
    with ExitStack() as stack:
        plane = stack.enter_context(ControlPlane(binaries, folder / "plane", *audit.options))
        connection = stack.enter_context(emulator_process(folder / "azure", arguments=("--plain-http",)))
        azure = Azure(connection)
        if trueup(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]):
            raise SystemExit("the definitions could not be installed")
        for name in (OPERATOR, NAMESPACE):
            plane.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
        plane.admin.create(f"/api/v1/namespaces/{NAMESPACE}/secrets", credential(connection))
        who = chart_account(plane, OPERATOR, "trueup")
        beside = plane.service_account(who, folder / "account")
        pod = Pod(plane, azure, None, folder / "pod.log", environment=beside)
        objects = build_objects(count, NAMESPACE)
        bench = Bench(plane, azure, audit, pod, len(objects))
        stack.callback(pod.kill)
        pod.start("--observe-period", "3600")
        accounts = [o["metadata"]["name"] for o in objects if o["kind"] == "StorageAccount"]
        owner = next(o["spec"]["owner"]["name"] for o in objects if o["kind"] == "StorageAccount")
        create(bench, objects, folder)
        restart(bench)
        if not counts_alone:
            measure_times(bench, accounts, owner)
    return {"objects": len(objects), **bench.results, "shares_of_aso": shares(bench.results, len(objects))}


def measure_times(bench: Bench, accounts: Sequence[str], owner: str) -> None:
    """Measure what takes its time: idling, full passes, edits, drift."""
    bench.idle()
    steady(bench)
    edits(bench, accounts)
    group = f"{bench.azure.subscription}/resourceGroups/{owner}"
    drift(bench, f"{group}/providers/Microsoft.Storage/storageAccounts/{accounts[0]}")


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200, help="objects beside their resource groups")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table")
    parser.add_argument(
        "--check", action="store_true", help="only a create and a restart; exit 1 if their counts break a bar"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "plane").mkdir()
        with redirect_stdout(sys.stderr):
            result = run(args.objects, Path(folder), counts_alone=args.check)
    print(json.dumps(result, indent=2) if args.output == "json" else table(result))
    broken = broken_bars(result, result["objects"]) if args.check else []
    sys.stderr.writelines(f"{line}\n" for line in broken)
    return 1 if broken else 0


def table(result: dict[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| phase | ARM writes / reads | API server writes | CPU s: pod / kube-apiserver | s |",
        "|---|---|---|---|---|",
    ]
    for name, found in result.items():
        if isinstance(found, dict) and "pod_cpu_s" in found:
            cpu = f"{found['pod_cpu_s']:g} / {found['apiserver_cpu_s']:g}"
            arm = f"{found['arm_writes']:g} / {found['arm_reads']:g}"
            lines.append(f"| {name} | {arm} | {found['api_writes']:g} | {cpu} | {found['wall_s']:g} |")
    more = {"edits_s": result.get("edits_s", {}), "shares": result["shares_of_aso"]}
    return "\n".join([*lines, "", json.dumps(more)])


if __name__ == "__main__":
    sys.exit(main())
