"""An application as Argo CD sees it: its own library, compiled from Go modules, looks at live objects and manifests."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.apiserver.plane import ControlPlane
from tests.conftest import ROOT
from tests.go_programs import GoPrograms
from tests.verbs_desk import Object

MANAGER = "argocd-controller"
CONFIG = ROOT / "deploy" / "gitops" / "argocd" / "argocd-cm.yaml"
_MODULES = Path(__file__).resolve().parent / "argocd"
_PROGRAMS = GoPrograms(
    target="argocd",
    modules=_MODULES,
    main="go.mod",
    module="github.com/argoproj/gitops-engine",
    packages={"look": ("", ".")},
    sources=("lua.go", "main.go"),
)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is shown of one object.

    Attributes:
        differs: In which of the three ways to compare, by name; none means Synced.
        is_pruned: It belongs to the application, and no manifest has it.
    """

    health: str
    message: str
    differs: tuple[str, ...]
    is_pruned: bool


@dataclass(frozen=True)
class Argo:
    """Argo CD with our customizations, on a cluster."""

    program: Path
    plane: ControlPlane

    def look(self, namespace: str, targets: Sequence[Object]) -> Mapping[str, Verdict]:
        """Return what is shown of an application's objects, by kind and name.

        Args:
            namespace: That it is deployed to.
            targets: Its manifests.
        """
        asked = {
            "kubeconfig": str(self.plane.kubeconfig()),
            "namespace": namespace,
            "manager": MANAGER,
            "customizations": customizations(),
            "targets": targets,
        }
        command = [str(self.program)]
        ended = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return {name: _verdict(said) for name, said in json.loads(ended.stdout).items()}


def _verdict(said: Mapping[str, Any]) -> Verdict:
    health = said["health"] or {}
    return Verdict(
        health=health.get("status", ""),
        message=health.get("message", ""),
        differs=tuple(way for way in ("clientSideDiff", "structuredDiff", "serverSideDiff") if said[way]),
        is_pruned=said["prune"],
    )


def customizations() -> Any:
    """Return what users put into argocd-cm."""
    return yaml.safe_load(yaml.safe_load(CONFIG.read_text())["data"]["resource.customizations"])


def track(item: Object, namespace: str) -> Object:
    """Return a manifest as Argo CD applies it: in its namespace, with the mark of its application."""
    metadata = item["metadata"]
    group = item["apiVersion"].split("/")[0]
    mark = f"app:{group}/{item['kind']}:{namespace}/{metadata['name']}"
    annotations = {**metadata.get("annotations", {}), "argocd.argoproj.io/tracking-id": mark}
    return {**item, "metadata": {**metadata, "namespace": namespace, "annotations": annotations}}


def make_argo(plane: ControlPlane) -> Argo:
    """Build the program, in a minute or two the first time; skip where that cannot be."""
    if not (_PROGRAMS.folder / "look").exists():
        if shutil.which("go") is None:
            pytest.skip("gitops-engine is compiled with Go, which is not here")
        fetched = subprocess.run(["go", "mod", "download"], cwd=_MODULES, capture_output=True, text=True, check=False)
        if fetched.returncode:
            pytest.skip(f"the modules of gitops-engine cannot be had: {fetched.stderr[-200:]}")
    return Argo(_PROGRAMS.build() / "look", plane)
