"""Marks on objects, credentials in Secrets, and the work queue."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.cluster.claim import Owner, claim, is_foreign
from engine.cluster.credentials import named_secret, read_credential
from engine.cluster.events import source_of
from engine.errors import InvalidSpecError
from engine.model.document import Secret
from engine.runtime.controller.queue import FAST, WorkQueue
from tests.builders import build_id, build_key
from tests.fakes import FakeClock

A = ("default", "storage.azure.com", "StorageAccount", "a")
B = ("default", "storage.azure.com", "StorageAccount", "b")


def test_a_claim_holds_what_others_read() -> None:
    """Finalizer, id, operator, owner by name, kind and uid: what ASO writes and other tools look for."""
    owner = Owner(key=build_key("default/ResourceGroup/rg", group="resources.azure.com", version="v1"), uid="u-1")

    wire = claim(build_id(), operator_namespace="aso", version="v1.2.3", owner=owner, owner_name="rg").to_wire()

    assert wire == {
        "annotations": {
            "serviceoperator.azure.com/resource-id": str(build_id()),
            "serviceoperator.azure.com/operator-namespace": "aso",
        },
        "labels": {
            "serviceoperator.azure.com/last-reconciled-version": "v1.2.3",
            "serviceoperator.azure.com/owner-name": "rg",
            "serviceoperator.azure.com/owner-group-kind": "ResourceGroup.resources.azure.com",
            "serviceoperator.azure.com/owner-uid": "u-1",
        },
        "ownerReferences": [
            {"apiVersion": "resources.azure.com/v1", "kind": "ResourceGroup", "name": "rg", "uid": "u-1"}
        ],
        "finalizers": ["serviceoperator.azure.com/finalizer"],
    }


def test_labels_fit_kubernetes() -> None:
    """A long owner name is cut to 63 characters, and not right behind a sign that a label may not end in."""
    name = "a" * 62 + "-" + "b" * 40

    labels = claim(build_id(), operator_namespace="aso", version="v1", owner=None, owner_name=name).labels

    assert labels["serviceoperator.azure.com/owner-name"] == "a" * 62


def test_another_operator_keeps_its_objects() -> None:
    """An object that carries another operator's namespace is not ours; one without is free."""
    name = "serviceoperator.azure.com/operator-namespace"

    assert is_foreign({name: "theirs"}, "ours") == "theirs"
    assert not is_foreign({name: "ours"}, "ours")
    assert not is_foreign({}, "ours")


def test_events_come_from_the_controller_of_the_kind() -> None:
    """The source is spelled as ASO spells its controllers, dots left out."""
    key = build_key("default/WebApplicationFirewallPolicy/w", group="network.frontdoor.azure.com")

    assert source_of(key) == "networkfrontdoor_webapplicationfirewallpolicy"


GOOD = {"AZURE_SUBSCRIPTION_ID": "s", "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "hush"}
CLOUD = {
    "AZURE_RESOURCE_MANAGER_ENDPOINT": "https://e",
    "AZURE_RESOURCE_MANAGER_AUDIENCE": "https://a",
    "AZURE_AUTHORITY_HOST": "https://h",
}


def secret(values: dict[str, str]) -> dict[str, Secret]:
    return {k: Secret(v) for k, v in values.items()}


def test_a_credential_says_its_subscription_and_never_its_secret() -> None:
    """Printing a credential shows where it came from, and nothing it holds."""
    credential = read_credential(("ns", "aso-credential"), secret(GOOD))

    assert credential.subscription == "s"
    assert "hush" not in repr(credential)


@pytest.mark.parametrize("missing", ["AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
def test_a_missing_key_is_named(missing: str) -> None:
    """The message names Secret and key, in ASO's words."""
    values = {k: v for k, v in GOOD.items() if k != missing}

    with pytest.raises(InvalidSpecError, match=f'credential Secret "ns/x" does not contain key "{missing}"'):
        read_credential(("ns", "x"), secret(values))


def test_a_cloud_of_its_own_needs_leave_and_all_three_names() -> None:
    """A scoped cloud is refused unless allowed, and is complete or refused."""
    with pytest.raises(InvalidSpecError, match="ALLOW_MULTI_ENV_MANAGEMENT"):
        read_credential(("ns", "x"), secret({**GOOD, **CLOUD}))
    half = {k: v for k, v in CLOUD.items() if k != "AZURE_AUTHORITY_HOST"}
    with pytest.raises(InvalidSpecError, match="AZURE_AUTHORITY_HOST"):
        read_credential(("ns", "x"), secret({**GOOD, **half}), several_clouds=True)

    assert read_credential(("ns", "x"), secret({**GOOD, **CLOUD}), several_clouds=True).settings["AZURE_AUTHORITY_HOST"]


def test_an_unknown_mode_is_refused() -> None:
    """A misspelt AUTH_MODE never falls through to another identity."""
    with pytest.raises(InvalidSpecError, match="AUTH_MODE"):
        read_credential(("ns", "x"), secret({**GOOD, "AUTH_MODE": "workloadidentiy"}))


def test_a_credential_of_another_namespace_is_refused() -> None:
    """credential-from names a Secret beside the object; a slash would reach elsewhere."""
    name = "serviceoperator.azure.com/credential-from"

    assert named_secret({name: "mine"}, "ns") == ("ns", "mine")
    assert named_secret({}, "ns") is None
    with pytest.raises(InvalidSpecError, match="cannot contain '/'"):
        named_secret({name: "other/theirs"}, "ns")


def test_an_object_is_worked_on_in_one_place_at_a_time() -> None:
    """What changes while it is being worked on comes again afterwards, once."""
    queue = WorkQueue(FakeClock())
    queue.add(A)

    taken = queue.take()
    queue.add(A)
    queue.add(A)

    assert taken == {A}
    assert queue.take() == frozenset()
    assert not queue.begin(A, queue.turn(A))
    queue.done(A)
    assert queue.take() == {A}


def test_failures_wait_longer_each_time_up_to_their_limit() -> None:
    """1, 2, 4 … seconds, never more than the limit, and from the start again after a success."""
    clock = FakeClock()
    queue = WorkQueue(clock)
    waits = []

    for _ in range(7):
        queue.retry(A, limit=FAST)
        due = queue.next_due()
        assert due is not None
        waits.append(due - clock.monotonic())
        clock.advance(waits[-1])
        assert queue.take() == {A}
        queue.done(A)
    queue.succeeded(A)
    queue.retry(A, limit=FAST)

    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert queue.next_due() == clock.monotonic() + 1


def test_the_earlier_of_two_times_counts() -> None:
    """An edit is not held up by the wait that a failure asked for."""
    clock = FakeClock()
    queue = WorkQueue(clock)
    queue.add(A, timedelta(seconds=30))
    queue.add(B, timedelta(seconds=10))

    queue.add(A)

    assert queue.take() == {A}
    assert queue.next_due() == clock.monotonic() + 10
    clock.advance(60)
    assert queue.take() == {B}
