"""A cluster in which pods are killed at one point after the other, and what must hold once the last one has worked."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, Web, is_under_way
from tests.apiserver.pods import RUNTIME, make_pod, make_web
from tests.conftest import ROOT
from tests.verbs_desk import Azure, Object, account, group, network, subnet

NETWORKS = "/apis/network.azure.com/v1api20240301/namespaces/{}/virtualnetworks"
PODS_AT_ONCE = 4
_LOOKS_FOR_REST = 10
_LOOKS = itertools.count(1)
SUBNETS = "/apis/network.azure.com/v1api20240301/namespaces/{}/virtualnetworkssubnets"


def objects(name: str) -> list[tuple[str, Object]]:
    """Return the objects of one play, by collection."""
    return [
        (GROUPS, group(name)),
        (ACCOUNTS, account(name, name)),
        (ACCOUNTS, account(f"{name}b", name)),
        (NETWORKS, network(f"{name}-net", name)),
        (NETWORKS, network(f"{name}-far", name)),
        (SUBNETS, subnet(f"{name}-sub", f"{name}-net", "10.0.1.0/24")),
    ]


@dataclass
class Launcher:
    """The process that forks a pod for each task."""

    process: subprocess.Popen[str]

    def ask(self, task: Object) -> Object:
        """Hand over a task."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        answer: Object = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def launcher(azure: Azure, folder: Path) -> Iterator[Launcher]:
    """Start the process and let it load everything once."""
    items = [item | {"metadata": {**item["metadata"], "namespace": "warm"}} for _, item in objects("warm")]
    (folder / "app.yaml").write_text(yaml.dump_all(items, Dumper=yaml.CSafeDumper))
    command = [sys.executable, "-m", "tests.apiserver.crash_pods"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            made = Launcher(process)
            environment = {
                "AZURE_RESOURCE_MANAGER_ENDPOINT": azure.connection.arm,
                "AZURE_SUBSCRIPTION_ID": azure.connection.subscription,
            }
            made.ask({"manifests": str(folder), "environment": environment})
            yield made
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


@dataclass
class Play:
    """One namespace in which a pod is killed once."""

    web: Web
    name: str

    def create(self) -> None:
        """Make the objects."""
        for collection, item in objects(self.name):
            self.web.create(collection, item)

    def update(self) -> None:
        """Change each object but the subnet."""
        self.web.patch(GROUPS, self.name, {"spec": {"tags": {"app": "shop"}}})
        for name in (self.name, f"{self.name}b"):
            self.web.patch(ACCOUNTS, name, {"spec": {"accessTier": "Cool"}})
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "10.1.0.0/16"]}}
        for name in (f"{self.name}-net", f"{self.name}-far"):
            self.web.patch(NETWORKS, name, {"spec": space})

    def delete(self) -> None:
        """Delete everything, as ``kubectl delete -f`` does."""
        for collection, item in objects(self.name):
            self.web.admin.delete(self.web.path(collection, item["metadata"]["name"]))

    def is_settled(self) -> bool:
        """Whether every object that is there is Ready as it is now, and none is on its way out."""
        found = [self.web.get(c, i["metadata"]["name"]) for c, i in objects(self.name)]
        return all(o is None or _is_ready(o) for o in found) and len({o is None for o in found}) == 1

    def left_over(self) -> list[str]:
        """Return what must not stand on objects that are settled: tokens, and finalizers of objects that are gone."""
        found = [self.web.get(c, i["metadata"]["name"]) for c, i in objects(self.name)]
        there = [o for o in found if o is not None]
        tokens = [o["metadata"]["name"] for o in there if is_under_way(o)]
        loose = [o["metadata"]["name"] for o in there if FINALIZER not in o["metadata"].get("finalizers", ())]
        return [*(f"a token on {n}" for n in tokens), *(f"no finalizer on {n}" for n in loose)]


def _is_ready(item: Any) -> bool:
    meta, conditions = item["metadata"], item.get("status", {}).get("conditions", ())
    return "deletionTimestamp" not in meta and any(
        c["status"] == "True" and c["observedGeneration"] == meta["generation"] for c in conditions
    )


