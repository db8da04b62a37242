"""Users of database servers on a real API server, with real PostgreSQL and MariaDB behind the objects."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest

from engine.app.cli import main
from engine.model.account import DatabaseEngine
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import FINALIZER, GROUPS, OPERATOR, PREFIX, Pod, Web
from tests.apiserver.rights import chart_account
from tests.databases.servers import ADMIN_PASSWORD, DatabaseServer, make_keys, mariadb_server, postgresql_server
from tests.verbs_desk import Azure, Object, group, make_object

pytestmark = pytest.mark.apiserver

SERVICES = {DatabaseEngine.POSTGRESQL: "dbforpostgresql", DatabaseEngine.MYSQL: "dbformysql"}
VERSIONS = {DatabaseEngine.POSTGRESQL: "v1api20221201", DatabaseEngine.MYSQL: "v1api20231230"}
PATTERN = "resources.azure.com/*;" + ";".join(
    f"{service}.azure.com/{kind}" for service in SERVICES.values() for kind in ("FlexibleServer", "User")
)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[DatabaseEngine, DatabaseServer]]:
    """Return a running server of each kind."""
    keys = make_keys(tmp_path_factory.mktemp("keys"))
    with postgresql_server(keys) as postgresql, mariadb_server(keys) as mariadb:
        yield {DatabaseEngine.POSTGRESQL: postgresql, DatabaseEngine.MYSQL: mariadb}


@pytest.fixture(scope="module")
def pod(
    plane: ControlPlane,
    azure: Azure,
    databases: dict[DatabaseEngine, DatabaseServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pod]:
    """Return a pod that looks at everything twice a second, and trusts the authority of both servers."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
    folder = tmp_path_factory.mktemp("pod")
    trusted = databases[DatabaseEngine.POSTGRESQL].ca
    plane.admin.call("POST", "/api/v1/namespaces", {"metadata": {"name": OPERATOR}})
    who = chart_account(plane, OPERATOR, "users")
    environment = {"SSL_CERT_FILE": str(trusted)}
    options = ("--observe-period", "0.5")
    with Pod(plane, azure, plane.kubeconfig(who), folder / "log", environment, options) as running:
        yield running


@pytest.fixture(scope="module")
def web(plane: ControlPlane, azure: Azure, databases: dict[DatabaseEngine, DatabaseServer], pod: Pod) -> Web:
    """Return a namespace with both servers, Ready, whose names lead to the real ones."""
    found = Web(plane.admin, azure, "database-users")
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": found.namespace}})
    connection = azure.connection
    keys = {f"AZURE_{name.upper()}_ID": getattr(connection, name) for name in ("subscription", "tenant", "client")}
    put_secret(found, "aso-credential", {**keys, "AZURE_CLIENT_SECRET": connection.secret})
    put_secret(found, "admin", {"password": ADMIN_PASSWORD})
    found.create(GROUPS, group("databases-rg"))
    found.wait_ready(GROUPS, "databases-rg")
    for engine, server in databases.items():
        found.create(servers(engine), flexible_server(engine))
        found.wait_ready(servers(engine), "main")
        resource = found.get(servers(engine), "main")["metadata"]["annotations"][PREFIX + "resource-id"]
        api = {DatabaseEngine.POSTGRESQL: "2022-12-01", DatabaseEngine.MYSQL: "2023-12-30"}[engine]
        properties = azure.get(resource, api=api)["properties"]
        address = f"127.0.0.1:{server.port}"
        azure.rewrite(resource, api=api, properties={**properties, "fullyQualifiedDomainName": address})
        found.wait_for("the server's name", lambda: address in str(found.get(servers(engine), "main")["status"]))  # noqa: B023
    return found


def servers(engine: DatabaseEngine) -> str:
    return f"/apis/{SERVICES[engine]}.azure.com/{VERSIONS[engine]}/namespaces/{{}}/flexibleservers"


def users(engine: DatabaseEngine) -> str:
    return f"/apis/{SERVICES[engine]}.azure.com/v1/namespaces/{{}}/users"


def flexible_server(engine: DatabaseEngine) -> Object:
    spec = {
        "owner": {"name": "databases-rg"},
        "location": "westeurope",
        "version": "14" if engine is DatabaseEngine.POSTGRESQL else "8.0.21",
        "sku": {"name": "Standard_D4ds_v4", "tier": "GeneralPurpose"},
        "administratorLogin": "boss",
        "administratorLoginPassword": {"name": "admin", "key": "password"},
        "storage": {"storageSizeGB": 128},
    }
    return make_object("FlexibleServer", f"{SERVICES[engine]}/{VERSIONS[engine]}", "main", spec)


