"""An apply against a twentieth of ARM's limits, in virtual time: executor, adapter and emulator together."""

from __future__ import annotations

from pathlib import Path

from benchmarks.throttling import carry_out
from engine.model.result import Outcome

NETWORKS = 60


def test_an_apply_far_above_the_limits_is_hardly_refused(state: Path) -> None:
    """All succeed in little more than the time that the limits set, and a handful of requests is answered 429."""
    result, wire, figures = carry_out(state, creates=NETWORKS + 1, scale=0.05)

    assert {r.outcome for r in result.results} == {Outcome.CREATED}
    assert wire.served("PUT") == NETWORKS + 1
    assert wire.refused("PUT") <= 6
    assert wire.refused("GET") <= 12
    assert figures.lasted_s <= 1.1 * figures.floor_s


def test_a_thousand_creates_take_the_time_that_the_limits_set(state: Path) -> None:
    """With a fifth of the creates and of the limits of the benchmark all of its bounds hold."""
    _, _, figures = carry_out(state, creates=1000, scale=4)

    assert figures.broken() == []
