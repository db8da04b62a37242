"""What objects export, on a real API server: Secrets and ConfigMaps made, repaired, never taken from others."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.app.cli import main
from tests.apiserver.any_pods import open_web, running
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, GROUPS, PREFIX, Pod, Web
from tests.canary import find_canaries
from tests.verbs_desk import Azure, Object, account, group, make_object

pytestmark = pytest.mark.apiserver

PATTERN = (
    "resources.azure.com/*;storage.azure.com/StorageAccount;managedidentity.azure.com/*;eventhub.azure.com/Namespace"
)
IDENTITIES = "/apis/managedidentity.azure.com/v1api20230131/namespaces/{}/userassignedidentities"
FEDERATED = "/apis/managedidentity.azure.com/v1api20230131/namespaces/{}/federatedidentitycredentials"
HUBS = "/apis/eventhub.azure.com/v1api20240101/namespaces/{}/namespaces"
SECRETS = "/api/v1/namespaces/{}/secrets"
MAPS = "/api/v1/namespaces/{}/configmaps"
KEYS_API = "2024-01-01"


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything every 0.3 s, as an account that may do no more than it needs."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
    with running(plane, azure, tmp_path_factory.mktemp("pod"), environment={}) as found:
        yield found


@pytest.fixture
def web(admin: Api, azure: Azure, pod: Pod) -> Web:
    """Return a namespace with a credential and a resource group."""
    found = open_web(admin, azure, "exports")
    found.create(GROUPS, group(found.namespace))
    found.wait_ready(GROUPS, found.namespace)
    return found


@pytest.fixture
def name(web: Web) -> str:
    """Return the name of a storage account that nobody else uses."""
    return web.namespace.replace("-", "") + "account"


def create(web: Web, name: str, operator: Object, **metadata: Any) -> Any:
    return web.create(ACCOUNTS, account(name, web.namespace, operatorSpec=operator, **metadata))


def keys(web: Web, azure: Azure, name: str) -> list[str]:
    """Return the account's keys, as Azure tells a colleague."""
    resource = id_of(web, azure, name)
    _, answer = azure.call("POST", f"{resource}/listKeys?api-version={KEYS_API}")
    return [found["value"] for found in answer["keys"]]


def id_of(web: Web, azure: Azure, name: str) -> str:
    group_id = f"{azure.subscription}/resourceGroups/{web.namespace}"
    return f"{group_id}/providers/Microsoft.Storage/storageAccounts/{name}"


def secret(web: Web, name: str) -> dict[str, str] | None:
    found = web.get(SECRETS, name)
    return {k: base64.b64decode(v).decode() for k, v in (found.get("data") or {}).items()} if found else None


def writes(azure: Azure) -> list[str]:
    """Return what changed something in Azure: lists of keys are POST requests too."""
    return [write for write in azure.writes if not write.startswith("POST")]


def posts(azure: Azure) -> int:
    _, document = azure.call("GET", "/_emulator/requests")
    return int(document["counts"].get("POST", 0))


def test_keys_endpoints_and_expressions_reach_secrets_and_config_maps(web: Web, azure: Azure, name: str) -> None:
    """One object fills a Secret and a ConfigMap, which it owns, with annotations and labels, before it is Ready."""
    marks = {"annotations": {"team": "web"}, "labels": {"app": "shop"}}
    operator = {
        "secrets": {"key1": {"name": "all", "key": "first", **marks}, "blobEndpoint": {"name": "all", "key": "blob"}},
        "configMaps": {"blobEndpoint": {"name": "open", "key": "blob"}},
        "configMapExpressions": [
            {"name": "open", "key": "place", "value": '"%s:%d".format([self.spec.location, 7])'},
            {"name": "open", "value": 'self.spec.tags.transformMapEntry(k, v, {k.replace(" ", "-"): v})'},
            {"name": "open", "key": "group", "value": "aso.parseResourceId(self.status.id).resourceGroupName"},
        ],
        "secretExpressions": [
            {
                "name": "made",
                "key": "pair",
                "value": 'secret.key1 + ":" + secret["key2"]',
                "labels": {"of": "self.metadata.name"},
            }
        ],
    }

    create(web, name, operator, tags={"cost center": "42"})
    made = web.wait_ready(ACCOUNTS, name)

    first, second = keys(web, azure, name)
    endpoint = made["status"]["primaryEndpoints"]["blob"]
    assert secret(web, "all") == {"first": first, "blob": endpoint}
    assert secret(web, "made") == {"pair": f"{first}:{second}"}
    assert web.get(MAPS, "open")["data"] == {
        "blob": endpoint,
        "place": "westeurope:7",
        "cost-center": "42",
        "group": web.namespace,
    }
    metadata = web.get(SECRETS, "all")["metadata"]
    assert (metadata["annotations"], metadata["labels"]) == ({"team": "web"}, {"app": "shop"})
    assert [(r["kind"], r["uid"]) for r in metadata["ownerReferences"]] == [("StorageAccount", made["metadata"]["uid"])]
    assert web.get(SECRETS, "made")["metadata"]["labels"] == {"of": name}