def put_secret(web: Web, name: str, data: dict[str, str]) -> None:
    """Make a Secret, or give it other contents."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    path = f"/api/v1/namespaces/{web.namespace}/secrets"
    status, _ = web.admin.call("POST", path, {"metadata": {"name": name}, "data": encoded})
    if status == 409:
        web.admin.patch(f"{path}/{name}", {"data": encoded})


@pytest.fixture(params=list(SERVICES), ids=["postgresql", "mysql"])
def engine(request: pytest.FixtureRequest) -> DatabaseEngine:
    found: DatabaseEngine = request.param
    return found


@pytest.fixture
def server(databases: dict[DatabaseEngine, DatabaseServer], engine: DatabaseEngine) -> DatabaseServer:
    return databases[engine]


def user(engine: DatabaseEngine, password: str, **spec: Any) -> Object:
    """Return a user whose password is in a Secret of its own name."""
    name = f"user{next(_NUMBERS)}"
    local = {
        "serverAdminUsername": "boss",
        "serverAdminPassword": {"name": "admin", "key": "password"},
        "password": {"name": password, "key": "password"},
    }
    body = {"owner": {"name": "main"}, "localUser": local, **spec}
    return make_object("User", f"{SERVICES[engine]}/v1", name, body)


def ask(server: DatabaseServer, query: str, *, user: str = "boss", password: str = ADMIN_PASSWORD) -> list[Any]:
    """Return what a session of its own sees."""
    if server.engine is DatabaseEngine.POSTGRESQL:
        with psycopg.connect(
            host="127.0.0.1", port=server.port, user=user, password=password, dbname="postgres", autocommit=True
        ) as connection:
            cursor = connection.execute(query.encode())
            return cursor.fetchall() if cursor.description else []
    session = pymysql.connect(host="127.0.0.1", port=server.port, user=user, password=password, autocommit=True)
    with session, session.cursor() as rows:
        rows.execute(query)
        return list(rows.fetchall())


def can_log_in(server: DatabaseServer, name: str, password: str) -> bool:
    try:
        ask(server, "SELECT 1", user=name, password=password)
    except (psycopg.OperationalError, pymysql.OperationalError):
        return False
    return True


def rights_of(server: DatabaseServer, name: str) -> set[str]:
    if server.engine is DatabaseEngine.POSTGRESQL:
        query = (
            "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
            f"JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = '{name}'"
        )
    else:
        query = (
            "SELECT privilege_type FROM information_schema.schema_privileges "
            f"WHERE table_schema = 'shop' AND grantee = '\\'{name}\\'@\\'%\\''"
        )
    return {str(row[0]) for row in ask(server, query)}


def rights_in_spec(engine: DatabaseEngine, *names: str) -> Object:
    if engine is DatabaseEngine.POSTGRESQL:
        return {"roles": list(names)}
    return {"databasePrivileges": {"shop": list(names)}}


RIGHTS = {
    DatabaseEngine.POSTGRESQL: ("pg_monitor", "pg_read_all_data", "pg_signal_backend"),
    DatabaseEngine.MYSQL: ("SELECT", "INSERT", "CREATE VIEW"),
}


def test_a_user_lives(web: Web, engine: DatabaseEngine, server: DatabaseServer, pod: Pod) -> None:
    """Created with its rights, claimed as ASO claims, rotated, edited, put right, and dropped with its object."""
    one, two, three = RIGHTS[engine]
    item = user(engine, "life", **rights_in_spec(engine, one, two))
    name = item["metadata"]["name"]
    put_secret(web, "life", {"password": "first-pass"})
    web.create(users(engine), item)

    found = web.wait_ready(users(engine), name)
    owner = web.get(servers(engine), "main")["metadata"]
    assert can_log_in(server, name, "first-pass")
    assert rights_of(server, name) == {one, two}
    assert found["metadata"]["finalizers"] == [FINALIZER]
    assert found["metadata"]["annotations"][PREFIX + "operator-namespace"] == OPERATOR
    assert PREFIX + "resource-id" not in found["metadata"]["annotations"]
    assert [r["uid"] for r in found["metadata"]["ownerReferences"]] == [owner["uid"]]

    put_secret(web, "life", {"password": "second-pass"})
    web.wait_for("the new password", lambda: can_log_in(server, name, "second-pass"))
    assert not can_log_in(server, name, "first-pass")

    web.patch(users(engine), name, {"spec": rights_in_spec(engine, two, three)})
    web.wait_ready(users(engine), name, 2)
    assert rights_of(server, name) == {two, three}

    scope, word = ("", "FROM") if engine is DatabaseEngine.POSTGRESQL else ("ON shop.*", "FROM")
    ask(server, f"REVOKE {two} {scope} {word} {name}")
    web.patch(users(engine), name, {"metadata": {"annotations": {"trueup.dev/reconcile-at": "now"}}})
    web.wait_for("the right to be back", lambda: rights_of(server, name) == {two, three})

    log = pod.log.read_text()
    for secret in ("first-pass", "second-pass", ADMIN_PASSWORD):
        assert secret not in log
        assert secret not in str([web.get(users(engine), name), web.events(name, "User")])

    web.admin.delete(web.path(users(engine), name))
    web.wait_gone(users(engine), name)
    assert not can_log_in(server, name, "second-pass")


def test_what_is_missing_is_told(web: Web, engine: DatabaseEngine, server: DatabaseServer) -> None:
    """Without its owner, then without its Secret, a user waits in ASO's words, unclaimed; then it goes on by itself."""
    put_secret(web, "orphan", {"password": "pass-x1"})
    lost = user(engine, "orphan", owner={"name": "nobody"})
    poor = user(engine, f"missing-{engine.name.lower()}")
    for item in (lost, poor):
        web.create(users(engine), item)

    waits = web.wait_reason(users(engine), lost["metadata"]["name"], "WaitingForOwner")
    lacks = web.wait_reason(users(engine), poor["metadata"]["name"], "SecretNotFound")
    put_secret(web, f"missing-{engine.name.lower()}", {"password": "pass-x2"})
    web.wait_ready(users(engine), poor["metadata"]["name"])

    kind = f"{SERVICES[engine]}.azure.com/FlexibleServer"
    assert waits["message"].startswith(f'Owner "nobody, Group/Kind: {kind}" cannot be found.')
    assert lacks["severity"] == "Warning"
    assert "finalizers" not in web.get(users(engine), lost["metadata"]["name"])["metadata"]


