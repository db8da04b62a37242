"""What a full pass asks for and looks at, counted exactly; times live in the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.loopback

KEYS = (
    "resources",
    "requests",
    "cold_cpu_s",
    "warm_cpu_s",
    "drift_cpu_s",
    "wall_s",
    "peak_rss_mib",
    "import_rss_mib",
    "floor_cpu_s",
    "floor_requests",
    "deepdiff_calls",
    "bodies_parsed",
)


def run_benchmark(workload: str, resources: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.full_pass", "--workload", workload, "--resources", str(resources)]
    done = subprocess.run([*command, "-o", "json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def standard() -> dict[str, Any]:
    return run_benchmark("standard", 200)


@pytest.fixture(scope="module")
def corpus() -> dict[str, Any]:
    return run_benchmark("corpus", 300)


def test_the_benchmark_prints_the_keys_it_promises(standard: dict[str, Any]) -> None:
    """The names are public."""
    assert tuple(standard) == KEYS


def test_twenty_types_are_read_by_twenty_lists(standard: dict[str, Any]) -> None:
    """A warm pass sends one list per type, no GET of a single resource and no write."""
    assert (standard["resources"], standard["requests"], standard["floor_requests"]) == (200, {"GET": 20}, 20)


def test_reading_per_parent_costs_hardly_more_than_the_cheapest_lists(corpus: dict[str, Any]) -> None:
    """At most five per cent above the floor, and no write."""
    assert set(corpus["requests"]) <= {"GET", "HEAD"}
    assert corpus["floor_requests"] <= sum(corpus["requests"].values()) <= corpus["floor_requests"] * 1.05


def test_a_warm_pass_looks_into_no_body(standard: dict[str, Any], corpus: dict[str, Any]) -> None:
    """What did not move is neither parsed nor compared, and nothing needs deepdiff."""
    counted = [(one["bodies_parsed"], one["deepdiff_calls"]) for one in (standard, corpus)]

    assert counted == [(0, 0), (0, 0)]
