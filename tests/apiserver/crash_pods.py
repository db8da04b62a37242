"""Runs pods that can be killed at any request to Azure and any write to the cluster.

``python -m tests.apiserver.crash_pods`` imports the product once and forks for each pod that it is told of on standard
input. Nothing in the product knows of it: connections are wrapped from outside.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import providers.kube.leases as kube_leases
from engine.app.cli import main
from engine.cluster import leases
from engine.runtime.controller import azure, shards, tenure
from providers.kube.client import KubeClient
from tests.crash_points import Points, watch_requests


def watch_cluster(points: Points) -> None:
    """Stop before and after each write to the API server."""
    send = KubeClient.send

    def watched(self: KubeClient, method: str, path: str, body: bytes, **more: Any) -> bytes:
        label = f"{method} {'/'.join(path.split('/')[-3:])}"
        points.reach(f"before {label}")
        answer = send(self, method, path, body, **more)
        points.reach(f"after {label}")
        return answer

    KubeClient.send = watched  # type: ignore[method-assign]  # watched from outside


def shorten_leases(lasts: timedelta) -> None:
    """Let Leases last that long, and everything that is measured by them in proportion."""
    part = lasts / leases.LASTS
    for module in (leases, shards, kube_leases):
        module.LASTS = lasts  # type: ignore[attr-defined]
    leases.HeldLease.__init__.__kwdefaults__["lasts"] = lasts
    for module, name in ((shards, "RENEW"), (shards, "LOOK"), (tenure, "MARGIN"), (tenure, "_GUARD_S")):
        setattr(module, name, getattr(module, name) * part)


def be_pod(task: dict[str, Any]) -> None:
    """Be the pod, to the end or to the point of death."""
    log = os.open(task["points"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    output = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for name in [n for n in os.environ if n.startswith("AZURE_")]:
        del os.environ[name]
    os.environ.update(task["environment"])
    points = Points(log, task["kill_at"])
    azure.PATIENCE = timedelta(seconds=3)
    if task.get("notes_at_once"):
        azure.MOMENT = timedelta(0)
    watch_requests(points)
    watch_cluster(points)
    if task.get("lease_s"):
        shorten_leases(timedelta(seconds=task["lease_s"]))
    code = main(["run", *task["arguments"]])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def warm_up(task: dict[str, Any]) -> None:
    """Import what a pod imports, and let facts of the kinds be loaded."""
    import engine.app.controller  # noqa: F401  # for the forks
    import providers.databases.adapter
    import providers.kube.cluster
    import providers.kube.writer  # noqa: F401  # for the forks

    os.environ.update(task["environment"])
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        main(["plan", "-f", task["manifests"], "--state", str(Path(task["manifests"]) / "state")])
    gc.collect()
    gc.freeze()


def serve() -> None:
    """Start and await pods as standard input says, one task a line; the first warms up."""
    answers = os.fdopen(os.dup(1), "w")
    for number, line in enumerate(sys.stdin):
        task = json.loads(line)
        answer: dict[str, Any] = {}
        if number == 0:
            warm_up(task)
        elif "await" in task:
            _, status = os.waitpid(task["await"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            child = os.fork()
            if child == 0:
                try:
                    be_pod(task)
                finally:
                    os._exit(99)
            answer = {"pid": child}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
