"""Documents as objects."""

from __future__ import annotations

import base64

import pytest

from tests.manifest_cases import ACCOUNT, GROUP, read_manifests

SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: "
CONFIG_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: "


def test_resources_know_where_they_are() -> None:
    """Every object has its key, metadata and the line it begins at."""
    manifests = read_manifests(
        GROUP,
        """
        apiVersion: resources.azure.com/v1api20200601
        kind: ResourceGroup
        metadata:
          {name: b, namespace: ns, generation: 3, uid: u, resourceVersion: "9", labels: {a: b},
           deletionTimestamp: 2026-01-01T00:00:00Z, annotations: {c: d}}
        spec: {location: x}
        status: {id: /s}
        """,
    )

    first, second = manifests.resources
    assert (str(first.key), first.origin, first.generation) == ("default/ResourceGroup/rg", "t.yaml:1", 0)
    assert (str(second.key), second.origin, second.generation) == ("ns/ResourceGroup/b", "t.yaml:6", 3)
    assert (second.uid, second.resource_version, second.deleting) == ("u", "9", True)
    assert (second.labels, second.annotations) == ({"a": "b"}, {"c": "d"})
    assert second.status is not None
    assert second.status.value == {"id": "/s"}


def test_lists_of_kubectl() -> None:
    """The items of a List are objects of their own, each with its line."""
    manifests = read_manifests(
        """
        apiVersion: v1
        kind: List
        items:
        - apiVersion: resources.azure.com/v1api20200601
          kind: ResourceGroup
          metadata: {name: a}
        - apiVersion: apps/v1
          kind: Deployment
          metadata: {name: b}
        - apiVersion: resources.azure.com/v1api20200601
          kind: ResourceGroup
          metadata: {name: c}
        """
    )

    assert [(r.key.name, r.origin) for r in manifests.resources] == [("a", "t.yaml:4"), ("c", "t.yaml:10")]
    assert manifests.resources[0].spec.value == {}


def test_lists_of_one_kind() -> None:
    """The API's list of one kind names version and kind once."""
    manifests = read_manifests(
        """
        apiVersion: resources.azure.com/v1api20200601
        kind: ResourceGroupList
        items: [{metadata: {name: a}}]
        """
    )

    assert [r.key.kind for r in manifests.resources] == ["ResourceGroup"]


def test_secrets_config_maps_and_namespaces() -> None:
    """Secrets are decoded, plain values win, bytes that are no text are left out; namespaces keep annotations."""
    encoded = base64.b64encode(b"hunter2").decode()
    manifests = read_manifests(
        f"""
        apiVersion: v1
        kind: Secret
        metadata: {{name: s}}
        data: {{a: {encoded}, b: /w==, c: {encoded}}}
        stringData: {{c: plain}}
        """,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {k: v}, binaryData: {x: AA==}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: ns, annotations: {a: b}}}",
    )

    secret = manifests.secrets["default", "s"]
    assert {key: value.reveal() for key, value in secret.items()} == {"a": "hunter2", "c": "plain"}
    assert manifests.config_maps == {("default", "c"): {"k": "v"}}
    assert manifests.namespaces == {"ns": {"a": "b"}}
    assert not manifests.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{a: 1}", "not a Kubernetes object: 'apiVersion' or 'kind' is missing"),
        ("{kind: ResourceGroup, metadata: {name: x}}", "not a Kubernetes object: 'apiVersion' or 'kind' is missing"),
        ("[1]", "not a Kubernetes object: 'apiVersion' or 'kind' is missing"),
        (GROUP.replace("{name: rg}", "{}"), "a ResourceGroup without 'metadata.name'"),
        (GROUP.replace("{name: rg}", "[]"), "a ResourceGroup without 'metadata.name'"),
        (GROUP.replace("{name: rg}", "{generateName: rg}"), "generateName is not supported"),
        (GROUP.replace("{name: rg}", "{name: a/b}"), "ResourceGroup 'a/b': not a name in Kubernetes"),
        (GROUP.replace("spec:", "specs:"), "default/ResourceGroup/rg: unknown member 'specs' (did you mean 'spec'?)"),
        (GROUP.replace("{name: rg}", "{name: rg, labels: {a: 1}}"), "metadata.labels must be an object of texts"),
        (SECRET + "{k: hunter2!}}", "Secret default/s: key 'k' is not base64"),
        (SECRET + "5}", "Secret default/s: 'data' must be an object"),
        (CONFIG_MAP + "{k: 5}}", "ConfigMap default/c: key 'k' must be a text"),
    ],
)
def test_form_is_checked(text: str, problem: str) -> None:
    """What is no Kubernetes object, or has no usable name, is a problem with its place; values are not shown."""
    manifests = read_manifests(text)

    (found,) = manifests.problems
    assert str(found).startswith("t.yaml:1: ")
    assert problem in str(found)
    assert "hunter2" not in str(found)
    assert not manifests.resources


def test_objects_of_others_are_left_alone() -> None:
    """Objects of other groups are neither used nor complained about."""
    manifests = read_manifests(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, anything: 1}",
        "{apiVersion: v1, kind: Service, metadata: {name: s}}",
        "{apiVersion: karpenter.azure.com/v1beta1, kind: AKSNodeClass, metadata: {name: n}}",
    )

    assert (manifests.resources, manifests.problems) == ([], [])


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("storage.azure.comm", "did you mean storage.azure.com?"),
        ("servicebus.azure", "did you mean servicebus.azure.com?"),
        ("storageazure.com", "did you mean storage.azure.com?"),
        ("Storage.azure.com", "did you mean storage.azure.com?"),
        ("nothing-like-it.azure.com", "trueup schema find"),
    ],
)
def test_misspelt_group_is_a_problem(group: str, meant: str) -> None:
    """A group that nobody but ASO could have, and ASO has not, is a problem: its objects would seem to be gone."""
    manifests = read_manifests(ACCOUNT.replace("storage.azure.com", group))

    (found,) = manifests.problems
    assert f"unknown group {group!r}" in str(found)
    assert meant in str(found)
    assert not manifests.resources


@pytest.mark.parametrize(
    "group",
    [
        "storage.azure.upbound.io",
        "machinelearningservices.azure.upbound.io",
        "network.azure.m.upbound.io",
        "network.azure.crossplane.io",
        "infrastructure.cluster.x-k8s.io",
        "apps",
    ],
)
def test_groups_of_other_vendors_are_left_alone(group: str) -> None:
    """A group that only resembles one of ASO's is another vendor's, and none of our business."""
    manifests = read_manifests(ACCOUNT.replace("storage.azure.com", group))

    assert (manifests.resources, manifests.problems) == ([], [])
