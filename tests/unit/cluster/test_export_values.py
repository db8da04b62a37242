"""Exports as values: destinations, collisions, types of expressions, what is read from answers."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from engine.cluster.exported_values import Known, build_targets, check_destinations
from engine.cluster.exports import read_destinations, wanted_secrets
from engine.cluster.key_answers import call_path, read_answer, read_value
from engine.errors import EngineError, InvalidSpecError, NotReadyError
from engine.model.document import Document, canonical
from engine.model.ids import ArmId, ResourceKey
from engine.model.state import CustomResource
from providers.cel.engine import CelCompiler
from schemas.behaviours import lookup_behaviour, lookup_kind_behaviour
from schemas.kinds import lookup_kind

COMPILER = CelCompiler()
ID = ArmId("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/app")
STATUS = {"id": ID.text, "primaryEndpoints": {"blob": "https://app.blob"}}
KEYS = {"listKeys": {"keys": [{"keyName": "key1", "value": "one"}, {"keyName": "key2", "value": "two"}]}}
KIND = lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
BEHAVIOUR = lookup_kind_behaviour("storage.azure.com", "StorageAccount")
SPEC = {"location": "westeurope", "tags": {"app": "shop"}, "sku": {"name": "Standard_LRS"}}
TO = {"name": "keys", "key": "k"}


def known(status: dict[str, Any] = STATUS) -> Known:
    assert KIND is not None
    key = ResourceKey(namespace="default", group=KIND.group, kind=KIND.name, name="app", version=KIND.version)
    resource = CustomResource(key=key, spec=Document(canonical(SPEC)), annotations={"team": "web"}, uid="u")
    return Known(resource=resource, kind=KIND, behaviour=BEHAVIOUR, id=ID, status=status, answers=KEYS)


def targets(operator: dict[str, Any], status: dict[str, Any] = STATUS) -> dict[str, dict[str, str]]:
    made = build_targets(read_destinations(operator, BEHAVIOUR), known(status), COMPILER)
    return {f"{t.kind}/{t.name}": dict(t.data) for t in made}


def problems(operator: dict[str, Any]) -> tuple[str, ...]:
    assert KIND is not None
    return check_destinations(read_destinations(operator, BEHAVIOUR), KIND, BEHAVIOUR, COMPILER)


def test_values_come_from_status_answers_and_expressions() -> None:
    """One object fills several keys of one Secret, and a ConfigMap beside it."""
    operator = {
        "secrets": {"key1": {"name": "all", "key": "first"}, "blobEndpoint": {"name": "all", "key": "blob"}},
        "configMaps": {"blobEndpoint": {"name": "open", "key": "blob"}},
        "configMapExpressions": [{"name": "open", "value": "self.metadata.annotations"}],
        "secretExpressions": [{"name": "all", "key": "both", "value": 'secret.key1 + ":" + secret["key2"]'}],
    }

    assert problems(operator) == ()
    assert targets(operator) == {
        "Secret/all": {"first": "one", "blob": "https://app.blob", "both": "one:two"},
        "ConfigMap/open": {"blob": "https://app.blob", "team": "web"},
    }


def test_only_the_secrets_that_are_needed_are_asked_for() -> None:
    """Names, and what expressions read, in annotations too; expressions of config maps read none."""
    operator = {
        "secrets": {"blobEndpoint": TO},
        "secretExpressions": [{"name": "b", "key": "k", "value": "'x'", "annotations": {"a": "secret.key2"}}],
        "configMapExpressions": [{"name": "c", "key": "k", "value": "self.metadata.name"}],
    }

    assert wanted_secrets(read_destinations(operator, BEHAVIOUR), BEHAVIOUR) == {"blobEndpoint", "key2"}


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ({"secrets": {"key1": TO, "key2": TO}}, "cannot write more than one secret to destination Name: keys, Key: k"),
        (
            {"secrets": {"key1": TO}, "secretExpressions": [{**TO, "value": "'x'"}]},
            "cannot write more than one secret to destination",
        ),
        (
            {"configMaps": {"blobEndpoint": TO, "webEndpoint": TO}},
            "cannot write more than one configmap value to destination",
        ),
        (
            {
                "secrets": {
                    "key1": {**TO, "annotations": {"a": "b"}},
                    "key2": {"name": "keys", "key": "l", "annotations": {"a": "b"}},
                }
            },
            'collision for annotation on secret "keys": key "a" is set by multiple destinations',
        ),
    ],
)
def test_destinations_in_each_others_way_are_told(operator: dict[str, Any], says: str) -> None:
    """Two values for one key, and one annotation set twice, are wrong whatever the values are."""
    (found,) = problems(operator)

    assert found.startswith(says)


@pytest.mark.parametrize(
    ("value", "more", "says"),
    [
        ("self.spec.networkAcls", {"key": "k"}, "must return one of [string,map(string, string)], but was map("),
        ("self.status.failoverInProgress", {"key": "k"}, "but was bool"),
        ("7", {"key": "k"}, "expression must return one of [string,map(string, string)], but was int"),
        ("{'a': 1}", {}, "but was map(string, int)"),
        ("self.spec.location", {}, "CEL expression with output type string must specify destination 'key'"),
        ("self.spec.tags", {"key": "k"}, "CEL expression with output type map[string]string must not specify"),
        ("self.spec.locaton", {"key": "k"}, "undefined field 'locaton'"),
        ("self.spec.location.x", {"key": "k"}, "type does not support field selection"),
        ("secret.key3", {"key": "k"}, "there is no secret.key3"),
        ("'a' + ", {"key": "k"}, "Syntax error"),
        ("'a'", {"key": "k", "labels": {"l": "1"}}, 'expression for key "l" must return a string, got int'),
    ],
)
def test_expressions_that_do_not_fit_are_told_before_there_is_a_value(value: str, more: Any, says: str) -> None:
    """Types of results are found on an object of the kind with every member set."""
    (found,) = problems({"secretExpressions": [{"name": "keys", "value": value, **more}]})

    assert says in found


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("''", "unexpected expression output"),
        ("{'a': 'b'}.transformMap(k, v, false, v)", "unexpected"),
        ("self.status.sku.name", "no such key: sku"),
    ],
)
def test_results_that_are_empty_or_missing_are_errors(value: str, says: str) -> None:
    """A value that is not there is never written as an empty one."""
    key = {} if value.startswith("{") else {"key": "k"}

    with pytest.raises(InvalidSpecError, match=says) as caught:
        targets({"configMapExpressions": [{"name": "c", "value": value, **key}]})

    assert str(caught.value).startswith("failed to parse configmap expressions for export")


def test_a_secret_that_is_not_there_is_waited_for() -> None:
    """A missing value of a Secret is an error that time may cure; in a ConfigMap the key is left out."""
    with pytest.raises(NotReadyError, match="could not find secret to save to 'keys/k'"):
        targets({"secrets": {"blobEndpoint": TO}}, status={})

    assert targets({"configMaps": {"blobEndpoint": TO}}, status={}) == {}


def test_maps_that_meet_in_one_target_must_not_share_keys() -> None:
    """Keys that only the evaluation knows collide in ASO's words."""
    operator = {"configMapExpressions": [{"name": "c", "value": "{'a': 'b'}"}, {"name": "c", "value": "{'a': 'c'}"}]}

    with pytest.raises(EngineError, match="key collision, entry exists for key 'a' in Data"):
        targets(operator)


