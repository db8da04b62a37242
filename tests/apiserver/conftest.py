"""One control plane for all tests here, a namespace for each; without the programs the tests skip and say why."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from engine.runtime.clock import SystemClock
from providers.emulator.options import EmulatorOptions
from providers.emulator.process import emulator_thread
from tests.apiserver.any_pods import install_kinds
from tests.apiserver.api import Api
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import Pod, Web
from tests.apiserver.pods import make_web
from tests.verbs_desk import Azure

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a running cluster."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    with ControlPlane(found, tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """Return Azure as an emulator."""
    options = EmulatorOptions(state=tmp_path_factory.mktemp("azure"), plain_http=True, retry_after_s=0)
    with emulator_thread(options, SystemClock()) as connection:
        yield Azure(connection)


@pytest.fixture
def admin(plane: ControlPlane) -> Api:
    """Return a client that may do everything."""
    return plane.admin


@pytest.fixture
def namespace(admin: Api) -> str:
    """Return a namespace that nobody else uses."""
    name = f"test-{next(_NUMBERS)}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="module")
def kinds(plane: ControlPlane) -> None:
    """Install what most tests of pods make objects of."""
    install_kinds(plane)


@pytest.fixture
def web(plane: ControlPlane, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential, watched by the pod of the tests in the file."""
    return make_web(plane, azure)
