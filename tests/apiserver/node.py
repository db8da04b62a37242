"""What a node does for Deployments, as far as pages need it: a process for each, its status, and its end."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any, Self

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import Pod
from tests.apiserver.releases import Release
from tests.chart.helm import Helm
from tests.verbs_desk import Azure

_PAUSE_S = 0.3


class Node:
    """Runs ``trueup run`` with arguments, settings and account of each Deployment that is there, one replica of it."""

    def __init__(self, helm: Helm, plane: ControlPlane, azure: Azure, folder: Path) -> None:
        self._helm, self._plane, self._azure, self._folder = helm, plane, azure, folder
        self._pods: dict[tuple[str, str], Pod] = {}
        self._numbers = itertools.count(1)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.failures: list[BaseException] = []

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, with all that runs."""
        self._stopped.set()
        self._thread.join()
        for pod in self._pods.values():
            pod.kill()

    def _work(self) -> None:
        while not self._stopped.wait(_PAUSE_S):
            try:
                self._look()
            except (AssertionError, OSError, ValueError, KeyError) as exc:
                self.failures.append(exc)
                return

    def _look(self) -> None:
        found = {_key(item): item for item in self._plane.admin.get("/apis/apps/v1/deployments")["items"]}
        for key in self._pods.keys() - found.keys():
            self._pods.pop(key).stop()
        for key in found.keys() - self._pods.keys():
            self._start(key, found[key])

    def _start(self, key: tuple[str, str], deployment: Any) -> None:
        namespace, name = key
        release = Release(self._helm, self._plane, name, namespace)
        pod = release.pod(self._azure, self._folder / f"log-{next(self._numbers)}")
        self._pods[key] = pod
        pod.start()
        count = deployment["spec"]["replicas"]
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {"observedGeneration": deployment["metadata"]["generation"], **dict.fromkeys(names, count)}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status"
        code, answer = self._plane.admin.call("PATCH", path, {"status": status}, content="application/merge-patch+json")
        assert code == 200, answer


def _key(item: Any) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]
