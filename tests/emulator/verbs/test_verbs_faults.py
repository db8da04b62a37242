"""When Azure does not do what it is asked: what time cures is retried, all else is said and holds nobody else up."""

from __future__ import annotations

from typing import Any

import pytest

from providers.arm.options import ArmOptions
from tests.verbs_desk import NETWORK_API, Desk, Object, account, group, identity, network, subnet

pytestmark = pytest.mark.loopback

REFUSED = {"error": {"code": "SkuNotAvailable", "message": "No such size in this region."}}
FORBIDDEN = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "Not you."}}}
BUSY = {"status": 503, "body": {"error": {"code": "ServerBusy", "message": "Later."}}}


def on(desk: Desk, method: str, path: str = "", **rule: Any) -> Object:
    """Return a rule for requests of the desk's own group."""
    return {"match": {"method": method, "path_regex": f"resourcegroups/{desk.name}{path}$"}, **rule}


def write_account(desk: Desk, **spec: Any) -> str:
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, **spec))
    return desk.id_of("account", f"{desk.name}store")


@pytest.mark.parametrize(
    "fault",
    [
        {"answer": {"status": 429, "headers": {"Retry-After": "7"}, "body": {"error": {"code": "TooManyRequests"}}}},
        {"answer": {"status": 500, "body": {"error": {"code": "InternalServerError", "message": "Oops."}}}},
        {"answer": {"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html>Bad gateway</html>"}},
        {"answer": {"status": 409, "body": {"error": {"code": "AnotherOperationInProgress", "message": "Busy."}}}},
        {"answer": "html"},
        {"answer": "drop"},
        {"answer": "drop", "before_effect": False},
        {"answer": "truncate"},
        {"operation_fails": {"code": "InternalServerError", "message": "Try again."}},
        {"operation_fails": True, "leaves": "nothing"},
    ],
    ids=[
        "429",
        "500",
        "502",
        "409",
        "html",
        "dropped",
        "dropped after effect",
        "truncated",
        "failed",
        "failed and gone",
    ],
)
def test_what_time_cures_is_tried_again(desk: Desk, fault: Object) -> None:
    """A write that fails once is sent again and ends well; the next plan is clean."""
    write_account(desk)
    desk.azure.script(on(desk, "PUT", ".*/storageAccounts/.*", times=1, **fault))

    done = desk.apply()

    assert done.result(f"{desk.name}store")["outcome"] == "created"
    assert 1 <= sum("storageAccounts" in w for w in desk.azure.writes) <= 2
    desk.check_clean()


def test_hanging_write_is_given_up_and_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that never answers costs the time limit of one request, not the whole apply."""
    monkeypatch.setitem(ArmOptions.__init__.__kwdefaults__, "read_s", 0.3)  # type: ignore[misc]  # made by dataclass
    write_account(desk)
    desk.azure.script(on(desk, "PUT", ".*/storageAccounts/.*", times=1, answer="hang"))

    done = desk.apply()

    assert done.result(f"{desk.name}store")["outcome"] == "created"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"answer": {"status": 400, "body": REFUSED}}, "SkuNotAvailable: No such size in this region."),
        (
            {"answer": FORBIDDEN},
            "Not you",
        ),
        ({"operation_fails": {"code": "ZonalAllocationFailed", "message": "Full."}}, "ZonalAllocationFailed: Full."),
        (
            {"answer": BUSY},
            "ServerBusy: Later.",
        ),
        ({"answer": "drop"}, "did not answer"),
    ],
    ids=["refused", "forbidden", "operation", "busy for ever", "dropped for ever"],
)
def test_failure_is_said_in_azures_words_and_holds_only_its_dependents(desk: Desk, fault: Object, words: str) -> None:
    """Exit 5 with ARM's code and message; what needs the failed resource is skipped, the others are done."""
    net, sub = network("net", desk.name), subnet("front", "net", "10.0.1.0/24")
    desk.write(group(desk.name), net, sub, identity("app", desk.name))
    desk.azure.script(on(desk, "PUT", ".*/virtualNetworks/net", times=None, **fault))

    done = desk.apply("--timeout", "20", code=5)

    assert done.json["succeeded"] is False
    assert done.result("net")["outcome"] == "failed"
    assert words in done.result("net")["cause"]
    assert done.result("front")["outcome"] == "skipped"
    assert "web/VirtualNetwork/net" in done.result("front")["cause"]
    assert done.result("app")["outcome"] == "created"
    desk.azure.clear_script()
    desk.apply()
    desk.check_clean()


