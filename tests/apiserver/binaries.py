"""The programs of a Kubernetes control plane: found, or built from Go modules into a cache outside the checkout.

``python -m tests.apiserver.binaries`` builds what is missing.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.go_programs import GoPrograms

_NEEDED = ("etcd", "kube-apiserver")
_KUBE = ("kube-apiserver", "kube-controller-manager", "kubectl")


def _versions(version: str) -> dict[str, str]:
    """Return what the programs say of themselves: a server that reports v0.0.0 misleads its clients."""
    named = {"gitVersion": version, "gitMajor": "1", "gitMinor": version.split(".")[1]}
    return {f"k8s.io/component-base/version.{name}": value for name, value in named.items()}


PROGRAMS = GoPrograms(
    target="apiserver",
    modules=Path(__file__).resolve().parent / "parts",
    main="kube/go.mod",
    module="k8s.io/kubernetes",
    packages={
        "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
        **{name: ("kube", f"k8s.io/kubernetes/cmd/{name}") for name in _KUBE},
    },
    variables=_versions,
)


@dataclass(frozen=True)
class Binaries:
    """A folder that holds the programs; ready-made sets (``KUBEBUILDER_ASSETS``) lack the controller manager."""

    folder: Path

    @property
    def etcd(self) -> Path:
        return self.folder / "etcd"

    @property
    def apiserver(self) -> Path:
        return self.folder / "kube-apiserver"

    @property
    def controller_manager(self) -> Path | None:
        path = self.folder / "kube-controller-manager"
        return path if path.exists() else None

    @property
    def kubectl(self) -> Path | None:
        path = self.folder / "kubectl"
        return path if path.exists() else None


def find_binaries() -> Binaries | str:
    """Return the programs, or why there are none."""
    given = os.environ.get("KUBEBUILDER_ASSETS", "")
    folder = Path(given) if given else PROGRAMS.folder
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if not missing:
        return Binaries(folder)
    where = f"KUBEBUILDER_ASSETS={given}" if given else str(folder)
    return f"{' and '.join(missing)} not in {where}: make apiserver, or set KUBEBUILDER_ASSETS"


if __name__ == "__main__":
    sys.stdout.write(f"{PROGRAMS.build()}\n")
