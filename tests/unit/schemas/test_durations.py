"""Times of recorded operations: read off the stamps of Azure's edge, never off made-up dates."""

from __future__ import annotations

from schemas.build.durations import read_exchanges
from schemas.durations import lookup_duration

RECORDING = b"""---
version: 2
interactions:
    - id: 0
      response:
        body: '{"startTime":"2001-02-03T04:05:06Z","text":"- id: 7"}'
        headers:
            X-Msedge-Ref:
                - 'Ref A: 8F78 Ref B: CO1EDGE2722 Ref C: 2026-01-22T17:49:42Z'
        duration: 455.5ms
    - id: 1
      response:
        headers:
            X-Msedge-Ref:
                - 'Ref A: 54B0 Ref B: CO1EDGE2722 Ref C: 2026-01-22T17:53:42Z'
        duration: 1.25s
"""


def test_stamps_of_the_edge_are_the_clock() -> None:
    """Each exchange has the time of its stamp and its own length; dates in bodies are not looked at."""
    found = read_exchanges(RECORDING.splitlines(keepends=True))

    assert {n: e.took_s for n, e in found.items()} == {0: 0.4555, 1: 1.25}
    first, second = found[0].at, found[1].at
    assert first is not None
    assert second is not None
    assert (second - first).total_seconds() == 240


def test_recorded_type_has_its_own_time() -> None:
    """A cluster takes minutes and a resource group seconds, however the type is written."""
    cluster = lookup_duration("microsoft.containerservice/MANAGEDCLUSTERS", "PUT")
    group = lookup_duration("Microsoft.Resources/resourceGroups", "PUT")

    assert 120 < cluster.median_s < 600
    assert 0 < group.median_s < 5
    assert cluster.recordings > 10


def test_patch_is_taken_for_a_put() -> None:
    """No PATCH was recorded."""
    name = "Microsoft.ContainerService/managedClusters"

    assert lookup_duration(name, "PATCH") == lookup_duration(name, "PUT")


def test_unseen_type_has_no_recordings() -> None:
    """Its values are those between all types, and it says that nothing of it was recorded."""
    found = lookup_duration("Microsoft.Example/none", "DELETE")

    assert found.recordings == 0
    assert found.median_s > 0
