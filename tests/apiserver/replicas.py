"""Two replicas, what can happen to them, and the work that they are given meanwhile."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.cluster.leases import shard_of
from tests.apiserver.crash_world import NETWORKS, Launcher, is_dead
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, Web, is_under_way
from tests.apiserver.pods import make_pod, make_web
from tests.apiserver.proxy import Proxy
from tests.verbs_desk import Azure, Object, account, group, network

SHARDS = 4
LEASE_S = 4
TOKEN = "trueup.dev/operation"
_NUMBERS = itertools.count(1)
_MAKERS: dict[str, Callable[[str, str], Object]] = {
    GROUPS: lambda name, _: group(name),
    ACCOUNTS: account,
    NETWORKS: network,
}


@dataclass
class Replica:
    """One pod, behind a way to the API server of its own."""

    launcher: Launcher
    proxy: Proxy
    task: Object
    operator: str
    pid: int = 0
    is_paused: bool = False

    def start(self) -> None:
        """Fork it."""
        self.pid = self.launcher.ask(self.task)["pid"]

    def end(self, number: int) -> None:
        """End it by a signal, unless it ended by itself: a pod that finds no API server as it starts does."""
        if number == signal.SIGTERM:
            self.go_on()
        self.is_paused = self.proxy.is_held = False
        os.kill(self.pid, number)
        self.launcher.ask({"await": self.pid})

    def revive(self) -> None:
        """Start it again where it ended by itself, as the kubelet does."""
        if is_dead(self.pid):
            self.end(signal.SIGKILL)
            self.start()

    def pause(self) -> None:
        """Let it stand still, as a machine without time for it does."""
        os.kill(self.pid, signal.SIGSTOP)
        self.is_paused = True

    def go_on(self) -> None:
        """Let it run, and its bytes pass."""
        self.proxy.is_held = False
        if self.is_paused:
            os.kill(self.pid, signal.SIGCONT)
            self.is_paused = False


@contextlib.contextmanager
def two_replicas(plane: ControlPlane, azure: Azure, launcher: Launcher, folder: Path) -> Iterator[list[Replica]]:
    """Run two; ends both."""
    operator = f"trueup-schedules-{next(_NUMBERS)}"
    kubeconfig = make_pod(plane, azure, folder, operator=operator).kubeconfig
    with contextlib.ExitStack() as stack:
        found: list[Replica] = []
        for name in ("one", "two"):
            proxy = stack.enter_context(Proxy(urlsplit(plane.url).port or 0).running())
            config = folder / f"kubeconfig-{name}"
            config.write_text(kubeconfig.read_text().replace(plane.url, f"https://127.0.0.1:{proxy.port}"))
            arguments = ["--kubeconfig", str(config), "--crd-management", "none", "--observe-period", "2"]
            task = {
                "environment": {"AZURE_RESOURCE_MANAGER_ENDPOINT": azure.connection.arm, "POD_NAMESPACE": operator},
                "arguments": [*arguments, "--enable-leader-election"],
                "kill_at": 0,
                "lease_s": LEASE_S,
                "points": str(folder / f"points-{name}"),
                "log": str(folder / f"log-{name}"),
            }
            found.append(Replica(launcher, proxy, task, operator))
        for replica in found:
            replica.start()
            stack.callback(replica.end, signal.SIGKILL)
        yield found


@dataclass
class Work:
    """Objects in namespaces of all shards, as they are to be in the end."""

    webs: list[Web]
    wanted: dict[tuple[int, str, str], int | None] = field(default_factory=dict)

    @classmethod
    def begin(cls, plane: ControlPlane, azure: Azure) -> Work:
        """Make the namespaces."""
        webs: list[Web] = []
        while {shard_of(w.namespace, SHARDS) for w in webs} != set(range(SHARDS)):
            webs.append(make_web(plane, azure))
        return cls(webs)

    def create(self, choice: random.Random) -> None:
        """Create a group with something in it."""
        at, name = choice.randrange(len(self.webs)), f"plan{next(_NUMBERS)}x"
        for collection in (GROUPS, ACCOUNTS, NETWORKS):
            self.webs[at].create(collection, _MAKERS[collection](name, name))
            self.wanted[at, collection, name] = 0

    def edit_all(self) -> None:
        """Change each object that is to be there."""
        for place in [p for p, number in self.wanted.items() if number is not None]:
            self._edit(place)

    def edit(self, choice: random.Random) -> None:
        """Change an object as it was never before."""
        there = [place for place, number in self.wanted.items() if number is not None]
        if there:
            self._edit(choice.choice(there))

    def _edit(self, place: tuple[int, str, str]) -> None:
        number, (at, collection, name) = next(_NUMBERS), place
        self.webs[at].patch(collection, name, {"spec": {"tags": {"edit": str(number)}}})
        self.wanted[place] = number

    def delete(self, choice: random.Random) -> None:
        """Delete something that is in a group."""
        inner = [place for place, number in self.wanted.items() if number is not None and place[1] != GROUPS]
        if inner:
            at, collection, name = place = choice.choice(inner)
            self.webs[at].admin.delete(self.webs[at].path(collection, name))
            self.wanted[place] = None

    def unsettled(self) -> list[str]:
        """Return the objects that are not as they are to be, and why."""
        return [
            f"{place[1].rpartition('/')[2]} {place[2]}: {why}" for place in self.wanted if (why := self._why(place))
        ]

    def _why(self, place: tuple[int, str, str]) -> str:
        at, collection, name = place
        found = self.webs[at].get(collection, name)
        if self.wanted[place] is None or found is None:
            return "" if (self.wanted[place] is None) == (found is None) else f"there: {found}"
        ready, meta = next(iter(found.get("status", {}).get("conditions", ())), {}), found["metadata"]
        if ready.get("status") != "True" or ready.get("observedGeneration") != meta["generation"]:
            return f"not ready: {ready}"
        if is_under_way(found) or FINALIZER not in meta["finalizers"]:
            return f"marks: {meta['annotations'].get(TOKEN)}, {meta['finalizers']}"
        tags = found["status"].get("tags", {}).get("edit", "0")
        return "" if tags == str(self.wanted[place]) else f"tags {tags} instead of {self.wanted[place]}"


def holders(plane: ControlPlane, operator: str) -> Counter[str]:
    """Return how many shards each replica holds."""
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{operator}/leases"
    items = (plane.admin.get(leases) or {"items": []})["items"]
    shards = [i for i in items if i["metadata"]["name"].startswith("controllers-leader")]
    return Counter(i["spec"]["holderIdentity"] for i in shards if i["spec"]["holderIdentity"])


def broken_laws(azure: Azure) -> list[str]:
    """Return writes of one resource that were under way at once, and writes that Azure took twice."""
    _, seen = azure.call("GET", "/_emulator/requests")
    taken = Counter(
        (w["method"], w["path"].lower(), w["body"])
        for w in seen["writes"]
        if 200 <= w["status"] < 300 and w["method"] in ("PUT", "PATCH")
    )
    twice = [f"{n} times {method} {path} {body}" for (method, path, body), n in taken.items() if n > 1]
    return [*twice, *(f"two writes at once: {path}" for path in seen["overlaps"])]


def wait(plane: ControlPlane, seconds: float) -> None:
    """Let time pass, while the API server runs."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        plane.processes[1].wait(seconds)


def describe(replica: Replica) -> list[Any]:
    """Return the last lines of a replica's log."""
    lines = Path(replica.task["log"]).read_text().splitlines()
    return [json.loads(line) if line.startswith("{") else line for line in lines[-5:]]
