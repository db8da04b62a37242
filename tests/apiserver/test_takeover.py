"""Objects that ASO leaves are taken over without a write, and are left so that ASO can take them up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.left import ASO_NAMESPACE, HUB, Left
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import FINALIZER, GROUPS, PREFIX
from tests.verbs_desk import GROUP_API, Azure

pytestmark = pytest.mark.apiserver


@pytest.fixture
def left(admin: Api, azure: Azure, kinds: None) -> Left:
    """Return what ASO left in a namespace with a credential; nothing is made yet."""
    return Left(open_web(admin, azure, "left"))


def settings(left: Left, **more: str) -> dict[str, str]:
    return {"AZURE_OPERATOR_MODE": "watchers", "AZURE_TARGET_NAMESPACES": left.web.namespace, **more}


def test_what_does_not_differ_is_not_written(plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path) -> None:
    """In ASO's namespace its objects become ours by their marks alone: what it could not set is no drift."""
    left.make()
    azure.forget_traffic()

    with running(plane, azure, tmp_path, environment=settings(left), operator=ASO_NAMESPACE) as pod:
        left.wait_taken()
        left.web.wait_for("passes", lambda: azure.reads >= 6)
        assert pod.stop() == 0

    owner, owned = left.web.get(GROUPS, left.name), left.web.get(HUB, left.name)
    assert azure.writes == []
    for found in (owner, owned):
        names = {n for n in found["metadata"]["annotations"] if n.startswith(PREFIX)}
        assert names == {PREFIX + n for n in ("operator-namespace", "resource-id", "latest-reconciled-generation")}
        assert found["metadata"]["annotations"][PREFIX + "operator-namespace"] == ASO_NAMESPACE
        assert found["metadata"]["finalizers"] == [FINALIZER]
        assert [c["status"] for c in found["status"]["conditions"]] == ["True"]
        others = {n for n in found["metadata"]["annotations"] if not n.startswith(PREFIX)}
        assert all(n.startswith("trueup.dev/") for n in others)
    (reference,) = owned["metadata"]["ownerReferences"]
    assert reference["apiVersion"] == "resources.azure.com/v1api20200601"
    assert owned["spec"]["originalVersion"] == "v1api20230101"
    assert owned["metadata"]["generation"] == 1


def test_what_moved_since_is_put_right_by_the_smallest_request(
    plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path
) -> None:
    """ASO's status tells what moved after its last PUT: that alone is sent, in the version it spoke."""
    left.make()
    azure.edit_tags(left.group, "Replace", {"app": "theirs"})
    azure.forget_traffic()

    with running(plane, azure, tmp_path, environment=settings(left), operator=ASO_NAMESPACE):
        left.wait_taken()
        left.web.wait_for("the tag", lambda: azure.get(left.group, api=GROUP_API)["tags"] == {"app": "shop"})
        left.web.wait_for("passes", lambda: azure.reads >= 6)

    assert azure.writes == ["PATCH tags/default 200"]


def test_another_namespace_is_taken_over_when_it_is_named(
    plane: ControlPlane, left: Left, azure: Azure, tmp_path: Path
) -> None:
    """Objects of an operator elsewhere are left alone, with an event, until --take-over-from names its namespace."""
    left.make()
    azure.forget_traffic()
    with running(plane, azure, tmp_path, environment=settings(left)):
        left.web.wait_for("the event", lambda: [r for r, _ in left.web.events(left.name)] == ["Overlap"])
    before = left.web.get(GROUPS, left.name)["metadata"]

    taking = ("--take-over-from", ASO_NAMESPACE)
    with running(plane, azure, tmp_path, *taking, environment=settings(left), operator="trueup-system"):
        left.wait_taken()

    after = left.web.get(GROUPS, left.name)["metadata"]
    assert before["labels"][PREFIX + "last-reconciled-version"] == "v2.20.0"
    assert after["annotations"][PREFIX + "operator-namespace"] == "trueup-system"
    assert azure.writes == []
