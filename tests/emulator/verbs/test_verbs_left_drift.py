"""Drift that its owner wants left alone, beside an edit of another member of the same object."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, account, group, network

pytestmark = pytest.mark.loopback
DRIFT_POLICY = "trueup.dev/drift-policy"


@pytest.mark.parametrize("policy", ["report", "ignore"])
def test_patch_of_an_edit_leaves_the_drift_out(desk: Desk, policy: str) -> None:
    """A PATCH of what the user edited says nothing of what Azure moved, before and after the write."""
    name, note = f"{desk.name}store", {DRIFT_POLICY: policy}
    desk.write(group(desk.name), account(name, desk.name, annotations=note))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    desk.write(group(desk.name), account(name, desk.name, annotations=note, allowBlobPublicAccess=False))

    plan, done = desk.plan(), desk.apply("-o", "json")

    step = plan.step(name)
    assert (step["action"], [c["text"] for c in step["changes"]]) == ("update", ["properties.allowBlobPublicAccess"])
    assert step["notes"] == [f"drift is left alone at properties.accessTier: its drift-policy is {policy}"]
    assert step["request"]["body"] == {"properties": {"allowBlobPublicAccess": False}}
    assert (done.result(name)["outcome"], done.result(name)["cause"]) == ("updated", "")
    held = desk.azure.get(desk.id_of("account", name))["properties"]
    assert (held["accessTier"], held["allowBlobPublicAccess"]) == ("Cool", False)


def test_put_of_an_edit_sends_the_drift_back(desk: Desk) -> None:
    """A PUT carries Azure's values of what drifted, elements that only Azure has too, and drift stays known as such."""
    net = network("net", desk.name, enableDdosProtection=False)
    net["metadata"]["annotations"] = {DRIFT_POLICY: "report"}
    desk.write(group(desk.name), net)
    desk.apply()
    resource = desk.id_of("network", "net")
    body = desk.azure.get(resource, api=NETWORK_API)
    body["properties"]["addressSpace"]["addressPrefixes"].append("10.9.0.0/16")
    body["properties"]["enableDdosProtection"] = True
    desk.azure.edit("PUT", resource, body, api=NETWORK_API)
    net["spec"]["flowTimeoutInMinutes"] = 10
    desk.write(group(desk.name), net)

    done = desk.apply("-o", "json")

    assert (done.result("net")["outcome"], done.result("net")["cause"]) == ("updated", "")
    assert desk.azure.writes == ["PUT virtualNetworks/net 200"]
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]
    assert held["addressSpace"]["addressPrefixes"] == ["10.0.0.0/16", "10.9.0.0/16"]
    assert (held["enableDdosProtection"], held["flowTimeoutInMinutes"]) == (True, 10)
    after = desk.plan().step("net")
    assert (after["action"], after["reason"]) == ("skip", "DriftPolicy")
    assert {c["origin"] for c in after["changes"]} == {"drift"}


def test_tag_taken_away_stays_away_beside_an_edit(desk: Desk) -> None:
    """A tag that somebody removed is not set again by the request that sets another one."""
    name, note = f"{desk.name}store", {DRIFT_POLICY: "report"}
    desk.write(group(desk.name), account(name, desk.name, annotations=note, tags={"by": "us", "env": "test"}))
    desk.apply()
    desk.azure.edit_tags(desk.id_of("account", name), "Delete", {"by": "us"})
    edited = account(name, desk.name, annotations=note, tags={"by": "us", "env": "live"}, accessTier="Cool")
    desk.write(group(desk.name), edited)

    desk.apply()

    held = desk.azure.get(desk.id_of("account", name))
    assert held["tags"] == {"env": "live"}
    assert held["properties"]["accessTier"] == "Cool"


def test_drift_left_alone_beside_an_edit_is_still_reported(desk: Desk) -> None:
    """The drift report names what Azure moved while an edit of the same object waits to be applied."""
    name, note = f"{desk.name}store", {DRIFT_POLICY: "report"}
    desk.write(group(desk.name), account(name, desk.name, annotations=note))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    desk.write(group(desk.name), account(name, desk.name, annotations=note, allowBlobPublicAccess=False))

    drift = desk.run("drift", "-o", "json")

    assert drift.code == 2
    (row,) = drift.json["resources"]
    assert [(c["text"], c["before"], c["after"]) for c in row["changes"]] == [("properties.accessTier", "Cool", "Hot")]


def test_edit_of_the_drifted_member_itself_is_written(desk: Desk) -> None:
    """Where user and Azure moved the same member the user's value goes out, whatever the drift policy says."""
    name, note = f"{desk.name}store", {DRIFT_POLICY: "report"}
    desk.write(group(desk.name), account(name, desk.name, annotations=note, minimumTlsVersion="TLS1_2"))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"minimumTlsVersion": "TLS1_0"}})
    desk.write(group(desk.name), account(name, desk.name, annotations=note, minimumTlsVersion="TLS1_1"))

    desk.apply()

    assert desk.azure.get(desk.id_of("account", name))["properties"]["minimumTlsVersion"] == "TLS1_1"