def test_refused_group_holds_everything_in_it(desk: Desk) -> None:
    """Nothing is sent for what lies in a group that could not be made."""
    write_account(desk)
    desk.azure.script(on(desk, "PUT", times=None, answer={"status": 400, "body": REFUSED}))

    desk.apply(code=5)

    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 400"]


@pytest.mark.parametrize("status", [400, 405, 415])
def test_refused_patch_becomes_one_put(desk: Desk, status: int) -> None:
    """Where Azure does not take the PATCH, the PUT that says the same is sent once."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")
    answer = {"status": status, "body": {"error": {"code": "PatchNotSupported", "message": "Use PUT."}}}
    desk.azure.script(on(desk, "PATCH", ".*/storageAccounts/.*", times=None, answer=answer))

    done = desk.apply()

    assert [w.split()[0] for w in desk.azure.writes] == ["PATCH", "PUT"]
    assert done.result(f"{desk.name}store")["outcome"] == "updated"
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Cool"
    desk.check_clean()


def test_value_that_azure_does_not_keep_is_written_once(desk: Desk) -> None:
    """A read-back that differs is remarked and remembered; it is never a reason to write again."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")
    accepted = {"status": 200, "body": {"id": resource}}
    desk.azure.script(on(desk, "PATCH", ".*/storageAccounts/.*", times=None, answer=accepted))

    done = desk.apply()

    result = done.result(f"{desk.name}store")
    assert (result["outcome"], result["reason"]) == ("updated", "NotFulfilled")
    assert "properties.accessTier" in result["cause"]
    desk.check_clean()
    assert desk.apply().json["summary"]["writes"] == 0
    assert desk.run("drift").code == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"answer": FORBIDDEN},
        {"answer": {"status": 200, "body": "no json at all"}},
        {"answer": {"status": 500, "body": {"error": {"code": "InternalServerError", "message": "Oops."}}}},
        {"answer": "truncate"},
        {"answer": "html"},
        {"answer": "drop"},
    ],
    ids=["forbidden", "garbage", "500", "truncated", "html", "dropped"],
)
def test_what_cannot_be_read_is_never_taken_for_absent(desk: Desk, fault: Object) -> None:
    """Lists and GETs of a type fail: exit 3, nothing is planned for it, apply refuses unless told to go on."""
    resource = write_account(desk)
    desk.apply()
    write_account(desk, accessTier="Cool")
    desk.write(identity("new", desk.name), file="new")
    rule = {"match": {"method": "GET", "path_regex": "/Microsoft.Storage/storageAccounts"}, "times": None, **fault}
    desk.azure.script(rule)

    plan, drift = desk.plan(), desk.run("drift")

    assert (plan.code, drift.code) == (3, 3)
    assert plan.step(f"{desk.name}store")["action"] == "unreadable"
    assert plan.json["complete"] is False
    refused = desk.run("apply", "--yes")
    assert refused.code == 3
    assert "--allow-incomplete" in refused.err
    desk.apply("--allow-incomplete", code=3)
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == ["PUT userAssignedIdentities/new"]
    desk.azure.clear_script()
    assert desk.azure.get(resource)["properties"]["accessTier"] == "Hot"


def test_refused_list_falls_back_to_single_reads(desk: Desk) -> None:
    """A list that may not be read is no reason to give up: GETs answer the same."""
    desk.write(group(desk.name), *(identity(f"i{n}", desk.name) for n in range(4)))
    desk.apply()
    rule = {"match": {"method": "GET", "path_regex": "/userAssignedIdentities$"}, "times": None, "answer": FORBIDDEN}
    desk.azure.script(rule)

    desk.check_clean()


def test_absent_resource_below_an_unreadable_one_is_not_created(desk: Desk) -> None:
    """What would be created in a resource of which nothing is known is held back."""
    net, sub = network("net", desk.name), subnet("front", "net", "10.0.1.0/24")
    desk.write(group(desk.name), net)
    desk.apply()
    desk.write(group(desk.name), net, sub)
    rule = {"match": {"method": "GET", "path_regex": "/virtualNetworks(/net)?$"}, "times": None, "answer": FORBIDDEN}
    desk.azure.script(rule)

    plan = desk.plan()

    assert plan.step("net")["action"] == "unreadable"
    assert plan.step("front")["action"] == "blocked"
    desk.apply("--allow-incomplete", code=4)
    assert desk.azure.writes == []
    assert desk.azure.get(desk.id_of("subnet", "net", "front"), api=NETWORK_API) is None


