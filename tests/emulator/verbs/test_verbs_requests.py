"""What is sent for a difference: the request, its headers and its body as Azure gets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verbs_desk import NETWORK_API, Desk, Object, account, group, make_object

pytestmark = pytest.mark.loopback

ROLE = "/providers/Microsoft.Authorization/roleDefinitions/11111111-2222-3333-4444-555555555555"
DNS_API = "2018-05-01"
ASSIGNMENT = "99999999-8888-7777-6666-555555555555"


def assignment(owner: str, principal: str) -> Object:
    """Return a role assignment on a group."""
    spec = {
        "azureName": ASSIGNMENT,
        "owner": {"group": "resources.azure.com", "kind": "ResourceGroup", "name": owner},
        "principalId": principal,
        "principalType": "ServicePrincipal",
        "roleDefinitionReference": {"armId": ROLE},
    }
    return make_object("RoleAssignment", "authorization/v1api20220401", "reader", spec)


def test_another_principal_is_a_replace_and_never_a_refused_put(desk: Desk) -> None:
    """Azure gives no role assignment to somebody else: the plan blocks it, and --allow-replace makes it anew."""
    first, second = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
    desk.write(group(desk.name), assignment(desk.name, first))
    desk.apply()
    desk.write(group(desk.name), assignment(desk.name, second))

    held = desk.plan()
    desk.apply("--allow-replace", "reader")

    assert (held.code, held.step("reader")["reason"]) == (4, "ImmutableChange")
    assert "properties.principalId" in held.step("reader")["detail"]
    assert [w.split()[0] for w in desk.azure.writes] == ["DELETE", "PUT"]
    desk.check_clean()


def zone_and_record(desk: Desk, *texts: str, ttl: int = 300) -> list[dict[str, Any]]:
    zone = {"owner": {"name": desk.name}, "location": "global"}
    record = {"owner": {"name": "example.com"}, "TTL": ttl, "TXTRecords": [{"value": [t]} for t in texts]}
    return [
        make_object("DnsZone", "network/v1api20180501", "example.com", zone),
        make_object("DnsZonesTXTRecord", "network/v1api20180501", "note", record),
    ]


def write_record(desk: Desk, *texts: str, ttl: int = 300) -> str:
    """Write a zone with a TXT record, whose type takes both preconditions; return the record's id."""
    desk.write(group(desk.name), *zone_and_record(desk, *texts, ttl=ttl))
    return f"{desk.group_id}/providers/Microsoft.Network/dnsZones/example.com/TXT/note"


def test_what_somebody_created_meanwhile_is_not_written_over(desk: Desk) -> None:
    """A create says If-None-Match: the 412 is told, nothing is written, and the next plan asks whether to adopt it."""
    write_record(desk, "ours")
    desk.apply("--exclude", "note")
    resource = write_record(desk, "ours")
    theirs = {"properties": {"TTL": 60, "TXTRecords": [{"value": ["theirs"]}]}}

    done = desk.apply_while(lambda: desk.azure.edit("PUT", resource, theirs, api=DNS_API))

    assert (done.code, done.result("note")["reason"]) == (5, "Moved")
    assert "created by somebody else" in done.result("note")["cause"]
    assert desk.azure.writes == ["PUT TXT/note 412"]
    assert desk.azure.get(resource, api=DNS_API)["properties"]["TXTRecords"] == [{"value": ["theirs"]}]
    assert desk.plan().step("note")["action"] == "adopt"


def test_what_somebody_changed_meanwhile_is_not_deleted(desk: Desk) -> None:
    """A DELETE says If-Match: the 412 is told, nothing is deleted, and the next run deletes what it has seen."""
    resource = write_record(desk, "ours")
    desk.apply()
    desk.write(group(desk.name), zone_and_record(desk)[0])
    theirs = {"properties": {"TTL": 60, "TXTRecords": [{"value": ["theirs"]}]}}

    done = desk.apply_while(lambda: desk.azure.edit("PUT", resource, theirs, api=DNS_API), "--prune")
    refused = desk.azure.writes
    again = desk.apply("--prune")

    assert (done.code, done.result("note")["reason"]) == (5, "Moved")
    assert refused == ["DELETE TXT/note 412"]
    assert again.result("note")["outcome"] == "deleted"
    assert desk.azure.writes == ["DELETE TXT/note 200"]


def test_a_create_whose_answer_was_lost_is_not_taken_for_somebody_elses(desk: Desk) -> None:
    """It is looked for before it is sent again: what is there is as asked, so it is ours and no second PUT is sent."""
    resource = write_record(desk, "ours")
    desk.azure.script(
        {"match": {"method": "PUT", "path_regex": "/TXT/note$"}, "answer": "drop", "before_effect": False}
    )

    done = desk.apply()

    assert done.result("note")["outcome"] == "created"
    assert [w for w in desk.azure.writes if "TXT" in w] == ["PUT TXT/note 0"]
    assert desk.azure.get(resource, api=DNS_API)["properties"]["TXTRecords"] == [{"value": ["ours"]}]
    desk.check_clean()


