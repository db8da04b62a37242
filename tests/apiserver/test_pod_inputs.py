"""Secrets, config maps, namespaces and definitions are watched: what changes there is work within a second."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.app.cli import main
from providers.kube.hash_key import NAME
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, PREFIX, Pod, Web, credential
from tests.apiserver.pods import RUNTIME, make_pod, make_web
from tests.verbs_desk import Azure, group, make_object, secret, server

pytestmark = pytest.mark.apiserver

SERVERS = "/apis/dbforpostgresql.azure.com/v1api20221201/namespaces/{}/flexibleservers"
ADDRESSES = "/apis/network.azure.com/v1api20240301/namespaces/{}/publicipaddresses"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
HASH_KEY = f"/api/v1/namespaces/{RUNTIME}/secrets/{NAME}"
SOON_S = 1.5
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything once an hour: all that happens in between comes from watches."""
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod"), "--observe-period", "3600") as running:
        yield running


@pytest.fixture
def name() -> str:
    """Return a name that nobody else uses."""
    return f"inputs{next(_NUMBERS)}"


def secrets(web: Web) -> str:
    return f"/api/v1/namespaces/{web.namespace}/secrets"


def namespaced(item: dict[str, Any]) -> dict[str, Any]:
    return {**item, "metadata": {"name": item["metadata"]["name"]}}


def test_a_secret_that_changes_is_sent(web: Web, azure: Azure, name: str) -> None:
    """A password that is missing is waited for; one that is rotated is sent within a second."""
    web.create(GROUPS, group(name))
    web.create(SERVERS, server(name, name))
    web.wait_reason(SERVERS, name, "SecretNotFound")
    web.admin.create(secrets(web), namespaced(secret()))
    web.wait_ready(SERVERS, name)
    azure.forget_traffic()

    item = namespaced(secret("another-Passw0rd"))
    began = time.monotonic()
    web.patch(f"{secrets(web)}/{{}}".replace("{}", item["metadata"]["name"]), "", item)
    web.wait_for("the write", lambda: azure.writes)

    assert time.monotonic() - began < SOON_S
    assert azure.writes[0].startswith("PATCH")


def test_a_secret_that_was_rotated_while_nobody_watched_is_sent(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """The key of remembered secrets outlives the pod: a restart tells a rotated password from the one that was sent."""
    web.admin.create(secrets(web), namespaced(secret()))
    web.create(GROUPS, group(name))
    web.create(SERVERS, server(name, name))
    web.wait_ready(SERVERS, name)
    key = web.admin.get(HASH_KEY)["data"]
    assert pod.stop() == 0
    azure.forget_traffic()

    item = namespaced(secret("third-Passw0rd"))
    web.patch(f"{secrets(web)}/{{}}".replace("{}", item["metadata"]["name"]), "", item)
    pod.start()
    web.wait_for("the write", lambda: azure.writes)

    assert [w.partition(" ")[0] for w in azure.writes] == ["PATCH"]
    assert web.admin.get(HASH_KEY)["data"] == key


def test_a_credential_that_comes_later_is_used_at_once(plane: ControlPlane, azure: Azure, pod: Pod, name: str) -> None:
    """Objects that wait for a credential go on when its Secret is made, whatever their next try is."""
    web = make_web(plane, azure)
    plane.admin.delete(f"{secrets(web)}/aso-credential")
    web.create(GROUPS, group(name))
    web.wait_reason(GROUPS, name, "Failed")

    plane.admin.create(secrets(web), {"metadata": {"name": "aso-credential"}, "data": credential(azure.connection)})
    began = time.monotonic()
    web.wait_ready(GROUPS, name)

    assert time.monotonic() - began < SOON_S


def test_a_policy_on_the_namespace_is_followed(web: Web, azure: Azure, name: str) -> None:
    """An annotation of the namespace holds for its objects as soon as it is there, and no longer than that."""
    path = f"/api/v1/namespaces/{web.namespace}"
    policy = PREFIX + "reconcile-policy"
    web.admin.patch(path, {"metadata": {"annotations": {policy: "skip"}}})
    web.create(GROUPS, group(name))
    web.wait_reason(GROUPS, name, "AzureResourceNotFound")

    web.admin.patch(path, {"metadata": {"annotations": {policy: None}}})
    web.wait_ready(GROUPS, name)

    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api="2020-06-01") is not None


def test_new_and_removed_definitions_are_noticed(plane: ControlPlane, web: Web, pod: Pod, name: str) -> None:
    """A kind that is installed while the pod runs is kept like any other; one that goes is no trouble."""
    web.create(GROUPS, group(name))
    pattern = "network.azure.com/PublicIPAddress"
    assert main(["crds", "install", "--pattern", pattern, "--kubeconfig", str(plane.kubeconfig())]) == 0
    spec = {"owner": {"name": name}, "location": "westeurope", "sku": {"name": "Standard"}}
    spec["publicIPAllocationMethod"] = "Static"
    item = make_object("PublicIPAddress", "network/v1api20240301", name, spec)

    web.wait_for("the kind", lambda: web.admin.call("GET", web.path(ADDRESSES))[0] == 200)
    web.create(ADDRESSES, item)
    web.wait_ready(ADDRESSES, name)
    web.admin.delete(web.path(ADDRESSES, name))
    web.wait_gone(ADDRESSES, name)
    plane.admin.delete(f"{DEFINITIONS}/publicipaddresses.network.azure.com")
    web.create(GROUPS, group(f"{name}-b"))
    web.wait_ready(GROUPS, f"{name}-b")

    web.wait_for(
        "the definition to be gone",
        lambda: web.admin.get(f"{DEFINITIONS}/publicipaddresses.network.azure.com") is None,
    )
    assert web.ready(GROUPS, f"{name}-b")["status"] == "True"


def test_a_restart_of_the_api_server_is_survived(plane: ControlPlane, web: Web, pod: Pod, name: str) -> None:
    """Watches that drop go on by themselves; the log tells each of them once, and once that it is back."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    lines = pod.lines

    plane.restart_apiserver()
    again = Web(plane.admin, web.azure, web.namespace)
    again.patch(GROUPS, name, {"spec": {"tags": {"app": "shop"}}})
    again.wait_ready(GROUPS, name, 2)

    said = [json.loads(line) for line in pod.log.read_text().splitlines()[lines:]]
    texts = [line["text"] for line in said if "level" in line and line["text"].startswith("watching /api/v1/secrets")]
    assert len([t for t in texts if not t.endswith("again")]) <= 1, texts


def test_nothing_went_wrong_meanwhile(pod: Pod) -> None:
    """No pass failed as a whole in all these tests."""
    assert "a pass over" not in pod.log.read_text()
