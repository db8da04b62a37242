"""Manifests for those who do not use Helm: made from the chart, so that there is one source.

``python -m tests.chart.release`` writes ``deploy/kustomize`` and, in ``dist``, the release YAML and the definitions.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.chart.helm import CHART, Helm, find_helm
from tests.conftest import ROOT

BASES: Final = ROOT / "deploy" / "kustomize"
RELEASES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "manage": ("azureserviceoperator-system", {"createAzureOperatorSecret": False}),
    "watch": ("trueup-system", {"createAzureOperatorSecret": False, "azureOperatorMode": "watch"}),
}
"""Base -> namespace and values. The Secret with the settings is the user's to make."""
_OF_HELM: Final = re.compile(r"^ *(app\.kubernetes\.io/(instance|managed-by): .*|# Source: .*)\n", re.MULTILINE)
_KEPT: Final = "helm.sh/resource-policy: keep"
_NAMESPACE: Final = """apiVersion: v1
kind: Namespace
metadata:
  name: {}
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
"""


def make_base(helm: Helm, name: str) -> str:
    """Return the objects of a base: the chart's, without what only Helm has a use for."""
    namespace, values = RELEASES[name]
    file = helm.values(values)
    text = helm.run("template", "trueup", str(CHART), "--namespace", namespace, "--values", str(file))
    documents = (_OF_HELM.sub("", part).strip("\n") for part in re.split(r"^---\n", text, flags=re.MULTILINE))
    return (
        "# Made from deploy/helm/trueup: make release-manifests\n"
        + "\n---\n".join(d for d in documents if "kind:" in d and _KEPT not in d)
        + "\n"
    )


def make_release(name: str, base: str) -> str:
    """Return the release YAML: the base with its namespace. It holds no definitions: deleting it deletes no object."""
    return _NAMESPACE.format(RELEASES[name][0]) + base


def make_definitions() -> str:
    """Return every definition, newest versions alone; for `kubectl apply --server-side`."""
    command = [sys.executable, "-m", "engine", "crds", "render", "--pattern", "*", "--versions", "newest", "-o", "yaml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write all files."""
    found = find_helm()
    if isinstance(found, str):
        raise SystemExit(found)
    dist = ROOT / "dist"
    dist.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for name in RELEASES:
            base = make_base(Helm(found, Path(home)), name)
            (BASES / name / "trueup.yaml").write_text(base)
            (dist / f"trueup-{name}.yaml").write_text(make_release(name, base))
    (dist / "trueup-definitions.yaml").write_text(make_definitions())


if __name__ == "__main__":
    main()