@dataclass
class CrashWorld:
    """Plays and pods."""

    plane: ControlPlane
    azure: Azure
    launcher: Launcher
    folder: Path
    kubeconfig: Path
    deaths: int = 0
    count: int = 0
    usual: Counter[str] = field(default_factory=Counter)
    notes_at_once: bool = False

    @classmethod
    def build(cls, plane: ControlPlane, azure: Azure, made: Launcher, folder: Path) -> CrashWorld:
        """Install definitions and make an account."""
        return cls(plane, azure, made, folder, make_pod(plane, azure, folder).kubeconfig)

    def new_play(self, story: str) -> Play:
        """Return a play of a story in a namespace of its own."""
        self.count += 1
        web = make_web(self.plane, self.azure)
        note = {"trueup.dev/allow-delete": "2100-01-01T00:00:00Z"}
        web.admin.patch(f"/api/v1/namespaces/{web.namespace}", {"metadata": {"annotations": note}})
        return Play(web, f"{story.replace('-', '')}{self.count}x")

    @contextmanager
    def pod(self, plays: list[Play], kill_at: int = 0) -> Iterator[tuple[int, Path]]:
        """Run a pod on the plays' namespaces; yields its process and the file of its points."""
        self.count += 1
        points, namespaces = self.folder / f"points-{self.count}", ",".join(p.web.namespace for p in plays)
        environment = {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self.azure.connection.arm,
            "AZURE_TARGET_NAMESPACES": namespaces,
            "POD_NAMESPACE": RUNTIME,
        }
        arguments = ["--kubeconfig", str(self.kubeconfig), "--crd-management", "none", "--observe-period", "2"]
        more = {"kill_at": kill_at, "notes_at_once": self.notes_at_once}
        task = {"environment": environment, "arguments": arguments, **more}
        pid = self.launcher.ask({**task, "points": str(points), "log": str(self.folder / f"log-{self.count}")})["pid"]
        try:
            yield pid, points
        finally:
            os.kill(pid, signal.SIGTERM)
            self.deaths += self.launcher.ask({"await": pid})["code"] == -signal.SIGKILL

    def work(self, plays: list[Play]) -> list[str]:
        """Let a pod work until all plays are settled; return the points that it passed."""
        with self.pod(plays) as (_, points):
            for play in plays:
                play.web.wait_for(f"{play.name} to settle", play.is_settled)
        return points.read_text().splitlines()

    def die(self, plays: Mapping[int, Play]) -> Mapping[int, str]:
        """Let a pod work on each play until it dies at its point, or all is settled; return where each died."""
        places: dict[int, str] = {}
        some = list(plays.items())
        for few in (some[n : n + PODS_AT_ONCE] for n in range(0, len(some), PODS_AT_ONCE)):
            with ExitStack() as stack:
                pods = {point: stack.enter_context(self.pod([play], point)) for point, play in few}
                for point, play in few:
                    play.web.wait_for(f"death at {point}, or rest", functools.partial(_is_over, pods[point][0], play))
            places |= {point: _last_line(pods[point][1]) for point, _ in few}
        return places

    def writes(self, play: Play) -> Counter[str]:
        """Return the writes for a play that Azure took, without its name."""
        _, document = self.azure.call("GET", "/_emulator/requests")
        name = play.name.lower()
        paths = [(w["method"], w["path"].lower()) for w in document["writes"] if 200 <= w["status"] < 300]
        return Counter(
            f"{m} {p.partition('resourcegroups/')[2].replace(name, '*')}"
            for m, p in paths
            if f"/{name}" in p and _is_of(p, name)
        )

    def overlaps(self) -> Mapping[str, Any]:
        """Return the writes that were in flight for one resource at the same time."""
        found: Mapping[str, Any] = self.azure.call("GET", "/_emulator/requests")[1]["overlaps"]
        return found

    def judge(self, play: Play, usual: Counter[str]) -> list[str]:
        """Return what is wrong with a play that has settled."""
        wrong, writes = play.left_over(), self.writes(play)
        for write in sorted(writes | usual):
            times, expected = writes[write], usual[write]
            if times < expected or (times > expected and not write.startswith("DELETE")):
                wrong.append(f"{write} was sent {times} times instead of {expected}")
        return [f"{play.name}: {text}" for text in wrong]


def _is_of(path: str, name: str) -> bool:
    """Whether a path is in the resource group of that name."""
    return path.partition("resourcegroups/")[2].partition("/")[0] == name


def _is_over(pid: int, play: Play) -> bool:
    """Whether a pod died, or has nothing left to do; that is asked less often, as it costs more."""
    return is_dead(pid) or (next(_LOOKS) % _LOOKS_FOR_REST == 0 and play.is_settled())


def _last_line(path: Path) -> str:
    return path.read_text().splitlines()[-1] if path.exists() else "its start"


def is_dead(pid: int) -> bool:
    """Whether a process ended, and nobody asked how yet."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
