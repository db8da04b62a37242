"""Files, folders and standard input as a ``DesiredSource``."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import InvalidSpecError
from engine.model.document import Secret
from engine.model.path import FieldPath
from engine.model.problem import Problem
from engine.model.state import CustomResource
from providers.manifests.document import Misread, RawDocument
from providers.manifests.json_text import read_json
from providers.manifests.locate import PlaceFinder
from providers.manifests.objects import Manifests
from providers.manifests.yaml_text import read_yaml

STDIN = "-"
_SUFFIXES = (".yaml", ".yml", ".json")


class ManifestSource:
    """Reads everything once, when first asked; holds what it read."""

    def __init__(self, paths: Sequence[str], *, read_stdin: Callable[[], bytes]) -> None:
        """Name what is read.

        Args:
            paths: Files; folders, taken with all folders below (``*.yaml``, ``*.yml``, ``*.json``, sorted); ``-``.
            read_stdin: Returns all of standard input; called once at most.
        """
        self._paths = tuple(paths)
        self._read_stdin = read_stdin
        self._stdin = b""
        self._manifests: Manifests | None = None
        self._finders: dict[str, PlaceFinder] = {}

    async def list_resources(self) -> Sequence[CustomResource]:
        """Return every ASO object in the order of the files, duplicates included."""
        manifests = await self._load()
        namespaces = manifests.namespaces
        if not namespaces:
            return manifests.resources
        return [replace(r, namespace_annotations=namespaces.get(r.key.namespace, {})) for r in manifests.resources]

    def problems(self) -> Sequence[Problem]:
        """Return what could not be read; complete after ``list_resources``."""
        return tuple(self._manifests.problems) if self._manifests is not None else ()

    async def fetch_secret(self, namespace: str, name: str) -> Mapping[str, Secret] | None:
        """Return a Secret of the input."""
        return (await self._load()).secrets.get((namespace, name))

    async def fetch_config_map(self, namespace: str, name: str) -> Mapping[str, str] | None:
        """Return a ConfigMap of the input; its ``data`` only, as ASO reads it."""
        return (await self._load()).config_maps.get((namespace, name))

    def locate(self, origin: str, path: FieldPath) -> str:
        """Return ``file:line`` of a place in the object that begins at ``origin``; the origin when not found."""
        file, _, line = origin.rpartition(":")
        if not line.isdigit():
            return origin
        return f"{file}:{self._finder(file).find(int(line), path) or line}"

    def _finder(self, file: str) -> PlaceFinder:
        if file not in self._finders:
            try:
                content = self._stdin if file == STDIN else _read_bytes(file, is_explicit=False)
            except OSError:
                content = b""
            self._finders[file] = PlaceFinder(content)
        return self._finders[file]

    async def _load(self) -> Manifests:
        if self._manifests is None:
            self._manifests = await asyncio.to_thread(self._read_all)
        return self._manifests

    def _read_all(self) -> Manifests:
        manifests = Manifests()
        seen: set[str] = set()
        for path in self._paths:
            if path == STDIN:
                self._stdin = self._stdin or self._read_stdin()
                _add(manifests, STDIN, self._stdin, is_explicit=True)
            elif Path(path).is_dir():
                for file in _files_below(path):
                    _add_file(manifests, file, seen, is_explicit=False)
            else:
                _add_file(manifests, path, seen, is_explicit=True)
        return manifests


def _files_below(folder: str) -> Iterator[str]:
    """Yield manifests sorted by path. Links are followed, each folder once: mounted volumes consist of links."""
    seen: set[str] = set()
    for here, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in sorted(files):
            if name.endswith(_SUFFIXES):
                yield os.path.join(here, name)


def _add_file(manifests: Manifests, file: str, seen: set[str], *, is_explicit: bool) -> None:
    real = os.path.realpath(file)
    if real in seen:
        return
    seen.add(real)
    try:
        content = _read_bytes(file, is_explicit=is_explicit)
    except OSError as exc:
        error = InvalidSpecError("cannot be read", detail=exc.strerror or str(exc) or type(exc).__name__)
        manifests.problems.append(Problem(error=error, origin=file))
        return
    _add(manifests, file, content, is_explicit=is_explicit)


def _read_bytes(file: str, *, is_explicit: bool) -> bytes:
    """Return what a file holds; nothing for a pipe or a device in a folder.

    A pipe that was asked for by name is read to its end (``-f <(kustomize build)``); one that nobody writes to is an
    error, not a wait.

    Raises:
        OSError: It cannot be read, or is a device.
    """
    # Opening a pipe waits for a writer unless told not to.
    with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        mode = os.fstat(opened.fileno()).st_mode
        if stat.S_ISREG(mode):
            return opened.read()
        if not is_explicit:
            return b""
        if not stat.S_ISFIFO(mode):
            raise OSError("it is no file")
        os.set_blocking(opened.fileno(), True)
        content = opened.read()
    if not content:
        raise OSError("it is a pipe that nobody writes to")
    return content


def _add(manifests: Manifests, file: str, content: bytes, *, is_explicit: bool) -> None:
    for document in _read(file, content):
        manifests.add(document, file, is_explicit=is_explicit)


def _read(file: str, content: bytes) -> Iterator[RawDocument | Misread]:
    if file.endswith(".json"):
        return read_json(content)
    if content.lstrip()[:1] == b"{":
        documents = list(read_json(content))
        if not any(isinstance(document, Misread) for document in documents):
            return iter(documents)
    return read_yaml(content)
