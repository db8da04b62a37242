"""Operations outlive the pod: whoever starts next follows them by what stands on the objects."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, PREFIX, Pod, Web, begin_elsewhere, is_under_way
from tests.apiserver.pods import RUNTIME, make_pod
from tests.verbs_desk import STORAGE_API, Azure, account, group

pytestmark = pytest.mark.apiserver

TOKEN = "trueup.dev/operation"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything twice a second."""
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod"), "--observe-period", "0.5") as running:
        yield running


@pytest.fixture
def name() -> str:
    """Return a name that nobody else uses."""
    return f"resume{next(_NUMBERS)}"


def be_slow(azure: Azure, name: str, polls: int) -> None:
    """Let writes of an account take so many polls."""
    match = {"path_regex": f"(?i)storageaccounts/{name}$"}
    azure.script({"match": match, "times": None, "polls": polls})


def begin_slowly(web: Web, azure: Azure, name: str, polls: int) -> None:
    """Create an account whose operation takes so many polls; return once its token stands on the object."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    be_slow(azure, name, polls)
    web.create(ACCOUNTS, account(name, name))
    web.wait_reason(ACCOUNTS, name, "Reconciling")
    assert is_under_way(web.get(ACCOUNTS, name))


def test_an_operation_is_followed_after_a_kill(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """A pod that starts after a kill sends nothing again, and works on other objects meanwhile."""
    begin_slowly(web, azure, name, 60)
    pod.kill()
    azure.forget_traffic()
    pod.start()
    web.create(GROUPS, group(f"{name}-b"))

    web.wait_ready(GROUPS, f"{name}-b")
    was_ready_before = web.ready(ACCOUNTS, name).get("status") == "True"
    found = web.wait_ready(ACCOUNTS, name)

    assert azure.writes == [f"PUT resourceGroups/{name}-b 201"]
    assert not was_ready_before
    assert not is_under_way(found)
    assert found["status"]["id"].endswith(f"/storageAccounts/{name}")


def test_a_create_that_nothing_is_to_be_seen_of_is_not_sent_again(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """A pod that is killed right after Azure took a create, before there is anything to read, leaves no second one."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    be_slow(azure, name, 2)
    path = f"(?i)storageaccounts/{name}$"
    hidden = {"status": 404, "body": {"error": {"code": "ResourceNotFound", "message": "It is not there."}}}
    azure.script({"match": {"method": "GET", "path_regex": path}, "times": 2, "answer": hidden})
    azure.forget_traffic()
    web.create(ACCOUNTS, account(name, name))
    web.wait_for("its create", lambda: azure.writes)
    pod.kill()
    operation = web.get(ACCOUNTS, name)["metadata"]["annotations"][TOKEN]

    pod.start()
    web.wait_ready(ACCOUNTS, name)

    assert '"answered":false' in operation
    assert azure.writes == [f"PUT storageAccounts/{name} 202"]


def test_a_delete_is_followed_after_a_kill(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """The operation of a deletion is followed too; the object goes when it ends."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    azure.script({"match": {"path_regex": f"(?i)resourcegroups/{name}$"}, "times": None, "polls": 15})
    web.admin.delete(web.path(GROUPS, name))
    web.wait_for("its token", lambda: is_under_way(web.get(GROUPS, name)))
    pod.kill()
    azure.forget_traffic()

    pod.start()
    web.wait_gone(GROUPS, name)

    assert azure.writes == []
    assert azure.get(f"{azure.subscription}/resourceGroups/{name}", api="2020-06-01") is None


def test_an_edit_during_an_operation_is_sent_when_it_ends(web: Web, azure: Azure, name: str) -> None:
    """One write after the other: the edit waits for the operation, then it is sent."""
    begin_slowly(web, azure, name, 60)
    azure.clear_script()

    web.patch(ACCOUNTS, name, {"spec": {"accessTier": "Cool"}})
    web.wait_ready(ACCOUNTS, name, 2)

    _, seen = azure.call("GET", "/_emulator/requests")
    assert not seen["overlaps"]
    assert azure.writes[-1].startswith("PATCH")


def test_asos_poller_is_followed(web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """An object that ASO was creating is taken over with its operation, and loses the marks that ASO left."""
    web.create(GROUPS, group(name))
    web.wait_ready(GROUPS, name)
    pod.kill()
    be_slow(azure, name, 5)
    resource = f"{azure.subscription}/resourceGroups/{name}/providers/Microsoft.Storage/storageAccounts/{name}"
    location = put_account(azure, resource)
    inner = {"type": "loc", "pollURL": location, "state": "InProgress"}
    marks = {
        PREFIX + "poller-resume-id": "GenericResource",
        PREFIX + "poller-resume-token": json.dumps({"type": "GenericResource", "token": inner}),
        PREFIX + "operator-namespace": RUNTIME,
        PREFIX + "resource-id": resource,
    }
    item = account(name, name)
    item["metadata"] |= {"annotations": marks, "finalizers": [FINALIZER]}
    web.create(ACCOUNTS, item)
    azure.forget_traffic()

    pod.start()
    found = web.wait_ready(ACCOUNTS, name)

    assert azure.writes == []
    assert not {PREFIX + "poller-resume-id", PREFIX + "poller-resume-token"} & found["metadata"]["annotations"].keys()


def put_account(azure: Azure, resource: str) -> str:
    """Begin an operation as ASO would; return where to poll it."""
    body = {k: v for k, v in account("", "")["spec"].items() if k not in ("owner", "accessTier")}
    body["properties"] = {"accessTier": "Hot"}
    return begin_elsewhere(azure, "PUT", f"{resource}?api-version={STORAGE_API}", body)


@pytest.mark.parametrize("token", ["expired", "damaged"])
def test_a_token_of_no_use_becomes_a_read(token: str, web: Web, azure: Azure, pod: Pod, name: str) -> None:
    """An operation that Azure forgot, or a token that nobody can read, is looked past: the resource decides."""
    pod.kill()
    place = f"{azure.connection.arm}{azure.subscription}"
    texts: dict[str, Any] = {
        "damaged": "{",
        "expired": json.dumps(
            {
                "format": 1,
                "method": "PUT",
                "kind": "operation",
                "url": f"{place}/providers/Microsoft.Storage/locations/westeurope/asyncoperations/gone?api-version=1",
                "resource_url": f"{place}/resourceGroups/{name}?api-version=2020-06-01",
            }
        ),
    }
    web.create(GROUPS, group(name, annotations={TOKEN: texts[token], PREFIX + "operator-namespace": RUNTIME}))
    azure.forget_traffic()

    pod.start()
    web.wait_ready(GROUPS, name)

    assert azure.writes == [f"PUT resourceGroups/{name} 201"]
