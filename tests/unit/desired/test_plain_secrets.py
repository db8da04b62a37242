"""Secrets that a manifest writes in plain: wrapped before anything can print or store them."""

from __future__ import annotations

import pytest

from engine.desired.check import Report
from engine.desired.sensitive import hide_plain_secrets, plain_secret_places
from engine.model.document import Secret, encode_public, encode_wire
from schemas.kind_types import Kind, ListType, MapType, Member, ObjectType, Scalar, Scope, TypeExpr
from schemas.kinds import lookup_kind
from schemas.secret_names import is_secret_name
from tests.manifest_cases import GROUP, build_one

CANARY = "plain-canary-4711"
CONTAINERS = f"""
apiVersion: containerinstance.azure.com/v1api20211001
kind: ContainerGroup
metadata: {{name: cg}}
spec:
  owner: {{name: rg}}
  location: westeurope
  osType: Linux
  containers:
    - name: web
      image: nginx
      resources: {{requests: {{cpu: 1, memoryInGB: 1}}}}
  volumes:
    - name: files
      azureFile: {{shareName: share, storageAccountName: acct, storageAccountKey: {CANARY}}}
"""
SITE = f"""
apiVersion: web.azure.com/v1api20220301
kind: Site
metadata: {{name: site}}
spec:
  owner: {{name: rg}}
  location: westeurope
  siteConfig:
    linuxFxVersion: PYTHON|3.12
    connectionStrings:
      - {{name: db, connectionString: "Server=db;Password={CANARY}", type: SQLAzure}}
"""


@pytest.mark.parametrize("manifest", [CONTAINERS, SITE], ids=["account key", "connection string"])
def test_a_plain_secret_is_sent_but_not_shown(manifest: str) -> None:
    """A member whose name says secret travels with its value and prints without."""
    state = build_one(GROUP, manifest)

    assert CANARY in encode_wire(state.body).decode()
    assert CANARY not in encode_public(state.body).decode() + repr(state)


def test_values_beside_a_plain_secret_stay_readable() -> None:
    """What stands beside a secret is shown as it is."""
    site = build_one(GROUP, SITE).body["properties"]["siteConfig"]

    assert site["linuxFxVersion"] == "PYTHON|3.12"
    assert site["connectionStrings"][0]["name"] == "db"


def test_a_misfit_at_a_secret_does_not_repeat_it() -> None:
    """A message about a value that does not fit leaves a secret out."""
    report = Report(path=("spec", "passwords", 0))

    assert CANARY not in report.shown(CANARY)
    assert CANARY in Report(path=("spec", "name")).shown(CANARY)


def _kind(place: tuple[str, ...], expr: TypeExpr) -> Kind:
    """Return a kind of clusters with one member."""
    return Kind(
        group="x.azure.com",
        version="v1",
        name="X",
        arm_type="Microsoft.HDInsight/clusters",
        api_version="2025-01-15-preview",
        owner=None,
        scope=Scope.RESOURCE_GROUP,
        fixed_name="",
        operations=frozenset(),
        plural="",
        categories=(),
        is_hub=False,
        hooks=(),
        config_map_exports={},
        resolve=lambda _: ObjectType(members={"m": Member("m", place, lambda: expr)}),
    )


def test_a_mark_on_an_object_covers_everything_below() -> None:
    """Below an object that the type definition calls secret every text is one, at any depth; no input is changed."""
    place = ("properties", "computeProfile", "roles")
    body = {"properties": {"computeProfile": {"roles": [{"scriptActions": [{"a": [{"b": CANARY, "n": 1, "e": ""}]}]}]}}}
    item = ObjectType(members={"s": Member("s", ("scriptActions",), lambda: ListType(Scalar.ANY))})

    hidden = hide_plain_secrets(_kind(place, ListType(item)), body)

    assert CANARY not in encode_public(hidden).decode()
    assert encode_wire(hidden) == encode_wire(body)
    assert CANARY in encode_public(body).decode()


def test_values_of_a_map_are_hidden_by_the_name_of_the_member() -> None:
    """A place in a map holds for every key."""
    expr = MapType(ObjectType(members={"p": Member("p", ("password",), lambda: Scalar.TEXT)}))

    hidden = hide_plain_secrets(_kind(("tags",), expr), {"tags": {"x": {"password": CANARY, "user": "me"}}})

    assert isinstance(hidden["tags"]["x"]["password"], Secret)
    assert hidden["tags"]["x"]["user"] == "me"


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("administratorLoginPassword", True),
        ("storageAccountKey", True),
        ("connectionString", True),
        ("sasToken", True),
        ("primaryKey", True),
        ("passwordSecretRef", False),
        ("keyVaultSecretId", False),
        ("connectionStringName", False),
        ("disablePasswordAuthentication", False),
        ("publicSigningKey", False),
        ("tokenEndpoint", False),
        ("key", False),
        ("licenseType", False),
    ],
)
def test_names_of_secrets(name: str, is_secret: bool) -> None:
    """A name that ends in a word for a secret is one; a name of where a secret is kept is none."""
    assert is_secret_name(name) is is_secret


def test_most_kinds_have_no_plain_secret() -> None:
    """A kind that takes its secrets by reference has no such place and costs nothing."""
    kind = lookup_kind("dbforpostgresql.azure.com", "v1api20221201", "FlexibleServer")
    assert kind is not None

    assert plain_secret_places(kind) == frozenset()
