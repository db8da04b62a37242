"""Each kind of server once per run of the tests that use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases.servers import DatabaseServer, make_keys, mariadb_server, postgresql_server


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the certificate that all servers show."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
def postgresql(keys: Path) -> Iterator[DatabaseServer]:
    """Return a running PostgreSQL."""
    with postgresql_server(keys) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb(keys: Path) -> Iterator[DatabaseServer]:
    """Return a running MariaDB."""
    with mariadb_server(keys) as server:
        yield server
