"""The other side of the benchmark: a Kubernetes API server and Azure, each in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.workloads import SUBSCRIPTION, Instance

BULK_LINES = 2000


@dataclass(frozen=True)
class EmulatedAzure:
    """A running emulator.

    Attributes:
        url: ARM's address, plain HTTP.
    """

    url: str

    def load(self, instances: Iterable[Instance], *, drifted: bool = False) -> None:
        """Store resources as they are, without the checks of a PUT."""
        pending = iter(instances)
        while batch := list(islice(pending, BULK_LINES)):
            self._send("POST", "/_emulator/bulk", b"".join(_line(i, drifted=drifted) for i in batch))

    def counts(self) -> dict[str, int]:
        """Return how many requests came so far, by method."""
        counts: dict[str, int] = json.loads(self._send("GET", "/_emulator/requests"))["counts"]
        return counts

    def get(self, path: str) -> tuple[int, bytes]:
        """Return status and body of a GET to ARM."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        try:
            connection.request("GET", path, headers={"Authorization": "Bearer benchmark"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _send(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        try:
            connection.request(method, path, body=body)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: HTTP {response.status} {answer[:500]!r}")
        return answer


def _line(instance: Instance, *, drifted: bool) -> bytes:
    body = instance.drifted_body if drifted else instance.body
    template = instance.template
    head = json.dumps({"id": instance.id, "type": template.arm_type, "api": template.api})
    return b'%s,"body":%s}\n' % (head[:-1].encode(), body)


@contextlib.contextmanager
def emulated_azure(state: Path) -> Iterator[EmulatedAzure]:
    """Run the emulator while the block lasts."""
    command = ["-m", "engine", "emulator", "--listen", "127.0.0.1:0", "--state", str(state), "--plain-http"]
    with _process([*command, "--subscription", SUBSCRIPTION]) as ready:
        yield EmulatedAzure(ready["arm"].rstrip("/"))


@contextlib.contextmanager
def served_cluster(workload: str, resources: int) -> Iterator[str]:
    """Run the API server while the block lasts; gives its address."""
    with _process(["-m", "benchmarks.serve_kube", "--workload", workload, "--resources", str(resources)]) as ready:
        yield ready["url"]


@contextlib.contextmanager
def _process(arguments: list[str]) -> Iterator[Mapping[str, str]]:
    process = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(arguments)} ended with {process.wait()} before it was ready")
        yield json.loads(line)
    finally:
        process.terminate()
        process.wait()
        process.stdin.close()
        process.stdout.close()
