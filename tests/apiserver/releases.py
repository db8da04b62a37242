"""Releases of the chart in a real cluster. Nothing runs Deployments there: their pods are processes of this machine."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.apiserver.api import Identity
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import Pod
from tests.chart.helm import CHART, Helm
from tests.verbs_desk import Azure

_ADDRESS = re.compile(r"(--(?:health|metrics)-addr)=.*")


@dataclass(frozen=True)
class Release:
    """One release, by name and namespace."""

    helm: Helm
    plane: ControlPlane
    name: str
    namespace: str

    def install(self, values: Mapping[str, Any], *options: str) -> str:
        """Install it; return what Helm said."""
        file = str(self.helm.values(values))
        return self._run("install", self.name, str(CHART), "--create-namespace", "--values", file, *options)

    def upgrade(self, values: Mapping[str, Any]) -> str:
        """Upgrade it to these values."""
        return self._run("upgrade", self.name, str(CHART), "--values", str(self.helm.values(values)))

    def rollback(self, revision: int) -> str:
        """Go back to an earlier revision."""
        return self._run("rollback", self.name, str(revision))

    def uninstall(self) -> str:
        """Take it away."""
        return self._run("uninstall", self.name)

    def notes(self) -> str:
        """Return the notes of the revision that is installed."""
        return self._run("get", "notes", self.name)

    def _run(self, *arguments: str) -> str:
        return self.helm.run(*arguments, "--namespace", self.namespace)

    def deployment(self) -> Any:
        """Return the Deployment as the cluster has it."""
        (found,) = self.plane.admin.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments")["items"]
        return found

    def pod(self, azure: Azure, log: Path) -> Pod:
        """Return the pod of the Deployment, not started: its arguments, its environment, its account.

        Only ports are others, as all pods of a test share a machine.
        """
        spec = self.deployment()["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        verb, *options = (_ADDRESS.sub(r"\1=127.0.0.1:0", text) for text in container["args"])
        assert verb == "run"
        who = Identity(token=self.plane.token(self.namespace, spec["serviceAccountName"]))
        environment = self._environment(container)
        return Pod(self.plane, azure, self.plane.kubeconfig(who), log, environment, tuple(options))

    def _environment(self, container: Any) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for source in container["envFrom"]:
            path = f"/api/v1/namespaces/{self.namespace}/secrets/{source['secretRef']['name']}"
            data = self.plane.admin.get(path)["data"]
            found |= {name: base64.b64decode(text).decode() for name, text in data.items()}
        for item in container["env"]:
            field = item.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            assert field in (None, "metadata.namespace")
            found[item["name"]] = self.namespace if field else item["value"]
        return found
