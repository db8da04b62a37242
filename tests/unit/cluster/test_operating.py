"""Settings of the pod: what each value means, and which are refused before anything begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.cluster.detect import Lease, describe_operators
from engine.cluster.durations import parse_go_duration
from engine.cluster.names import LAST_VERSION, OPERATOR_NAMESPACE
from engine.cluster.objects import ClusterObject
from engine.cluster.operating import Mode, Operating, RetryRate
from engine.errors import InvalidSpecError
from engine.model.document import Document
from engine.model.policy import ReconcilePolicy
from engine.model.state import CustomResource
from engine.runtime.controller.queue import SLOW, WorkQueue
from tests.builders import build_key
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h", 3600), ("1h30m", 5400), ("15s", 15), ("250ms", 0.25), ("1.5h", 5400), (".5m", 30), ("0", 0), ("-1m", -60)],
)
def test_a_duration_of_go(text: str, seconds: float) -> None:
    """Durations are read as Go writes them."""
    assert parse_go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "1d", "1h 30m", "h", "1hour", "--1h", "99999999999h"])
def test_no_duration_of_go(text: str) -> None:
    """What Go refuses is refused."""
    with pytest.raises(InvalidSpecError):
        parse_go_duration(text)


def test_without_settings_the_pod_manages_as_aso_does() -> None:
    """Nothing set, or set to nothing, is ASO's default."""
    empty = {"AZURE_SYNC_PERIOD": "", "AZURE_OPERATOR_MODE": "", "AZURE_TARGET_NAMESPACES": " ", "RATE_LIMIT_MODE": ""}

    found = Operating.from_environment(empty)

    assert found == Operating() == Operating.from_environment({})
    assert (found.mode, found.sync_period, found.concurrency) == (Mode.MANAGE, timedelta(hours=1), 4)


def test_every_setting_is_read() -> None:
    """Letter case of modes and switches, and spaces around values, count for nothing."""
    found = Operating.from_environment(
        {
            "AZURE_OPERATOR_MODE": " Watchers ",
            "POD_NAMESPACE": "ops",
            "AZURE_SYNC_PERIOD": "never",
            "AZURE_TARGET_NAMESPACES": " a, b ,,a",
            "DEFAULT_RECONCILE_POLICY": "detach-on-delete",
            "ALLOW_MULTI_ENV_MANAGEMENT": "True",
            "MAX_CONCURRENT_RECONCILES": "9",
            "RATE_LIMIT_MODE": "bucket",
            "RATE_LIMIT_QPS": "2.5",
        }
    )

    assert found == Operating(
        mode=Mode.WATCHERS,
        namespace="ops",
        sync_period=None,
        namespaces=("a", "b"),
        default_policy=ReconcilePolicy.DETACH_ON_DELETE,
        several_clouds=True,
        concurrency=9,
        retry_rate=RetryRate(per_s=2.5, burst=100),
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"AZURE_OPERATOR_MODE": "both"},
        {"AZURE_SYNC_PERIOD": "1d"},
        {"AZURE_SYNC_PERIOD": "-1h"},
        {"AZURE_SYNC_PERIOD": "0"},
        {"DEFAULT_RECONCILE_POLICY": "Manage"},
        {"ALLOW_MULTI_ENV_MANAGEMENT": "perhaps"},
        {"MAX_CONCURRENT_RECONCILES": "many"},
        {"MAX_CONCURRENT_RECONCILES": "-1"},
        {"RATE_LIMIT_MODE": "sieve"},
        {"RATE_LIMIT_MODE": "bucket", "RATE_LIMIT_QPS": "nan"},
        {"RATE_LIMIT_MODE": "bucket", "RATE_LIMIT_BUCKET_SIZE": "0"},
        {"AZURE_OPERATOR_MODE": "webhooks", "AZURE_TARGET_NAMESPACES": "a"},
    ],
    ids=lambda settings: ",".join(f"{k}={v}" for k, v in settings.items()),
)
def test_a_setting_that_means_nothing_ends_the_start(settings: dict[str, str]) -> None:
    """The error names the setting."""
    with pytest.raises(InvalidSpecError, match=r"AZURE_|_MODE|_POLICY|_MANAGEMENT|_RECONCILES|RATE_LIMIT"):
        Operating.from_environment(settings)


def test_retries_keep_to_the_bucket() -> None:
    """When the bucket is empty a retry waits for its token, however short its own wait is."""
    clock = FakeClock()
    queue = WorkQueue(clock, RetryRate(per_s=0.1, burst=1))
    objects = [("n", "g", "k", str(n)) for n in range(3)]
    began = clock.monotonic()
    for identity in objects:
        queue.retry(identity, limit=SLOW)

    waits = []
    while (due := queue.next_due()) is not None:
        waits.append(round(due - began))
        clock.advance(due - clock.monotonic())
        queue.take()

    assert waits == [1, 10, 20]


def test_operators_are_told_by_what_they_left() -> None:
    """Each namespace that stands on objects is told with versions, its share, and whether its Lease is renewed."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def held(name: str, operator: str, version: str) -> ClusterObject:
        marks = {"annotations": {OPERATOR_NAMESPACE: operator}, "labels": {LAST_VERSION: version}}
        key = build_key(f"default/StorageAccount/{name}")
        return ClusterObject(resource=CustomResource(key=key, spec=Document(b"{}"), **marks))

    objects = [held("a", "one", "v2.20.0"), held("b", "one", "v2.19.0"), held("c", "two", "v2.20.0")]
    live = Lease(holder="pod", renewed=now - timedelta(seconds=5), lasts=timedelta(seconds=15))
    dead = Lease(holder="pod", renewed=now - timedelta(hours=1), lasts=timedelta(seconds=15))

    said = list(describe_operators(objects, {"one": live, "two": dead}, now))
    unread = list(describe_operators(objects[2:], {}, now))

    assert said[0].startswith("operator v2.19.0, v2.20.0 in namespace one has 2 of 3 objects; it is live: pod holds")
    assert said[1].endswith("it is not live: the Lease was not renewed since 2026-03-01T11:00:00Z")
    assert "can be read there" in unread[0]
