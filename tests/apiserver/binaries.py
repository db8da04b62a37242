"""The programs of a Kubernetes control plane: found, or built from Go modules into a cache outside the checkout.

``python -m tests.apiserver.binaries`` builds what is missing. The folders ``parts/kube`` and ``parts/etcd`` are Go
modules that only name the programs; their go.sum pins every byte that is compiled.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PARTS = Path(__file__).resolve().parent / "parts"
_VERSION_PACKAGE = "k8s.io/component-base/version"
_PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
_NEEDED = ("etcd", "kube-apiserver")


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
    folder = Path(given) if given else cache_folder()
    missing = [name for name in _NEEDED if not (folder / name).exists()]
    if not missing:
        return Binaries(folder)
    where = f"KUBEBUILDER_ASSETS={given}" if given else str(folder)
    return f"{' and '.join(missing)} not in {where}: make apiserver, or set KUBEBUILDER_ASSETS"


def kubernetes_version() -> str:
    """Return the version that is built, as ``v1.34.4``."""
    found = re.search(r"^require k8s\.io/kubernetes (v[\d.]+)$", (PARTS / "kube" / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, "parts/kube/go.mod names no version"
    return found[1]


def cache_folder() -> Path:
    """Return where built programs are kept: another version, or another set of modules, is another folder."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    digest = hashlib.sha256()
    for path in sorted(PARTS.rglob("go.*")):
        digest.update(path.read_bytes())
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return Path(root) / "trueup" / "apiserver" / f"{kubernetes_version()}-{digest.hexdigest()[:12]}-{machine}"


def build_binaries() -> Path:
    """Build all programs and move them into the cache as a whole; returns at once where they are there."""
    folder = cache_folder()
    if all((folder / name).exists() for name in _PROGRAMS):
        return folder
    if shutil.which("go") is None:
        raise SystemExit("make apiserver needs Go (the version in tests/apiserver/parts/kube/go.mod or later)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        _build("etcd", made, "go.etcd.io/etcd/server/v3", name="etcd")
        for name in _PROGRAMS[1:]:
            _build("kube", made, f"k8s.io/kubernetes/cmd/{name}", name=name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    return folder


def _build(part: str, folder: str, package: str, *, name: str) -> None:
    sys.stderr.write(f"building {name} ...\n")
    version = kubernetes_version()
    _, minor, _ = version.split(".")
    # Without a version the server reports v0.0.0, and clients misbehave.
    named = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor}
    flags = " ".join(("-s", "-w", *(f"-X {_VERSION_PACKAGE}.{k}={v}" for k, v in named.items())))
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", f"{folder}/{name}", package]
    subprocess.run(command, cwd=PARTS / part, env={**os.environ, "CGO_ENABLED": "0"}, check=True)


if __name__ == "__main__":
    sys.stdout.write(f"{build_binaries()}\n")
