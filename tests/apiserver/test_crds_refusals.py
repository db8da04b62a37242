"""Wrong manifests on a real API server: each is refused with a message that names the field, without any webhook."""

from __future__ import annotations

from typing import Any

import pytest

from engine.app.cli import main
from engine.crds.compare import holds
from engine.crds.policy import admission_policies
from tests.apiserver.api import Api
from tests.apiserver.plane import ControlPlane
from tests.verbs_desk import Object, account

pytestmark = pytest.mark.apiserver

STORED = "v20250601"
PATTERN = (
    "dbformysql.azure.com/User;storage.azure.com/StorageAccount;storage.azure.com/StorageAccountsBlobService;"
    "authorization.azure.com/*"
)
CLAIM = {"serviceoperator.azure.com/resource-id": "/subscriptions/s/resourceGroups/rg/providers/a/b/accountone"}
ID = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg"


@pytest.fixture(scope="module", autouse=True)
def kinds(plane: ControlPlane) -> None:
    """Install the definitions and the policy."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0


def test_policies_that_are_installed_need_nothing_more(admin: Api) -> None:
    """What the server adds to a policy is no difference: a start over them only reads."""
    plurals = {
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
    }
    paths = [f"/apis/{p['apiVersion']}/{plurals[p['kind']]}/{p['metadata']['name']}" for p in admission_policies()]

    assert [holds(admin.get(path), p) for path, p in zip(paths, admission_policies(), strict=True)] == [True] * 4


def path_of(item: Object, namespace: str) -> str:
    plural = {"StorageAccountsBlobService": "storageaccountsblobservices"}.get(item["kind"], "storageaccounts")
    return f"/apis/{item['apiVersion']}/namespaces/{namespace}/{plural}"


def refusal(admin: Api, namespace: str, item: Object) -> str:
    """Return why a manifest is refused when it is created as kubectl does."""
    item = {**item, "metadata": {**item["metadata"], "namespace": namespace}}
    status, body = admin.call("POST", f"{path_of(item, namespace)}?fieldValidation=Strict", item)
    assert status in (400, 422), body
    return str(body["message"])


def stored(item: Object) -> Object:
    """Return the manifest in the version that is stored."""
    return {**item, "apiVersion": f"storage.azure.com/{STORED}"}


def blob_service(**spec: Any) -> Object:
    return {
        "apiVersion": "storage.azure.com/v1api20230101",
        "kind": "StorageAccountsBlobService",
        "metadata": {"name": "service"},
        "spec": {"owner": {"name": "accountone"}, **spec},
    }


ENUM = account("accountone", "rg", kind="StorageV9")
NAME = account("accountone", "rg", azureName="Not Allowed")
SHORT = account("accountone", "rg", azureName="ab")
TYPE = account("accountone", "rg", isHnsEnabled="yes")
UNKNOWN = account("accountone", "rg", acessTier="Hot")
BARE = account("accountone", "rg")
LACKING = {**BARE, "spec": {k: v for k, v in BARE["spec"].items() if k != "sku"}}
BOTH = account(
    "accountone",
    "rg",
    identity={
        "type": "UserAssigned",
        "userAssignedIdentities": [{"reference": {"armId": ID, "group": "g", "kind": "K", "name": "n"}}],
    },
)
NEITHER = account("accountone", "rg", identity={"type": "UserAssigned", "userAssignedIdentities": [{"reference": {}}]})
NO_ID = account(
    "accountone",
    "rg",
    identity={"type": "UserAssigned", "userAssignedIdentities": [{"reference": {"armId": "no-id"}}]},
)
OWNERS = {**BARE, "spec": {**BARE["spec"], "owner": {"name": "rg", "armId": ID}}}
REFERENCE = "spec.identity.userAssignedIdentities[0].reference"


@pytest.mark.parametrize(
    ("item", "field", "says"),
    [
        pytest.param(ENUM, "spec.kind", 'Unsupported value: "StorageV9"', id="enum"),
        pytest.param(stored(ENUM), "spec.kind", 'Unsupported value: "StorageV9"', id="enum of the stored version"),
        pytest.param(NAME, "spec.azureName", "should match '^[a-z0-9]+$'", id="pattern"),
        pytest.param(stored(NAME), "spec.azureName", "should match '^[a-z0-9]+$'", id="pattern of the stored version"),
        pytest.param(SHORT, "spec.azureName", "should be at least 3 chars long", id="length"),
        pytest.param(LACKING, "spec.sku", "Required value", id="required"),
        pytest.param(TYPE, "spec.isHnsEnabled", 'must be of type boolean: "string"', id="type"),
        pytest.param(UNKNOWN, "spec.acessTier", "unknown field", id="unknown"),
        pytest.param(
            blob_service(deleteRetentionPolicy={"days": 0}),
            "spec.deleteRetentionPolicy.days",
            "should be greater than or equal to 1",
            id="minimum",
        ),
        pytest.param(
            blob_service(deleteRetentionPolicy={"days": 366}),
            "spec.deleteRetentionPolicy.days",
            "should be less than or equal to 365",
            id="maximum",
        ),
        pytest.param(BOTH, REFERENCE, "must not validate the schema (not)", id="reference with name and id"),
        pytest.param(NEITHER, REFERENCE, "Required value", id="reference to nothing"),
        pytest.param(NO_ID, f"{REFERENCE}.armId", "should match", id="reference by no id"),
        pytest.param(OWNERS, "spec.owner", "must not validate the schema (not)", id="owner with name and id"),
    ],
)
def test_a_wrong_manifest_is_refused(admin: Api, namespace: str, item: Object, field: str, says: str) -> None:
    """Every class of mistake is refused at once, with the place and what is wrong there."""
    message = refusal(admin, namespace, item)

    assert field in message
    assert says in message


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"azureName": "accounttwo"}, "updating 'spec.azureName' is not allowed"),
        ({"owner": {"name": "other"}}, "updating 'spec.owner.name' is not allowed"),
        ({"owner": None}, "spec.owner"),
        ({"owner": {"name": None, "armId": ID}}, "updating 'spec.owner.name' is not allowed"),
    ],
)
def test_name_and_owner_of_a_claimed_object_stay(admin: Api, namespace: str, change: dict[str, Any], says: str) -> None:
    """Once a resource exists, name and owner cannot change: each would be another resource."""
    item = account("accountone", "rg", azureName="accountone", annotations=CLAIM)
    item["metadata"]["namespace"] = namespace
    path = path_of(item, namespace)
    admin.create(path, item)

    status, body = admin.call("PATCH", f"{path}/accountone", {"spec": change}, content="application/merge-patch+json")

    assert (status, says in body["message"]) == (422, True), body


def test_an_object_that_is_not_claimed_may_change(admin: Api, namespace: str) -> None:
    """Before anything was sent, a wrong name can be put right; the default name may be written down at any time."""
    free = account("accountfree", "rg", azureName="accountfree")
    held = account("accountone", "rg", annotations=CLAIM)
    path = path_of(free, namespace)
    for item in (free, held):
        admin.create(path, {**item, "metadata": {**item["metadata"], "namespace": namespace}})

    renamed = admin.patch(f"{path}/accountfree", {"spec": {"azureName": "accounttwo"}})
    noted = admin.patch(f"{path}/accountone", {"spec": {"azureName": "accountone"}})

    assert [renamed["spec"]["azureName"], noted["spec"]["azureName"]] == ["accounttwo", "accountone"]


def test_users_of_databases_stay_who_they_are(admin: Api, namespace: str) -> None:
    """Once a user exists its name, owner, kind and alias are fixed; before that everything may change."""
    path = f"/apis/dbformysql.azure.com/v1/namespaces/{namespace}/users"
    admin.wait_for("the kind", lambda: admin.call("GET", path)[0] == 200)
    alias = {"alias": "one", "serverAdminUsername": "admin"}
    spec = {"owner": {"name": "db"}, "azureName": "ada", "aadUser": alias}
    kind = {"apiVersion": "dbformysql.azure.com/v1", "kind": "User"}
    admin.create(path, {**kind, "metadata": {"name": "ada", "namespace": namespace}, "spec": spec})
    admin.patch(f"{path}/ada", {"spec": {"azureName": "eve"}})
    admin.patch(f"{path}/ada", {"metadata": {"finalizers": ["serviceoperator.azure.com/finalizer"]}})
    local = {"serverAdminUsername": "admin", "password": {"name": "s", "key": "k"}}
    changes: tuple[Object, ...] = (
        {"azureName": "bob"},
        {"owner": {"name": "other"}},
        {"aadUser": None, "localUser": local},
        {"aadUser": {"alias": "two"}},
    )

    def refused(change: Object) -> str:
        status, body = admin.call("PATCH", f"{path}/ada", {"spec": change}, content="application/merge-patch+json")
        return str(body["message"]) if status == 422 else f"{status} {body}"

    admin.wait_for("the policy to hold", lambda: "is not allowed" in refused(changes[0]))
    said = [refused(change) for change in changes]

    wanted = ("spec.azureName'", "spec.owner.name'", "'spec.localUser' and 'spec.aadUser'", "spec.aadUser.alias'")
    assert all(w in text and "is not allowed for 'User ada'" in text for w, text in zip(wanted, said, strict=True)), (
        said
    )
    admin.patch(f"{path}/ada", {"spec": {"hostname": "10.0.0.1"}})
