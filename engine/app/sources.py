"""Sources made of two others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.model.document import Secret
from engine.model.path import FieldPath
from engine.model.problem import Problem
from engine.model.state import CustomResource
from engine.ports import DesiredSource
from engine.runtime.desired import Locator


class FilesBesideCluster:
    """Objects from files only; Secrets and ConfigMaps from the files first, else from a cluster."""

    def __init__(self, files: DesiredSource, cluster: DesiredSource) -> None:
        """Nothing is read yet."""
        self._files = files
        self._cluster = cluster

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return the objects of the files."""
        return await self._files.list_resources()

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read, in either."""
        return (*self._files.problems(), *self._cluster.problems())

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret of the files, else of the cluster."""
        found = await self._files.fetch_secret(namespace, name)
        return found if found is not None else await self._cluster.fetch_secret(namespace, name)

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap of the files, else of the cluster."""
        found = await self._files.fetch_config_map(namespace, name)
        return found if found is not None else await self._cluster.fetch_config_map(namespace, name)

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return the line of a place in a file."""
        return self._files.locate(origin, path) if isinstance(self._files, Locator) else origin
