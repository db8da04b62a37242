"""Each kind of server once per run of the tests that use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases.servers import DatabaseServer, mariadb_server, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """Return a running PostgreSQL."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """Return a running MariaDB."""
    with mariadb_server() as server:
        yield server
