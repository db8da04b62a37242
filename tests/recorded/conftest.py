"""What tests on recorded traffic share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def check(shared: Path) -> ModuleType:
    """Return the acceptance check as a module, for its mutations."""
    spec = importlib.util.spec_from_file_location("acceptance_check", shared / "checks" / "diff.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
