"""A real Prometheus that scrapes one pod over HTTPS with a token."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.databases.servers import free_port
from tests.monitoring.files import find_program, rule_groups

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    port: int

    def get(self, path: str, **query: str) -> Any:
        """Return the data of an answer of its API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds now."""
        found: list[dict[str, Any]] = self.get("query", query=query)["result"]
        return found

    def wait_for(self, query: str) -> list[dict[str, Any]]:
        """Return what a query finds, as soon as it finds anything; nothing, if it never does."""
        until = time.monotonic() + _PATIENCE_S
        while not (found := self.ask(query)) and time.monotonic() < until:
            time.sleep(0.5)
        return found


@contextmanager
def prometheus(folder: Path, *, target: str, token: str) -> Iterator[Prometheus]:
    """Run one that scrapes every second, and evaluates the shipped rules."""
    port = free_port()
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": rule_groups()}))
    scrape = {
        "job_name": "trueup",
        "scheme": "https",
        "authorization": {"credentials": token},
        "tls_config": {"insecure_skip_verify": True},
        "static_configs": [{"targets": [target]}],
    }
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [scrape],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    command = [
        find_program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with (folder / "log").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            made = Prometheus(port)
            _wait_until_it_answers(made, process, folder / "log")
            yield made
        finally:
            process.terminate()
            process.wait(20)


def _wait_until_it_answers(made: Prometheus, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            made.ask("1")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(log.read_text())
