"""Users of SQL Server on a real API server: the database that owns them, its server, and a stand-in behind both."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from engine.app.cli import main
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS, OPERATOR, PREFIX, Pod, Web
from tests.apiserver.rights import chart_account
from tests.databases.servers import make_keys
from tests.databases.tds_server import ADMIN, ADMIN_PASSWORD, StandIn, stand_in
from tests.verbs_desk import Azure, Object, group, make_object

pytestmark = pytest.mark.apiserver

VERSION, API = "v20211101", "2021-11-01"
BASE = "/apis/sql.azure.com"
SERVERS = f"{BASE}/{VERSION}/namespaces/{{}}/servers"
DATABASES = f"{BASE}/{VERSION}/namespaces/{{}}/serversdatabases"
USERS = f"{BASE}/v1/namespaces/{{}}/users"
PATTERN = "resources.azure.com/*;sql.azure.com/Server;sql.azure.com/ServersDatabase;sql.azure.com/User"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with stand_in(make_keys(tmp_path_factory.mktemp("keys"))) as running:
        yield running


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, server: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything twice a second, and trusts the server's authority."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
    plane.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": OPERATOR}})
    who = chart_account(plane, OPERATOR, "sql-users")
    log = tmp_path_factory.mktemp("pod") / "log"
    environment = {"SSL_CERT_FILE": str(server.ca)}
    with Pod(plane, azure, plane.kubeconfig(who), log, environment, ("--observe-period", "0.5")) as running:
        yield running


@pytest.fixture(scope="module")
def web(plane: ControlPlane, azure: Azure, server: StandIn, pod: Pod) -> Web:
    """Return a namespace with a server, Ready, whose name leads to the stand-in, and a database on it."""
    found = Web(plane.admin, azure, "sql-users")
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": found.namespace}})
    connection = azure.connection
    keys = {f"AZURE_{name.upper()}_ID": getattr(connection, name) for name in ("subscription", "tenant", "client")}
    put_secret(found, "aso-credential", {**keys, "AZURE_CLIENT_SECRET": connection.secret})
    put_secret(found, "admin", {"password": ADMIN_PASSWORD})
    password = {"name": "admin", "key": "password"}
    spec = {"location": "westeurope", "administratorLogin": ADMIN, "administratorLoginPassword": password}
    found.create(GROUPS, group("sql-rg"))
    found.create(SERVERS, made("Server", VERSION, "main", owner="sql-rg", **spec))
    found.wait_ready(SERVERS, "main")
    resource = found.get(SERVERS, "main")["metadata"]["annotations"][PREFIX + "resource-id"]
    properties = azure.get(resource, api=API)["properties"]
    address = f"127.0.0.1:{server.port}"
    azure.rewrite(resource, api=API, properties={**properties, "fullyQualifiedDomainName": address})
    found.wait_for("the server's name", lambda: address in str(found.get(SERVERS, "main")["status"]))
    return found


def made(kind: str, version: str, name: str, *, owner: str, **spec: object) -> Object:
    return make_object(kind, f"sql/{version}", name, {"owner": {"name": owner}, **spec})


def put_secret(web: Web, name: str, data: dict[str, str]) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    web.admin.create(f"/api/v1/namespaces/{web.namespace}/secrets", {"metadata": {"name": name}, "data": encoded})


def test_a_user_lives_in_its_database(web: Web, server: StandIn, pod: Pod) -> None:
    """It waits for its database, is made there with its roles, follows edits, and goes with its object."""
    put_secret(web, "clerk", {"password": "first-pass"})
    local = {
        "serverAdminUsername": ADMIN,
        "serverAdminPassword": {"name": "admin", "key": "password"},
        "password": {"name": "clerk", "key": "password"},
    }
    user = made("User", "v1", "clerk", owner="data", localUser=local, roles=["DB_DataReader"])
    web.create(USERS, user)
    waits = web.wait_reason(USERS, "clerk", "WaitingForOwner")

    web.create(DATABASES, made("ServersDatabase", VERSION, "data", owner="main", azureName="shop", location="x"))
    web.wait_ready(USERS, "clerk")
    roles = {role for role, members in server.database.roles.items() if "clerk" in members}
    web.patch(USERS, "clerk", {"spec": {"roles": ["db_datawriter"]}})
    web.wait_ready(USERS, "clerk", 2)
    edited = {role for role, members in server.database.roles.items() if "clerk" in members}
    password = server.database.users["clerk"]
    web.admin.delete(web.path(USERS, "clerk"))
    web.wait_gone(USERS, "clerk")

    assert waits["message"].startswith('Owner "data, Group/Kind: sql.azure.com/ServersDatabase" cannot be found.')
    assert (roles, edited, password) == ({"db_datareader"}, {"db_datawriter"}, "first-pass")
    assert server.database.users == {}
    assert {login["database"] for login in server.logins} == {"shop"}
    assert all(secret not in pod.log.read_text() for secret in ("first-pass", ADMIN_PASSWORD))
    assert [s for s in server.database.statements if "clerk" in s] == [
        "CREATE USER [clerk] WITH PASSWORD = N'first-pass'",
        "ALTER ROLE [DB_DataReader] ADD MEMBER [clerk]",
        "ALTER ROLE [db_datawriter] ADD MEMBER [clerk]",
        "ALTER ROLE [db_datareader] DROP MEMBER [clerk]",
        "DROP USER IF EXISTS [clerk]",
    ]
