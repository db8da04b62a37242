"""Imports each of our modules, so that an image which lacks something fails when it is built and not when it runs.

python3 import_all.py FOLDER
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

OURS = ("engine", "providers", "schemas")
# These compile data from sources that no image holds; __main__ runs.
NOT_IN_A_POD = ("schemas.build", "providers.emulator.build")


def main() -> int:
    """Import what the folder holds of ours."""
    folder = Path(sys.argv[1])
    names = [_name(path, folder) for top in OURS for path in sorted((folder / top).rglob("*.py"))]
    names = [name for name in names if not name.endswith("__main__") and not name.startswith(NOT_IN_A_POD)]
    for name in names:
        importlib.import_module(name)
    print(f"import_all.py: {len(names)} modules")
    return 0 if names else 1


def _name(path: Path, folder: Path) -> str:
    return ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")


if __name__ == "__main__":
    sys.exit(main())
