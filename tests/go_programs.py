"""Programs of others, built from Go modules into a cache outside the checkout.

A module only names the programs; its go.sum pins every byte that is compiled.
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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class GoPrograms:
    """What is built and kept together.

    Attributes:
        target: Of ``make``; the cache's folder is called the same.
        modules: Folder of the Go modules.
        main: File that names the version, below it.
        module: Whose version that is.
        packages: Program -> folder of its module, and its package.
        variables: Takes the version; returns what the linker writes into the programs.
        sources: What else than the modules the programs are made of, below ``modules``.
    """

    target: str
    modules: Path
    main: str
    module: str
    packages: Mapping[str, tuple[str, str]]
    variables: Callable[[str], Mapping[str, str]] = lambda _: {}
    sources: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Return the version that is built, as ``v1.34.4``."""
        text = (self.modules / self.main).read_text()
        found = re.search(rf"^require {re.escape(self.module)} (v[\w.-]+)$", text, re.MULTILINE)
        assert found is not None, f"{self.main} names no version"
        return found[1]

    @property
    def folder(self) -> Path:
        """Return where built programs are kept: another version, or another set of modules, is another folder."""
        root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        files = [*sorted(self.modules.rglob("go.*")), *(self.modules / name for name in self.sources)]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files))
        machine = f"{platform.system()}-{platform.machine()}".lower()
        return Path(root) / "trueup" / self.target / f"{self.version}-{digest.hexdigest()[:12]}-{machine}"

    def build(self) -> Path:
        """Build all programs and move them into the cache as a whole; returns at once where they are there."""
        folder = self.folder
        if all((folder / name).exists() for name in self.packages):
            return folder
        if shutil.which("go") is None:
            raise SystemExit(f"make {self.target} needs Go (the version in {self.modules / self.main} or later)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            for name in self.packages:
                self._build(name, made)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(made, folder)
        return folder

    def _build(self, name: str, folder: str) -> None:
        sys.stderr.write(f"building {name} ...\n")
        part, package = self.packages[name]
        flags = " ".join(("-s", "-w", *(f"-X {k}={v}" for k, v in self.variables(self.version).items())))
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", flags, "-o", f"{folder}/{name}", package]
        subprocess.run(command, cwd=self.modules / part, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