def test_object_that_is_wrong_does_not_hold_up_the_others(desk: Desk) -> None:
    """A manifest with an error is named with its place, exit 1; the other objects are applied."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, acessTier="Hot"))

    done = desk.apply(code=1)

    assert "app.yaml" in done.err
    assert "acessTier" in done.err
    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]


def test_object_that_is_wrong_now_keeps_its_resource(desk: Desk) -> None:
    """A manifest that cannot be used has not left the input: --prune deletes neither it nor others."""
    write_account(desk)
    desk.write(identity("old", desk.name), file="old")
    desk.apply()
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, acessTier="Hot"))
    (desk.manifests / "old.yaml").unlink()

    desk.run("apply", "--yes", "--prune", "--allow-data-loss")

    assert desk.azure.get(desk.id_of("account", f"{desk.name}store")) is not None
    assert desk.azure.get(desk.id_of("identity", "old"), api="2023-01-31") is not None


def test_busy_resource_is_waited_for_and_not_written(desk: Desk) -> None:
    """A resource on which Azure is still working is planned as a wait, never as a write."""
    desk.write(group(desk.name), network("net", desk.name, flowTimeoutInMinutes=10))
    desk.azure.edit("PUT", desk.group_id, {"location": "westeurope"}, api="2020-06-01")
    desk.azure.script(on(desk, "PUT", ".*/virtualNetworks/net", polls=50))
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    status, _ = desk.azure.call("PUT", f"{desk.id_of('network', 'net')}?api-version={NETWORK_API}", body)

    step = desk.plan("--adopt").step("net")

    assert status == 201
    assert (step["action"], step["reason"]) == ("wait", "NotSettled")
    desk.apply("--adopt", code=3)
    assert desk.azure.writes == []


def test_resource_whose_last_operation_failed_is_written_again(desk: Desk) -> None:
    """A failed provisioning state is put right although the body is as the manifest asks."""
    desk.write(group(desk.name), network("net", desk.name))
    desk.apply()
    resource = desk.id_of("network", "net")
    desk.azure.script(on(desk, "PUT", ".*/virtualNetworks/net", operation_fails=True))
    desk.azure.edit("PUT", resource, desk.azure.get(resource, api=NETWORK_API), api=NETWORK_API)

    step = desk.plan().step("net")

    assert (step["action"], step["reason"], step["request"]["method"]) == ("update", "NotSettled", "PUT")
    desk.apply()
    desk.check_clean()


def test_failed_operation_of_others_does_not_undo_what_is_only_to_be_reported(desk: Desk) -> None:
    """Somebody changed a tag and their operation failed: with drift-policy report nothing is written over it."""
    net = network("net", desk.name, tags={"app": "web"})
    net["metadata"]["annotations"] = {"trueup.dev/drift-policy": "report"}
    desk.write(group(desk.name), net)
    desk.apply()
    resource = desk.id_of("network", "net")
    desk.azure.script(on(desk, "PUT", ".*/virtualNetworks/net", operation_fails=True))
    body = desk.azure.get(resource, api=NETWORK_API) | {"tags": {"app": "web", "by": "others"}}
    desk.azure.edit("PUT", resource, body, api=NETWORK_API)

    step = desk.plan().step("net")

    assert (step["action"], step["reason"], step["changes"][0]["text"]) == ("skip", "DriftPolicy", "tags.by")


def test_create_that_failed_is_ours_to_mend(desk: Desk) -> None:
    """What our own create left behind half-made is written again without --adopt; nobody else's is."""
    desk.write(group(desk.name), network("net", desk.name))
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    failing = on(desk, "PUT", ".*/virtualNetworks/.*", times=None, operation_fails={"code": "Full", "message": "Full."})
    desk.azure.script(failing)
    desk.apply("--timeout", "5", code=5)
    desk.azure.edit("PUT", desk.id_of("network", "theirs"), body, api=NETWORK_API)
    desk.azure.clear_script()
    desk.write(group(desk.name), network("net", desk.name), network("theirs", desk.name))

    plan = desk.plan()

    assert plan.actions == {desk.name: "noop", "net": "update", "theirs": "adopt"}
    desk.apply()
    assert [w.split()[1] for w in desk.azure.writes] == ["virtualNetworks/net"]


def test_create_that_never_came_to_be_is_no_drift(desk: Desk) -> None:
    """A refused create is planned as missing again, not as deleted by somebody."""
    write_account(desk)
    desk.azure.script(on(desk, "PUT", ".*/storageAccounts/.*", answer={"status": 400, "body": REFUSED}))
    desk.apply(code=5)

    plan, drift = desk.plan(), desk.run("drift")

    assert (plan.step(f"{desk.name}store")["action"], plan.step(f"{desk.name}store")["reason"]) == ("create", "Missing")
    assert drift.code == 0