def test_skip_only_looks(web: Web, engine: DatabaseEngine, server: DatabaseServer) -> None:
    """Under skip no user is made; one that is there is Ready as it is, and outlives its object."""
    put_secret(web, "skip", {"password": "pass-x3"})
    item = user(engine, "skip")
    name = item["metadata"]["name"]
    item["metadata"]["annotations"] = {PREFIX + "reconcile-policy": "skip"}
    web.create(users(engine), item)
    web.wait_reason(users(engine), name, "AzureResourceNotFound")
    option = "WITH PASSWORD" if engine is DatabaseEngine.POSTGRESQL else "IDENTIFIED BY"
    ask(server, f"CREATE USER {name} {option} 'their-pass'")

    web.wait_ready(users(engine), name)
    web.admin.delete(web.path(users(engine), name))
    web.wait_gone(users(engine), name)

    assert can_log_in(server, name, "their-pass")


def test_a_refusal_is_told(web: Web, engine: DatabaseEngine, server: DatabaseServer) -> None:
    """What the server refuses is a warning with its own words, and an event; no password is in either."""
    put_secret(web, "refused", {"password": "pass-x4"})
    right = "no-such-role" if engine is DatabaseEngine.POSTGRESQL else "NO SUCH PRIVILEGE"
    item = user(engine, "refused", **rights_in_spec(engine, right))
    name = item["metadata"]["name"]

    web.create(users(engine), item)
    said = web.wait_reason(users(engine), name, "Failed")

    assert "refused a change" in said["message"]
    assert "CreateOrUpdateActionError" in [reason for reason, _ in web.events(name, "User")]
    assert "pass-x4" not in str([said, web.events(name, "User")])


def test_without_its_server_a_user_is_gone(web: Web, azure: Azure) -> None:
    """Once the server's object is away nothing is left to drop, and the user's object goes."""
    engine = DatabaseEngine.POSTGRESQL
    put_secret(web, "late", {"password": "pass-x5"})
    item = user(engine, "late")
    web.create(users(engine), item)
    web.wait_ready(users(engine), item["metadata"]["name"])

    web.admin.delete(web.path(servers(engine), "main"))
    web.wait_gone(servers(engine), "main")
    web.wait_gone(users(engine), item["metadata"]["name"])

    assert "DeleteActionError" not in [reason for reason, _ in web.events(item["metadata"]["name"], "User")]


def test_nothing_went_wrong_meanwhile(pod: Pod) -> None:
    """No pass failed as a whole."""
    path: Path = pod.log

    assert "a pass over" not in path.read_text()
