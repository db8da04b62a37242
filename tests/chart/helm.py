"""The real Helm: found, or built from its Go module into a cache outside the checkout; and what it makes of the chart.

``python -m tests.chart.helm`` builds it where it is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.go_programs import GoPrograms

CHART = ROOT / "deploy" / "helm" / "trueup"
NAMESPACE = "azureserviceoperator-system"
_PACKAGE = "helm.sh/helm/v4"
_PROGRAMS = GoPrograms(
    target="helm",
    modules=Path(__file__).resolve().parent / "module",
    main="go.mod",
    module=_PACKAGE,
    packages={"helm": ("", f"{_PACKAGE}/cmd/helm")},
    variables=lambda version: {f"{_PACKAGE}/internal/version.version": version},
)

Object = dict[str, Any]


class HelmError(Exception):
    """Helm ended with an error; the text is what it wrote."""


@dataclass(frozen=True)
class Rendered:
    """What a release would hold.

    Attributes:
        objects: In the order in which Helm creates them.
        notes: What Helm prints at the end.
    """

    objects: Sequence[Object]
    notes: str

    def names(self, kind: str = "") -> set[str]:
        """Return the names of the objects of a kind; of all when empty."""
        return {o["metadata"]["name"] for o in self.objects if kind in ("", o["kind"])}

    def only(self, kind: str, name: str = "") -> Object:
        """Return the one object of a kind, or of a kind and a name."""
        (found,) = [o for o in self.objects if o["kind"] == kind and name in ("", o["metadata"]["name"])]
        return found

    @property
    def pod(self) -> Object:
        """Return the spec of the pod."""
        spec: Object = self.only("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Object:
        """Return its only container."""
        (found,) = self.pod["containers"]
        return dict(found)


@dataclass(frozen=True)
class Helm:
    """Runs the program with a home of its own."""

    program: Path
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> str:
        """Run it and return what it printed.

        Raises:
            HelmError: It ended with an error.
        """
        homes = {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "KUBE"))}
        environment = {**kept, **homes, **self.environment}
        done = subprocess.run(
            [str(self.program), *arguments], capture_output=True, text=True, env=environment, check=False, timeout=120
        )
        if done.returncode:
            raise HelmError(done.stderr)
        return done.stdout

    def render(self, values: Mapping[str, Any] | None = None, *options: str, namespace: str = NAMESPACE) -> Rendered:
        """Return what an installation with these values would be; no cluster is asked."""
        file = self.values(values or {})
        command = ("install", "trueup", str(CHART), "--namespace", namespace, "--dry-run=client", "-o", "json")
        found = json.loads(self.run(*command, "--values", str(file), *options))
        objects = [o for o in yaml.safe_load_all(found["manifest"]) if o is not None]
        return Rendered(objects=objects, notes=found["info"]["notes"])

    def values(self, values: Mapping[str, Any]) -> Path:
        """Write a values file."""
        text = json.dumps(values, indent=1)
        path = self.home / f"values-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
        path.write_text(text)
        return path


def find_helm() -> Path | str:
    """Return the program, or why there is none."""
    path = _PROGRAMS.folder / "helm"
    return path if path.exists() else f"helm is not in {path.parent}: make helm"


if __name__ == "__main__":
    sys.stdout.write(f"{_PROGRAMS.build()}\n")
