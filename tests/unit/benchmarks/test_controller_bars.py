"""The bars of the pod's requests against Azure Service Operator's."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.controller_bars import broken_bars, shares


def measured(**counts: float) -> dict[str, Any]:
    """Return what was measured in one phase."""
    return {"arm_writes": 0, "arm_reads": 0, "api_writes": 0, "pod_cpu_s": 0.1, "apiserver_cpu_s": 0.1, **counts}


@pytest.mark.parametrize(
    ("count", "results", "says"),
    [
        (1050, {"create": measured(api_writes=3635)}, []),
        (1050, {"create": measured(api_writes=3650)}, ["create: 50.2% of ASO's API server writes"]),
        (105, {"create": measured(api_writes=420)}, ["create: 57.8% of ASO's API server writes"]),
        (105, {"restart": measured(arm_reads=4, api_writes=2)}, []),
        (105, {"restart": measured(arm_reads=4, api_writes=3)}, ["restart: 1.14% of ASO's requests"]),
        (1050, {"steady": measured(arm_reads=4, arm_writes=1)}, ["steady: 1 writes to Azure"]),
    ],
)
def test_counts_that_break_a_bar_are_named(count: int, results: dict[str, Any], says: list[str]) -> None:
    """Bars grow with the number of objects, and a phase that was not measured breaks none."""
    broken = broken_bars(results, count)

    assert [line.split(",")[0] for line in broken] == says


def test_shares_hold_at_any_number_of_objects() -> None:
    """A tenth of the objects with a tenth of the requests has the same share."""
    many = shares({"create": measured(arm_writes=1050, api_writes=3200)}, 1050)
    few = shares({"create": measured(arm_writes=105, api_writes=320)}, 105)

    assert many["create"]["requests"] == few["create"]["requests"]
    assert few["create"]["api_writes"] == pytest.approx(3200 / 7270, abs=1e-4)