def test_a_moved_etag_is_read_again_and_the_same_change_sent(desk: Desk) -> None:
    """Somebody changed another member: the 412 is answered by a read, and by the same PATCH over the new etag."""
    resource = write_record(desk, "ours")
    desk.apply()
    write_record(desk, "ours", ttl=600)
    theirs = {"properties": {"metadata": {"by": "them"}}}

    done = desk.apply_while(lambda: desk.azure.edit("PATCH", resource, theirs, api=DNS_API))

    assert (done.code, done.result("note")["outcome"]) == (0, "updated"), done.out
    assert desk.azure.writes == ["PATCH TXT/note 412", "PATCH TXT/note 200"]
    held = desk.azure.get(resource, api=DNS_API)["properties"]
    assert (held["TTL"], held["metadata"]) == (600, {"by": "them"})


def test_a_moved_member_is_decided_again_and_never_overwritten(desk: Desk) -> None:
    """Somebody changed the very member: nothing of theirs is written over before a new plan shows it."""
    resource = write_record(desk, "ours")
    desk.apply()
    write_record(desk, "ours", ttl=600)

    done = desk.apply_while(lambda: desk.azure.edit("PATCH", resource, {"properties": {"TTL": 42}}, api=DNS_API))

    assert (done.code, done.result("note")["reason"]) == (5, "Moved")
    assert desk.azure.writes == ["PATCH TXT/note 412"]
    assert desk.azure.get(resource, api=DNS_API)["properties"]["TTL"] == 42
    desk.apply()
    desk.check_clean()


def refuse(desk: Desk, path: str, status: int, code: str, message: str) -> None:
    """Let Azure refuse each PATCH of a path."""
    answer = {"status": status, "body": {"error": {"code": code, "message": message}}}
    desk.azure.script({"match": {"method": "PATCH", "path_regex": path}, "times": None, "answer": answer})


def write_account(desk: Desk, **spec: Any) -> str:
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, **spec))
    return desk.id_of("account", f"{desk.name}store")


NO_PATCH = (405, "HttpMethodNotSupported", "The requested resource does not support http method 'PATCH'.")
NO_MEMBER = (400, "InvalidRequestContent", "Could not find member 'accessTier' on object of type 'Update'.")


@pytest.mark.parametrize("refusal", [NO_PATCH, NO_MEMBER], ids=["method", "member"])
def test_a_refused_patch_is_told_and_not_tried_again(desk: Desk, refusal: tuple[int, str, str]) -> None:
    """The report says what was sent instead; the next plan has a PUT at once, and says why."""
    name = f"{desk.name}store"
    write_account(desk)
    desk.apply()
    refuse(desk, f"{name}$", *refusal)
    write_account(desk, accessTier="Cool")
    first = desk.apply()
    write_account(desk, accessTier="Hot")

    second = desk.plan().step(name)

    assert "sent as PUT instead" in first.result(name)["cause"]
    assert second["request"]["method"] == "PUT"
    assert any("was refused for this type at 2023-01-01 before" in n and refusal[2] in n for n in second["notes"])
    desk.apply()
    assert desk.azure.writes == [f"PUT storageAccounts/{name} 200"]
    desk.check_clean()


def test_another_member_than_the_refused_one_is_still_patched(desk: Desk) -> None:
    """A PATCH that does not know one member knows the others."""
    name = f"{desk.name}store"
    write_account(desk)
    desk.apply()
    refuse(desk, f"{name}$", *NO_MEMBER)
    write_account(desk, accessTier="Cool")
    desk.apply()
    desk.azure.clear_script()

    write_account(desk, accessTier="Cool", allowSharedKeyAccess=False)

    assert desk.plan().step(name)["request"]["body"] == {"properties": {"allowSharedKeyAccess": False}}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameterValue", "The value 'Cool' of parameter 'accessTier' is not valid."),
        (
            "AccountPropertyCannotBeUpdated",
            "The property 'accessTier' was specified in the input, but it cannot change.",
        ),
        ("BadRequest", "Cannot find resource."),
    ],
)
def test_a_value_that_azure_refuses_is_not_sent_again_as_a_put(desk: Desk, code: str, message: str) -> None:
    """What is wrong with the value is wrong in a PUT as well: it is a failure, and nothing is remembered of PATCH."""
    name = f"{desk.name}store"
    write_account(desk)
    desk.apply()
    refuse(desk, f"{name}$", 400, code, message)
    write_account(desk, accessTier="Cool")

    done = desk.apply("--timeout", "1", code=5)

    assert {w.split()[0] for w in desk.azure.writes} == {"PATCH"}
    assert message.rstrip(".") in done.result(name)["cause"]
    assert desk.plan().step(name)["request"]["method"] == "PATCH"


