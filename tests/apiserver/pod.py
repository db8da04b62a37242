"""``trueup run`` as a process of its own, against a real API server and the emulator."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from providers.emulator.connection import EmulatorConnection
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.conftest import ROOT
from tests.verbs_desk import Azure, Object

GROUPS = "/apis/resources.azure.com/v1api20200601/namespaces/{}/resourcegroups"
ACCOUNTS = "/apis/storage.azure.com/v1api20230101/namespaces/{}/storageaccounts"
OPERATOR = "azureserviceoperator-system"
PREFIX = "serviceoperator.azure.com/"
FINALIZER = PREFIX + "finalizer"


def credential(connection: EmulatorConnection, **more: str) -> dict[str, str]:
    """Return the data of a credential Secret, encoded as Secrets hold it."""
    values = {
        "AZURE_SUBSCRIPTION_ID": connection.subscription,
        "AZURE_TENANT_ID": connection.tenant,
        "AZURE_CLIENT_ID": connection.client,
        "AZURE_CLIENT_SECRET": connection.secret,
        **more,
    }
    return {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}


@dataclass
class Pod:
    """One pod; start it, stop it, kill it."""

    plane: ControlPlane
    azure: Azure
    kubeconfig: Path | None
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.kill()

    def start(self, *options: str) -> None:
        """Start the process and wait until it watches."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AZURE_")}
        arm = {"AZURE_RESOURCE_MANAGER_ENDPOINT": self.azure.connection.arm}
        lines = self.lines
        reach = ("--kubeconfig", str(self.kubeconfig)) if self.kubeconfig is not None else ()
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine", "run", *reach, *self.options, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**kept, **arm, "POD_NAMESPACE": OPERATOR, "PYTHONPATH": str(ROOT), **self.environment},
                cwd=ROOT,
            )
        self.plane.admin.wait_for("the pod to watch", lambda: self._is_up(lines))

    def _is_up(self, lines: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        said = "\n".join(self.log.read_text().splitlines()[lines:])
        return re.search(r"watching (\d+ kinds|nothing)", said) is not None

    @property
    def lines(self) -> int:
        """Return how many lines were logged."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def stop(self) -> int:
        """Ask it to end, as the kubelet does; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)


@dataclass(frozen=True)
class Web:
    """A namespace with a pod that watches it, and what a test looks at."""

    admin: Api
    azure: Azure
    namespace: str

    def path(self, collection: str, name: str = "") -> str:
        """Return the path of a collection, or of an object in it."""
        return collection.format(self.namespace) + (f"/{name}" if name else "")

    def create(self, collection: str, item: Object) -> Any:
        """Create an object in the namespace."""
        metadata = {**item["metadata"], "namespace": self.namespace}
        return self.admin.create(self.path(collection), {**item, "metadata": metadata})

    def get(self, collection: str, name: str) -> Any:
        """Return an object; None when it is gone."""
        return self.admin.get(self.path(collection, name))

    def patch(self, collection: str, name: str, changes: Object) -> Any:
        """Change an object."""
        return self.admin.patch(self.path(collection, name), changes)

    def ready(self, collection: str, name: str) -> Any:
        """Return the Ready condition; an empty one while there is none."""
        found = self.get(collection, name) or {}
        return next(iter(found.get("status", {}).get("conditions", ())), {})

    def wait_ready(self, collection: str, name: str, generation: int = 1) -> Any:
        """Return the object once it is Ready at its generation, and at least at that one."""

        def is_ready() -> bool:
            found = self.get(collection, name) or {"metadata": {}}
            said = self.ready(collection, name)
            wanted = max(generation, found["metadata"].get("generation", 0))
            return bool(said.get("status") == "True" and said.get("observedGeneration", 0) >= wanted)

        self.admin.wait_for(f"{name} to be Ready", is_ready)
        return self.get(collection, name)

    def wait_reason(self, collection: str, name: str, reason: str) -> Any:
        """Return the Ready condition once it has a reason."""
        what = f"{name} to be {reason}"
        self.admin.wait_for(what, lambda: self.ready(collection, name).get("reason") == reason)
        return self.ready(collection, name)

    def wait_gone(self, collection: str, name: str) -> None:
        """Wait until an object is gone."""
        self.admin.wait_for(f"{name} to be gone", lambda: self.get(collection, name) is None)

    def events(self, name: str, kind: str = "ResourceGroup") -> list[tuple[str, str]]:
        """Return reason and text of the events of an object, oldest first."""
        found = self.admin.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        ours = [e for e in found if (e["involvedObject"]["name"], e["involvedObject"]["kind"]) == (name, kind)]
        return [(e["reason"], e["message"]) for e in sorted(ours, key=lambda e: e["metadata"]["name"])]

    def wait_for(self, what: str, is_there: Callable[[], Any]) -> Any:
        """Return what a look gives once it gives something."""
        return self.admin.wait_for(what, is_there)


def is_under_way(item: Object) -> bool:
    """Whether an object carries an operation that goes on: one noted until Ready is over then."""
    token = item["metadata"].get("annotations", {}).get("trueup.dev/operation", "")
    _, _, until = token.partition(";ready=")
    conditions = item.get("status", {}).get("conditions", ())
    is_over = until and any(c["status"] == "True" and c["observedGeneration"] >= int(until) for c in conditions)
    return bool(token) and not is_over


def begin_elsewhere(azure: Azure, method: str, target: str, body: object) -> str:
    """Begin an operation as another client would, with ``api-version`` in ``target``; return where to poll it."""
    headers = {"Authorization": "Bearer other", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{azure.connection.arm}{target}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 202
        return str(answer.headers["Location"])
