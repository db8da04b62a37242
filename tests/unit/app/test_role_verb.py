"""``trueup role``: what it prints for kinds and for objects."""

from __future__ import annotations

import json
import re
import shlex
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.cli import main
from tests.conftest import ROOT

SUBSCRIPTION = "00000000-0000-0000-0000-000000000009"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Return the role that the arguments give."""
    assert main(["role", *arguments, "--subscription", SUBSCRIPTION]) == 0
    return json.loads(capsys.readouterr().out)


def account(**more: Any) -> dict[str, Any]:
    """Return a storage account."""
    spec = {
        "owner": {"armId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"},
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        **more.pop("spec", {}),
    }
    metadata = {"name": "app", "namespace": "web", **more}
    return {
        "apiVersion": "storage.azure.com/v1api20230101",
        "kind": "StorageAccount",
        "metadata": metadata,
        "spec": spec,
    }


def actions_for(capsys: pytest.CaptureFixture[str], folder: Path, *objects: dict[str, Any]) -> set[str]:
    """Return the actions that managing these objects takes, those of every role left out."""
    (folder / "app.yaml").write_text(yaml.safe_dump_all(objects))
    found = printed(capsys, "--mode", "manage", "-f", str(folder), "--registered")["Actions"]
    return {a.removeprefix("Microsoft.Storage/") for a in found if not a.startswith("Microsoft.Authorization/")}


def test_the_document_is_one_that_azure_cli_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """Name, description, actions of the control plane alone, and where it can be assigned."""
    found = printed(capsys, "--mode", "watch", "--pattern", "storage.azure.com/StorageAccount")

    assert found == {
        "Name": "Trueup watch",
        "IsCustom": True,
        "Description": "Trueup compares Azure with objects, and writes nothing.",
        "Actions": [
            "Microsoft.Authorization/denyAssignments/read",
            "Microsoft.Authorization/locks/read",
            "Microsoft.Storage/storageAccounts/read",
        ],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{SUBSCRIPTION}"],
    }


def test_name_and_scopes_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """The role is called as asked, and can be assigned where asked."""
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
    options = ("--mode", "plan", "--pattern", "cache.azure.com/Redis", "--name", "Reads caches", "--scope", scope)

    found = printed(capsys, *options)

    assert (found["Name"], found["AssignableScopes"]) == ("Reads caches", [scope])


def test_a_pattern_stands_for_all_that_objects_may_ask_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys, deleted namesakes, what others join: whatever an object of the kinds could need."""
    pattern = "storage.azure.com/StorageAccount;keyvault.azure.com/Vault;managedidentity.azure.com/UserAssignedIdentity"

    found = printed(capsys, "--mode", "manage", "--pattern", pattern)["Actions"]

    assert {
        "Microsoft.Storage/storageAccounts/listKeys/action",
        "Microsoft.KeyVault/locations/deletedVaults/purge/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.Storage/register/action",
    } <= set(found)


def test_no_role_that_reads_holds_anything_else(capsys: pytest.CaptureFixture[str]) -> None:
    """Of all kinds together: only reads, and a part of what managing takes."""
    managing = printed(capsys, "--mode", "manage", "--pattern", "*")["Actions"]
    for mode in ("watch", "plan"):
        reading = printed(capsys, "--mode", mode, "--pattern", "*")["Actions"]
        assert {action.rpartition("/")[2] for action in reading} == {"read"}
        assert [a for a in reading if not any(fnmatchcase(a.lower(), m.lower()) for m in managing)] == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {"read", "write", "delete"}),
        ({"annotations": {"serviceoperator.azure.com/reconcile-policy": "detach-on-delete"}}, {"read", "write"}),
        ({"annotations": {"serviceoperator.azure.com/reconcile-policy": "skip"}}, {"read"}),
        (
            {"spec": {"operatorSpec": {"secrets": {"key1": {"name": "keys", "key": "one"}}}}},
            {"read", "write", "delete", "listKeys/action"},
        ),
        (
            {"spec": {"operatorSpec": {"secretExpressions": [{"name": "k", "key": "a", "value": "secret.key2"}]}}},
            {"read", "write", "delete", "listKeys/action"},
        ),
        (
            {"spec": {"operatorSpec": {"secrets": {"blobEndpoint": {"name": "keys", "key": "one"}}}}},
            {"read", "write", "delete"},
        ),
    ],
)
def test_objects_stand_for_what_they_ask_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, changed: dict[str, Any], expected: set[str]
) -> None:
    """What a policy leaves alone needs no right, keys need one only where they are exported."""
    found = actions_for(capsys, tmp_path, account(**changed))

    assert {a.removeprefix("storageAccounts/") for a in found if a.startswith("storageAccounts/")} == expected
    assert ("locations/*/read" in found) is ("write" in expected)