def test_nothing_is_asked_and_nothing_is_written_while_nothing_changes(web: Web, azure: Azure, name: str) -> None:
    """Passes over what is exported send no call for keys, and leave every object at its version."""
    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    before = web.wait_ready(ACCOUNTS, name)
    held = web.get(SECRETS, "all")
    web.wait_for("a pass", lambda: azure.reads >= 1)
    azure.forget_traffic()

    web.wait_for("passes", lambda: azure.reads >= 12)

    assert posts(azure) == 0
    assert writes(azure) == []
    assert web.get(SECRETS, "all")["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]
    assert web.get(ACCOUNTS, name)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


def test_a_restart_writes_nothing(web: Web, azure: Azure, name: str, pod: Pod) -> None:
    """A new process asks for keys once, and finds everything as it should be."""
    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    web.wait_ready(ACCOUNTS, name)
    held = web.get(SECRETS, "all")
    assert pod.stop() == 0
    azure.forget_traffic()

    pod.start()
    web.wait_for("the keys to be asked for", lambda: any(f"{name}/listKeys" in write for write in azure.writes))
    read = azure.reads
    web.wait_for("passes", lambda: azure.reads >= read + 6)

    assert sum(f"{name}/listKeys" in write for write in azure.writes) == 1
    assert writes(azure) == []
    assert web.get(SECRETS, "all")["metadata"]["resourceVersion"] == held["metadata"]["resourceVersion"]


@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_what_somebody_took_away_comes_back(web: Web, azure: Azure, name: str, how: str) -> None:
    """A Secret or ConfigMap that is deleted, or changed, is made again as it was, without a word to Azure."""
    operator = {
        "secrets": {"key1": {"name": "all", "key": "k"}},
        "configMaps": {"blobEndpoint": {"name": "open", "key": "blob"}},
    }
    create(web, name, operator)
    web.wait_ready(ACCOUNTS, name)
    (wanted, endpoint), sent = (secret(web, "all"), web.get(MAPS, "open")["data"]), writes(azure)

    for collection, target in ((SECRETS, "all"), (MAPS, "open")):
        if how == "deleted":
            web.admin.delete(web.path(collection, target))
        else:
            web.patch(collection, target, {"data": {"k": None, "blob": None, "other": "eA=="}})

    web.wait_for("the Secret", lambda: secret(web, "all") == wanted)
    web.wait_for("the ConfigMap", lambda: (web.get(MAPS, "open") or {}).get("data") == endpoint)
    assert writes(azure) == sent


def test_what_is_somebody_elses_is_never_overwritten(web: Web, azure: Azure, name: str) -> None:
    """A foreign Secret stays as it is, the condition says so in ASO's words; once it is gone, ours is made."""
    web.admin.create(web.path(SECRETS), {"metadata": {"name": "all"}, "data": {"k": "eA=="}})

    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    said = web.wait_reason(ACCOUNTS, name, "FailedWritingAdditionalKubernetesObjects")
    theirs = secret(web, "all")
    web.admin.delete(web.path(SECRETS, "all"))
    web.wait_ready(ACCOUNTS, name)

    assert said["severity"] == "Error"
    assert said["message"] == (
        f"cannot overwrite Secret {web.namespace}/all which is not owned by "
        f"StorageAccount.storage.azure.com {web.namespace}/{name}"
    )
    assert theirs == {"k": "x"}
    assert secret(web, "all") == {"k": keys(web, azure, name)[0]}


def test_a_change_of_what_is_exported_sends_no_write(web: Web, azure: Azure, name: str) -> None:
    """The other key for the same place, and a place more: the Secrets follow, Azure hears nothing; old ones stay."""
    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    web.wait_ready(ACCOUNTS, name)
    first, second = keys(web, azure, name)
    azure.forget_traffic()

    web.patch(
        ACCOUNTS,
        name,
        {
            "spec": {
                "operatorSpec": {"secrets": {"key1": {"name": "new", "key": "k"}, "key2": {"name": "two", "key": "k"}}}
            }
        },
    )
    web.wait_ready(ACCOUNTS, name, 2)

    assert (secret(web, "all"), secret(web, "new"), secret(web, "two")) == ({"k": first}, {"k": first}, {"k": second})
    assert writes(azure) == []


def test_what_collides_is_told_and_put_right_by_an_edit(web: Web, azure: Azure, name: str) -> None:
    """Two values for one key, and an expression of a wrong type, are errors that name their places."""
    to = {"name": "all", "key": "k"}
    create(web, name, {"secrets": {"key1": to, "key2": to}, "configMapExpressions": [{"name": "c", "value": "7"}]})
    said = web.wait_reason(ACCOUNTS, name, "FailedWritingAdditionalKubernetesObjects")
    written = secret(web, "all")

    web.patch(ACCOUNTS, name, {"spec": {"operatorSpec": {"secrets": {"key2": None}, "configMapExpressions": None}}})
    web.wait_ready(ACCOUNTS, name, 2)

    assert said["severity"] == "Error"
    assert "cannot write more than one secret to destination Name: all, Key: k" in said["message"]
    assert "expression must return one of [string,map(string, string)], but was int" in said["message"]
    assert written is None
    assert secret(web, "all") == {"k": keys(web, azure, name)[0]}


def test_an_object_that_only_looks_exports_too(web: Web, azure: Azure, name: str) -> None:
    """Under skip the keys of what is there already are exported."""
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    azure.edit("PUT", id_of(web, azure, name), body)

    operator = {"secrets": {"key1": {"name": "all", "key": "k"}}}
    create(web, name, operator, annotations={PREFIX + "reconcile-policy": "skip"})
    web.wait_ready(ACCOUNTS, name)

    assert secret(web, "all") == {"k": keys(web, azure, name)[0]}


def test_another_object_uses_what_was_exported(web: Web, azure: Azure, name: str) -> None:
    """An object that reads a ConfigMap is written with the value another object exported to it."""
    owner = {"owner": {"name": web.namespace}, "location": "westeurope"}
    web.create(IDENTITIES, make_object("UserAssignedIdentity", "managedidentity/v1api20230131", "who", owner))
    trust = {
        "owner": {"name": "who"},
        "audiences": ["api://AzureADTokenExchange"],
        "issuerFromConfig": {"name": "open", "key": "blob"},
        "subject": "system:serviceaccount:a:b",
    }
    web.create(FEDERATED, make_object("FederatedIdentityCredential", "managedidentity/v1api20230131", "trust", trust))
    web.wait_reason(FEDERATED, "trust", "ConfigMapNotFound")

    create(web, name, {"configMaps": {"blobEndpoint": {"name": "open", "key": "blob"}}})
    made = web.wait_ready(ACCOUNTS, name)
    used = web.wait_ready(FEDERATED, "trust")

    assert used["status"]["issuer"] == made["status"]["primaryEndpoints"]["blob"]


def test_keys_of_the_rule_that_every_namespace_has(web: Web, azure: Azure) -> None:
    """Keys that belong to a resource below the object's own are asked for there."""
    spec = {
        "owner": {"name": web.namespace},
        "location": "westeurope",
        "sku": {"name": "Standard"},
        "operatorSpec": {"secrets": {"primaryConnectionString": {"name": "hub", "key": "text"}}},
    }
    web.create(HUBS, make_object("Namespace", "eventhub/v1api20240101", web.namespace, spec))

    web.wait_ready(HUBS, web.namespace)

    assert (secret(web, "hub") or {})["text"].startswith(f"Endpoint=sb://{web.namespace}.servicebus.windows.net/")


def test_a_refused_call_for_keys_is_told_and_tried_again(web: Web, azure: Azure, name: str) -> None:
    """Without the permission to list keys the object is a warning, and nothing is written a second time."""
    error = {"error": {"code": "AuthorizationFailed", "message": "may not listKeys"}}
    rule = {"match": {"method": "POST", "path_regex": "listKeys$"}, "answer": {"status": 403, "body": error}}
    azure.script({**rule, "times": 2})

    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    said = web.wait_reason(ACCOUNTS, name, "Failed")
    web.wait_ready(ACCOUNTS, name)

    assert said["severity"] == "Warning"
    assert "may not listKeys" in said["message"]
    assert sum(f"{name} 2" in write for write in azure.writes if write.startswith("PUT")) == 1
    azure.clear_script()


def test_no_exported_secret_is_anywhere_but_in_its_secret(web: Web, azure: Azure, name: str, pod: Pod) -> None:
    """Keys are in no log, audit line, event, condition or annotation, not even of an export that fails over them."""
    operator = {
        "secrets": {"key1": {"name": "all", "key": "k"}},
        "secretExpressions": [{"name": "all", "key": "n", "value": "string(int(secret.key2))"}],
    }
    create(web, name, operator)
    said = web.wait_reason(ACCOUNTS, name, "FailedWritingAdditionalKubernetesObjects")
    web.patch(ACCOUNTS, name, {"spec": {"operatorSpec": {"secretExpressions": None}}})
    web.wait_ready(ACCOUNTS, name, 2)

    seen = repr((said, web.get(ACCOUNTS, name), web.admin.get(f"/api/v1/namespaces/{web.namespace}/events")))
    log: Path = pod.log
    assert find_canaries(log.read_bytes() + seen.encode(), keys(web, azure, name)) == []
    assert find_canaries(repr(web.get(SECRETS, "all")).encode(), keys(web, azure, name)) != []


def test_exports_go_with_their_object(web: Web, azure: Azure, name: str) -> None:
    """The cluster takes away what an object owned."""
    create(web, name, {"secrets": {"key1": {"name": "all", "key": "k"}}})
    web.wait_ready(ACCOUNTS, name)

    there = web.get(SECRETS, "all")
    web.admin.delete(web.path(ACCOUNTS, name))
    web.wait_gone(ACCOUNTS, name)
    web.wait_for("the Secret to be gone", lambda: web.get(SECRETS, "all") is None)

    assert there is not None
    assert web.get(SECRETS, "all") is None


def test_nothing_went_wrong_meanwhile(pod: Pod) -> None:
    """No pass failed as a whole in all these tests."""
    assert "a pass over" not in pod.log.read_text()
