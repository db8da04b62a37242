"""What has to be fetched before bodies can be built."""

from __future__ import annotations

from engine.desired.inputs import WantedInputs
from engine.desired.wanted import wanted_inputs
from tests.manifest_cases import ACCOUNT, GROUP, read_resources
from tests.unit.desired.test_convert import ROLE, SERVER

REGISTRY = """
apiVersion: app.azure.com/v1api20240301
kind: ContainerApp
metadata: {name: app, namespace: web}
spec:
  location: westeurope
  owner: {name: rg}
  configuration:
    registries: [{identityReference: {wellKnownName: system}}]
    secrets: [{name: a, value: {name: one, key: k}}, {name: b, value: {name: two, key: k}}]
"""


def test_nothing_is_wanted_by_most_objects() -> None:
    """Objects without references to inputs want nothing."""
    assert wanted_inputs(read_resources(GROUP, ACCOUNT)) == WantedInputs()


def test_secrets_config_maps_and_roles() -> None:
    """Secrets, config maps and roles are found at any depth, in the object's namespace."""
    wanted = wanted_inputs(read_resources(SERVER, ROLE, REGISTRY))

    assert wanted == WantedInputs(
        secrets=frozenset({("default", "pg-admin"), ("web", "one"), ("web", "two")}),
        config_maps=frozenset({("default", "app")}),
        role_names=frozenset({"Reader"}),
    )


def test_broken_specs_want_nothing() -> None:
    """A spec of the wrong shape is not what this looks for."""
    broken = SERVER.replace("{name: pg-admin, key: password}", "[1]")

    assert wanted_inputs(read_resources(broken)) == WantedInputs()


def test_names_from_config_maps_are_wanted() -> None:
    """A name that comes from a config map has to be fetched like a value."""
    admin = """
    apiVersion: dbforpostgresql.azure.com/v20250801
    kind: FlexibleServersAdministrator
    metadata: {name: admin}
    spec: {azureNameFromConfig: {name: names, key: k}, owner: {name: pg}}
    """

    assert wanted_inputs(read_resources(admin)).config_maps == {("default", "names")}