def test_answers_are_read_at_their_places() -> None:
    """Members, positions, filters with alternatives; the last match where that is what counts."""
    answer = {"value": [{"name": None, "key": "a"}, {"name": "default", "key": "b"}, {"name": "x", "key": "c"}]}

    assert read_answer(answer, "value[name=null or name='default'].key (last match wins)") == "b"
    assert read_answer(answer, "value[name='x'].key") == "c"
    assert read_answer(answer, "value[0].key") == "a"
    assert read_answer(answer, "value[7].key") is None


def test_every_key_of_every_kind_has_a_place() -> None:
    """No row is left without an answer, a status path or the id to read from, and every call is there."""
    from schemas import behaviours

    rows = [b for name in behaviours._table()["types"] if (b := lookup_behaviour(name)) is not None]
    keys = [(row, key) for row in rows for key in (*row.secrets, *row.config_maps)]

    assert len(keys) > 140
    for row, key in keys:
        assert key.source or key.status or (key.action in row.calls and key.response), f"{row.arm_type} {key.name}"
        if key.source:
            assert read_value(key, ID, {}, {}) == "s"


def test_a_kubeconfig_is_decoded_and_a_path_is_filled() -> None:
    """What Azure sends in base64 arrives as text; calls go below the id or to where the status points."""
    fleet = lookup_behaviour("microsoft.containerservice/fleets")
    endpoint = lookup_behaviour("microsoft.network/privateendpoints")
    assert fleet is not None
    assert endpoint is not None
    answer = {"kubeconfigs": [{"name": "user", "value": base64.b64encode(b"kind: Config").decode()}]}

    assert read_value(fleet.secrets[0], ID, {}, {"listCredentials": answer}) == "kind: Config"
    assert call_path(fleet.calls["listCredentials"], ID, {}) == f"{ID.text}/listCredentials"
    assert call_path(endpoint.calls["nic"], ID, {"networkInterfaces": [{"id": "/nic"}]}) == "/nic"
    assert call_path(endpoint.calls["nic"], ID, {}) is None
