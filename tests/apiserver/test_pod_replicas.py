"""Replicas share the work by Leases; one that ends or is killed leaves its part to the others, and nothing is twice."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cluster.leases import shard_of
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, Pod, Web
from tests.apiserver.pods import make_pod, make_web
from tests.apiserver.replicas import holders
from tests.verbs_desk import Azure, account, group

pytestmark = pytest.mark.apiserver

OPERATOR = "trueup-replicas"
TOKEN = "trueup.dev/operation"
SHARDS = 4
_NUMBERS = itertools.count(1)


@pytest.fixture
def pods(plane: ControlPlane, azure: Azure, tmp_path: Path) -> Iterator[tuple[Pod, Pod]]:
    """Return two replicas that share the work."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    options = ("--enable-leader-election", "--observe-period", "5")
    one, two = (make_pod(plane, azure, folder, *options, operator=OPERATOR) for folder in folders)
    with one, two:
        plane.admin.wait_for(
            "both to hold shards", lambda: sorted(holders(plane, OPERATOR).values()) == [SHARDS // 2] * 2
        )
        yield one, two


def webs_of_each_shard(plane: ControlPlane, azure: Azure) -> list[Web]:
    """Return namespaces with a credential, at least one in each shard."""
    found: list[Web] = []
    while {shard_of(w.namespace, SHARDS) for w in found} != set(range(SHARDS)):
        found.append(make_web(plane, azure))
    return found


def begin(webs: list[Web], azure: Azure, polls: int) -> list[str]:
    """Create a group and an account in each namespace, with operations that take a while; return the names."""
    names = [f"replica{next(_NUMBERS)}" for _ in webs]
    azure.script({"match": {"path_regex": "(?i)storageaccounts/replica"}, "times": None, "polls": polls})
    azure.forget_traffic()
    for web, name in zip(webs, names, strict=True):
        web.create(GROUPS, group(name))
        web.create(ACCOUNTS, account(name, name))
    return names


def check_once(azure: Azure) -> None:
    """Every write was sent once, and never two for one resource at a time."""
    _, seen = azure.call("GET", "/_emulator/requests")
    taken = Counter((w["method"], w["path"].lower()) for w in seen["writes"] if 200 <= w["status"] < 300)

    assert not seen["overlaps"]
    assert {k: n for k, n in taken.items() if n > 1} == {}


def test_a_killed_replica_is_taken_over(plane: ControlPlane, azure: Azure, pods: tuple[Pod, Pod]) -> None:
    """Killed in the middle of creates, a replica's part goes on within 30 s, from the tokens on the objects."""
    webs = webs_of_each_shard(plane, azure)
    names = begin(webs, azure, 80)
    plane.admin.wait_for(
        "operations under way",
        lambda: (
            [w.ready(ACCOUNTS, n).get("reason") for w, n in zip(webs, names, strict=True)].count("Reconciling")
            > len(webs) // 2
        ),
    )

    pods[0].kill()
    began = time.monotonic()
    for web, name in zip(webs, names, strict=True):
        web.wait_ready(ACCOUNTS, name)

    assert time.monotonic() - began < 30
    check_once(azure)


def test_a_replica_that_stops_hands_over_at_once(plane: ControlPlane, azure: Azure, pods: tuple[Pod, Pod]) -> None:
    """SIGTERM ends a replica in seconds although operations go on; the other one has its Leases right away."""
    webs = webs_of_each_shard(plane, azure)
    names = begin(webs, azure, 40)
    plane.admin.wait_for("an operation", lambda: TOKEN in str(webs[0].get(ACCOUNTS, names[0])))

    began = time.monotonic()
    assert pods[1].stop() == 0
    ended = time.monotonic()
    plane.admin.wait_for("the other to hold all", lambda: list(holders(plane, OPERATOR).values()) == [SHARDS])
    took = time.monotonic() - ended
    for web, name in zip(webs, names, strict=True):
        web.wait_ready(ACCOUNTS, name)

    assert ended - began < 10
    assert took < 5
    check_once(azure)