def test_tags_that_the_tags_api_refuses_go_with_the_resource(desk: Desk) -> None:
    """Where ARM keeps no tags of a type the member is patched with all tags, and so it is the next time."""
    name = f"{desk.name}store"
    resource = write_account(desk, tags={"app": "web", "team": "a"})
    desk.apply()
    refuse(desk, "/tags/default$", 405, "MethodNotAllowed", "Tags are not supported on this type.")
    write_account(desk, tags={"app": "web", "team": "b"})

    first = desk.apply()

    assert desk.azure.writes == ["PATCH tags/default 405", f"PATCH storageAccounts/{name} 200"]
    assert "does not take the tags API" in first.result(name)["cause"]
    assert desk.azure.get(resource)["tags"] == {"app": "web", "team": "b"}
    write_account(desk, tags={"app": "web", "team": "c"})
    assert desk.plan().step(name)["request"]["body"] == {"tags": {"app": "web", "team": "c"}}
    desk.apply()
    desk.check_clean()


def test_a_fallback_is_not_sent_over_what_moved(desk: Desk) -> None:
    """A PUT says more than the refused PATCH did: Azure is read again first, and what moved is not undone unseen."""
    name = f"{desk.name}store"
    resource = write_account(desk, allowBlobPublicAccess=False)
    desk.apply()
    refuse(desk, f"{name}$", *NO_PATCH)
    write_account(desk, allowBlobPublicAccess=False, accessTier="Cool")
    body = desk.azure.get(resource)
    theirs = {**body, "properties": {"accessTier": "Hot", "allowBlobPublicAccess": True}}

    done = desk.apply_while(lambda: desk.azure.edit("PUT", resource, theirs))

    assert (done.code, done.result(name)["reason"]) == (5, "Moved")
    assert [w.split()[0] for w in desk.azure.writes] == ["PATCH"]
    assert desk.azure.get(resource)["properties"]["allowBlobPublicAccess"] is True


def write_balancer(desk: Desk, *rules: str, **spec: Any) -> str:
    """Write a load balancer with rules of its own; return its id."""
    own = [{"name": r, "protocol": "Tcp", "frontendPort": 5000 + n, "backendPort": 22} for n, r in enumerate(rules)]
    body = {"owner": {"name": desk.name}, "location": "westeurope", "sku": {"name": "Standard"}, "inboundNatRules": own}
    desk.write(group(desk.name), make_object("LoadBalancer", "network/v1api20240301", "lb", body | spec))
    return f"{desk.group_id}/providers/Microsoft.Network/loadBalancers/lb"


def test_rules_of_others_on_a_load_balancer_stay_and_are_no_drift(desk: Desk) -> None:
    """A PUT of the balancer leaves the rule that somebody else added, and takes away the one that left the object."""
    resource = write_balancer(desk, "own", "old")
    desk.apply()
    theirs = {"properties": {"protocol": "Tcp", "frontendPort": 6000, "backendPort": 80}}
    desk.azure.edit("PUT", f"{resource}/inboundNatRules/theirs", theirs, api=NETWORK_API)
    desk.check_clean()
    write_balancer(desk, "own", "new")

    plan = desk.plan().step("lb")
    desk.apply()

    assert plan["request"]["method"] == "PUT"
    assert not any("theirs" in c["text"] for c in plan["changes"])
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]["inboundNatRules"]
    assert sorted(rule["name"] for rule in held) == ["new", "own", "theirs"]
    desk.check_clean()


def test_elements_of_others_are_counted_and_explained(desk: Desk) -> None:
    """What somebody else put into a list that an object shares is left to them, and never silently."""
    resource = write_balancer(desk, "own")
    desk.apply()
    theirs = {"properties": {"protocol": "Tcp", "frontendPort": 6000, "backendPort": 80}}
    desk.azure.edit("PUT", f"{resource}/inboundNatRules/theirs", theirs, api=NETWORK_API)

    drift, counted = desk.run("drift"), desk.run("drift", "-o", "json").json
    explained = desk.run("explain", "lb", "-o", "json").json

    assert (drift.code, drift.out.strip()) == (0, "No drift. 2 resources checked, 1 left to others.")
    assert counted["summary"]["others"] == 1
    (receipt,) = [s for s in explained["suppressed"] if s["rule"] == "shared-list"]
    assert (receipt["before"]["name"], receipt["before"]["properties"]["frontendPort"]) == ("theirs", 6000)


@pytest.mark.parametrize("spec", [{}, {"inboundNatRules": []}], ids=["no-list", "empty-list"])
def test_rules_of_others_outlive_the_last_own_one(desk: Desk, spec: Object) -> None:
    """The list leaves the object as a whole: its own rules go, and those of others are sent back once."""
    resource = write_balancer(desk, "own", "old")
    desk.apply()
    theirs = {"properties": {"protocol": "Tcp", "frontendPort": 6000, "backendPort": 80}}
    desk.azure.edit("PUT", f"{resource}/inboundNatRules/theirs", theirs, api=NETWORK_API)
    body = {"owner": {"name": desk.name}, "location": "westeurope", "sku": {"name": "Standard"}}
    desk.write(group(desk.name), make_object("LoadBalancer", "network/v1api20240301", "lb", body | spec))

    changes = desk.plan().step("lb")["changes"]
    desk.apply()

    assert [c["text"].rpartition("=")[2] for c in changes] == ["old]", "own]"]
    held = desk.azure.get(resource, api=NETWORK_API)["properties"]["inboundNatRules"]
    assert [rule["name"] for rule in held] == ["theirs"]
    desk.check_clean()
