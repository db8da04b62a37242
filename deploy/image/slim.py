"""Takes out of a folder of installed packages what the pod never loads, and the symbols that only debuggers read.

    python3 slim.py FOLDER

Run while the image is built. What is taken out is loaded by name on first use in its package, never by our imports. The
build imports all of our modules afterwards, and the test of the image has a pod make resources with what is left.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# Folders, relative to the one named: what they hold, and why the pod does without it.
UNUSED = {
    "kubernetes/aio": "a second client, for asyncio; requests go through the blocking one's transport as raw JSON",
    "kubernetes/client/api": "a class for each API group, loaded by name; paths are ours",
    "kubernetes/client/models": "a class for each kind of Kubernetes, loaded by name; bodies stay JSON",
    "websocket/tests": "tests of a package",
    "bin": "commands of the packages; the build writes ours",
}
# The package imports these two as a whole; their __init__ only knows where the classes are.
KEPT_INIT = ("kubernetes/client/api", "kubernetes/client/models")
UNUSED_FILES = {
    "cel_expr_python/ext/ext_encoders.*.so": "an extension of CEL that no expression of ours is given",
    "cel_expr_python/ext/ext_math.*.so": "the same",
    "cel_expr_python/ext/ext_proto.*.so": "the same",
    "zstandard/_cffi.*.so": "a second backend, for other Pythons",
    "**/*.pyi": "types, for those who build on a package; so are the next three",
    "**/*.pxd": "",
    "**/*.pyx": "",
    "**/*.h": "",
}
_ELF = b"\x7fELF"


def main() -> int:
    """Slim the folder named on the command line and print what that saved."""
    folder = Path(sys.argv[1])
    before = _size(folder)
    for name in UNUSED:
        path = folder / name
        if not path.is_dir():
            print(
                f"slim.py: {path} is not there: the package was laid out anew, so look at this table again",
                file=sys.stderr,
            )
            return 1
        _empty(path, keep="__init__.py" if name in KEPT_INIT else "")
    for pattern in UNUSED_FILES:
        for path in sorted(folder.glob(pattern)):
            path.unlink()
    if tool := shutil.which("strip"):
        _strip(tool, folder)
    else:
        print("slim.py: no strip here (package binutils): symbols stay, some 10 MB compressed", file=sys.stderr)
    print(f"slim.py: {before / 1e6:.0f} MB became {_size(folder) / 1e6:.0f} MB")
    return 0


def _empty(folder: Path, *, keep: str) -> None:
    if not keep:
        shutil.rmtree(folder)
        return
    for path in folder.iterdir():
        if path.name != keep:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _strip(tool: str, folder: Path) -> None:
    """Strip modules in C, but none of a package with libraries of its own: those are patched, and strip breaks them."""
    patched = {path.name.removesuffix(".libs") for path in folder.glob("*.libs")}
    modules = [path for path in sorted(folder.rglob("*.so")) if path.relative_to(folder).parts[0] not in patched]
    modules = [path for path in modules if not path.parent.name.endswith(".libs") and path.read_bytes()[:4] == _ELF]
    subprocess.run([tool, "--strip-unneeded", *map(str, modules)], check=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