def test_what_a_body_names_needs_a_right_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A subnet in a network rule and an identity: joined in the way that Azure asks for there."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
    subnet = f"{group}/Microsoft.Network/virtualNetworks/net/subnets/a"
    who = f"{group}/Microsoft.ManagedIdentity/userAssignedIdentities/who"
    spec = {
        "networkAcls": {"defaultAction": "Deny", "virtualNetworkRules": [{"reference": {"armId": subnet}}]},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [{"reference": {"armId": who}}]},
    }

    found = actions_for(capsys, tmp_path, account(spec=spec))

    assert {a for a in found if a.startswith(("Microsoft.Network/", "Microsoft.ManagedIdentity/"))} == {
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    }


def test_text_says_what_each_action_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    """One action a line, its reasons below it."""
    arguments = ["role", "--mode", "manage", "--pattern", "network.azure.com/PrivateEndpoint", "-o", "text"]
    assert main([*arguments, "--subscription", SUBSCRIPTION]) == 0

    text = capsys.readouterr().out

    assert "Microsoft.Network/networkInterfaces/read\n    nic of Microsoft.Network/privateEndpoints\n" in text
    assert "Microsoft.Network/locations/*/read\n    follow operations of Microsoft.Network/privateEndpoints\n" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--pattern", "cache.azure.com/Redis"), "--scope"),
        (("--subscription", SUBSCRIPTION), "--pattern, or objects with -f"),
        (("--pattern", "cache.azure.com/Redis", "-f", "x.yaml"), "one of these"),
        (("--pattern", "cach.azure.com/Redis"), "cache.azure.com/Redis"),
    ],
)
def test_wrong_arguments(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    """An error says what to do, and nothing is printed."""
    monkeypatch.delenv("AZURE_SUBSCRIPTION_ID", raising=False)

    assert main(["role", "--mode", "watch", *arguments]) == 1
    done = capsys.readouterr()

    assert (told in done.err, done.out) == (True, "")


def test_the_commands_of_the_page_work(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/azure-roles.md says to type prints the roles that it goes on with."""
    monkeypatch.chdir(ROOT)
    lines = [text for text in (ROOT / "docs" / "azure-roles.md").read_text().splitlines() if text.startswith("trueup ")]
    names = []
    for line in lines:
        command, _, _ = line.partition(" > ")
        assert main(shlex.split(command)[1:]) == 0
        names.append(json.loads(capsys.readouterr().out)["Name"])

    assert names == ["Trueup watch", "Trueup manage"]


def test_the_table_of_the_page_is_true(capsys: pytest.CaptureFixture[str]) -> None:
    """Each action of docs/azure-roles.md is in the roles for all kinds, in just the modes that its row says."""
    watch, manage = (printed(capsys, "--mode", mode, "--pattern", "*")["Actions"] for mode in ("watch", "manage"))
    page = (ROOT / "docs" / "azure-roles.md").read_text()
    rows = re.findall(r"^\| [^|]+ \| ([^|]*`[^|]*) \| (yes)? ?\| yes \|$", page, re.MULTILINE)

    for cell, reads in rows:
        for name in re.findall(r"`([^`]+)`", cell.replace("--registered", "")):
            ending = name.removeprefix("…").lower()
            found = [any(fits(action, ending) for action in actions) for actions in (watch, manage)]
            assert found == [bool(reads), True], name

    assert len(rows) == 12


def fits(action: str, ending: str) -> bool:
    """Whether an action is meant; what a star of the role stands for counts."""
    return action.lower().endswith(ending) or fnmatchcase(ending, action.lower())


def test_what_no_role_gives_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Groups of Entra and subscriptions need rights elsewhere."""
    pattern = "entra.azure.com/SecurityGroup;subscription.azure.com/Alias"
    assert main(["role", "--mode", "manage", "--pattern", pattern, "--subscription", SUBSCRIPTION]) == 0

    told = capsys.readouterr().err

    assert "Group.ReadWrite.All" in told
    assert "billing account" in told


def test_objects_that_are_wrong_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The role is that of the others, and the exit code says that some are missing."""
    wrong = account(spec={"kind": 7})
    wrong["metadata"]["name"] = "wrong"
    (tmp_path / "app.yaml").write_text(yaml.safe_dump_all([account(), wrong]))

    code = main(["role", "--mode", "watch", "-f", str(tmp_path), "--subscription", SUBSCRIPTION])
    done = capsys.readouterr()

    assert code == 1
    assert "web/StorageAccount/wrong" in done.err
    assert "Microsoft.Storage/storageAccounts/read" in json.loads(done.out)["Actions"]
