"""What the chart makes: names, rights and the shape of the pod, in every mode."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from engine.crds.naming_policy import naming_policy
from engine.crds.policy import admission_policies
from schemas.kinds import groups
from tests.chart.helm import CHART, NAMESPACE, Helm, HelmError, Object, Rendered
from tests.conftest import ROOT

MODES = ("watchers-and-webhooks", "watchers", "webhooks", "plan", "watch")
WRITES = {"create", "update", "patch", "delete", "deletecollection", "*"}


def rules(rendered: Rendered) -> list[Object]:
    """Return every rule of every role."""
    return [rule for o in rendered.objects if o["kind"] in ("Role", "ClusterRole") for rule in o["rules"]]


def test_lint_finds_nothing(helm: Helm) -> None:
    """The chart is as Helm wants it, in each mode."""
    files = [helm.values({"azureOperatorMode": mode}) for mode in MODES]

    said = [helm.run("lint", "--strict", str(CHART), "--values", str(file)) for file in files]

    assert all("0 chart(s) failed" in text for text in said)


def test_names_are_those_of_aso(helm: Helm) -> None:
    """What ASO's documentation names is there under its name."""
    found = helm.render({"crdPattern": "resources.azure.com/*"})

    deployment = found.only("Deployment")
    assert deployment["metadata"]["name"] == "azureserviceoperator-controller-manager"
    assert deployment["spec"]["selector"] == {"matchLabels": {"control-plane": "controller-manager"}}
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    template = deployment["spec"]["template"]
    assert template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "manager"
    assert template["metadata"]["labels"]["control-plane"] == "controller-manager"
    assert found.container["name"] == "manager"
    assert found.pod["serviceAccountName"] == "azureserviceoperator-default"
    assert found.names("ServiceAccount") == {"azureserviceoperator-default"}
    assert found.names("Secret") == {"aso-controller-settings"}
    assert found.names("Service") == {"azureserviceoperator-controller-manager-metrics-service"}
    assert found.names("PodDisruptionBudget") == {"azureserviceoperator-pdb"}
    assert found.names("NetworkPolicy") == {
        "azure-service-operator-allow-ingress",
        "azure-service-operator-allow-egress",
    }
    assert {"azureserviceoperator-manager-role", "azureserviceoperator-crd-manager-role"} < found.names("ClusterRole")


def test_admission_policies_are_all_named(helm: Helm) -> None:
    """Rights are given for each policy that the program makes and for no other; the notes say that they stay."""
    made = {policy["metadata"]["name"] for policy in (*admission_policies(), *naming_policy("v1"))}

    found = helm.render({"crdPattern": "resources.azure.com/*"})

    given = [set(r["resourceNames"]) for r in rules(found) if r["apiGroups"] == ["admissionregistration.k8s.io"]]
    kept = next(line for line in found.notes.splitlines() if "admission policies" in line)
    assert set().union(*given) == made
    assert set(re.findall(r"trueup-\w+", kept)) == made


@pytest.mark.parametrize("mode", ["plan", "watch", "WATCH"])
def test_who_only_reports_lives_beside_aso(helm: Helm, mode: str) -> None:
    """Nothing of a reporting release has a name of ASO's or carries its label; it may write DriftReports alone."""
    found = helm.render({"azureOperatorMode": mode})

    assert all(name.startswith("trueup-") for name in found.names())
    assert "control-plane: controller-manager" not in yaml.safe_dump_all(found.objects)
    written = [rule for rule in rules(found) if WRITES & set(rule["verbs"]) and "reviews" not in str(rule)]
    assert [rule["resources"] for rule in written] == [["driftreports"], ["customresourcedefinitions"]]
    assert written[1]["resourceNames"] == ["driftreports.trueup.dev"]
    assert found.only("Deployment")["spec"]["replicas"] == 1


def test_what_may_be_written(helm: Helm) -> None:
    """Objects of kinds are never created or deleted, nor Secrets deleted; definitions are written by who installs."""
    installs = helm.render()
    found = helm.render({"installCRDs": False})

    kinds = next(rule for rule in rules(found) if "resources.azure.com" in rule["apiGroups"])
    contents = [rule for rule in rules(found) if "secrets" in rule["resources"]]
    assert set(kinds["verbs"]) == {"get", "list", "watch", "patch"}
    assert "delete" not in {verb for rule in contents for verb in rule["verbs"]}
    assert "trueup-drift-definition" not in str(
        helm.render({"installCRDs": False, "azureOperatorMode": "watch"}).objects
    )
    definitions = [rule for rule in rules(found) if "customresourcedefinitions" in rule["resources"]]
    assert [rule["verbs"] for rule in definitions] == [["list", "watch"]]
    assert found.container["args"].count("--crd-management=none") == 1
    assert any({"create", "patch"} <= set(rule["verbs"]) for rule in rules(installs) if "customresource" in str(rule))
    assert "*" not in {verb for rule in rules(installs) for verb in rule["verbs"]}


def test_webhooks_alone_reads_no_objects(helm: Helm) -> None:
    """A pod that only installs definitions has no rights on objects and Secrets."""
    found = helm.render({"azureOperatorMode": "webhooks", "metrics": {"secure": False}})

    touched = {resource for rule in rules(found) for resource in rule["resources"]}
    assert touched == {
        "customresourcedefinitions",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    }


@pytest.mark.parametrize("mode", ["watchers", "watch"])
def test_target_namespaces_get_roles_of_their_own(helm: Helm, mode: str) -> None:
    """With target namespaces Secrets, ConfigMaps and objects are only theirs; of namespaces only they are read."""
    found = helm.render({"azureOperatorMode": mode, "azureTargetNamespaces": ["team-a", " team-b "]})

    wide = [rule for o in found.objects if o["kind"] == "ClusterRole" for rule in o["rules"]]
    assert not {"secrets", "configmaps", "*"} & {resource for rule in wide for resource in rule["resources"]}
    (named,) = [rule for rule in wide if "namespaces" in rule["resources"]]
    assert named["resourceNames"] == ["team-a", "team-b"]
    of_kinds = {
        o["metadata"]["namespace"] for o in found.objects if o["kind"] == "Role" and "storage.azure.com" in str(o)
    }
    assert of_kinds == {"team-a", "team-b"}
    assert {"name": "AZURE_TARGET_NAMESPACES", "value": "team-a,team-b"} in found.container["env"]


def test_tenants_do_not_share_cluster_roles(helm: Helm) -> None:
    """Two tenants of one cluster have no object of the cluster in common."""
    values = {"multitenant": {"enable": True}, "azureOperatorMode": "watchers", "azureTargetNamespaces": ["a"]}

    one, other = (helm.render(values, namespace=name) for name in ("tenant-a", "tenant-b"))

    assert not cluster_wide(one) & cluster_wide(other)
    assert cluster_wide(one)


def cluster_wide(rendered: Rendered) -> set[tuple[str, str]]:
    return {(o["kind"], o["metadata"]["name"]) for o in rendered.objects if o["kind"].startswith("Cluster")}


@pytest.mark.parametrize("mode", MODES)
def test_everything_refers_to_what_is_there(helm: Helm, mode: str) -> None:
    """Bindings name roles and the account of the release, and what selects pods selects these."""
    found = helm.render({"azureOperatorMode": mode})

    labels = found.only("Deployment")["spec"]["template"]["metadata"]["labels"]
    for item in found.objects:
        if item["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            assert item["roleRef"]["name"] in found.names(item["roleRef"]["kind"])
            (subject,) = item["subjects"]
            assert (subject["name"], subject["namespace"]) == (found.pod["serviceAccountName"], NAMESPACE)
        for selector in selectors(item):
            assert selector.items() <= labels.items()


def selectors(item: Object) -> list[dict[str, str]]:
    spec: Any = item.get("spec", {})
    found = [spec.get("podSelector"), spec.get("selector")]
    return [dict(s.get("matchLabels", s)) for s in found if s]


def test_an_account_of_somebody_else(helm: Helm) -> None:
    """Without an account of its own the release uses the one that is named, else default, as ASO's chart does."""
    named = helm.render({"serviceAccount": {"create": False, "name": "theirs"}})
    unnamed = helm.render({"serviceAccount": {"create": False}, "rbac": {"create": False}})

    assert named.pod["serviceAccountName"] == "theirs"
    assert unnamed.pod["serviceAccountName"] == "default"
    assert not unnamed.names("ServiceAccount") | unnamed.names("ClusterRole") | unnamed.names("Role")


def test_other_settings_are_other_pods(helm: Helm) -> None:
    """A changed setting changes the pod's template, so that an upgrade starts pods that read it; nothing else does."""

    def annotations(**values: Any) -> Any:
        return helm.render(values).only("Deployment")["spec"]["template"]["metadata"]["annotations"]

    assert annotations() == annotations(replicaCount=3)
    assert annotations() != annotations(azureSyncPeriod="10m")


def test_the_chart_keeps_up_with_the_program(helm: Helm) -> None:
    """Groups of kinds and the version are those of the program."""
    text = (CHART / "files" / "api-groups.txt").read_text()

    assert text.split() == list(groups())
    assert (
        f'version = "{yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]}"'
        in (ROOT / "pyproject.toml").read_text()
    )


def test_namespaces_and_webhooks_exclude_each_other(helm: Helm) -> None:
    """What cannot work together is refused with what to do."""
    with pytest.raises(HelmError, match="Leave the namespaces out"):
        helm.render({"azureOperatorMode": "webhooks", "azureTargetNamespaces": ["a"]})


@pytest.mark.parametrize("mode", ["watchers-and-webhooks", "watchers"])
def test_a_take_over_reads_one_lease(helm: Helm, mode: str) -> None:
    """Only who takes objects over reads ASO's Lease outside the namespace of the release, and no other Lease."""
    plain = helm.render({"azureOperatorMode": mode})
    found = helm.render({"azureOperatorMode": mode, "trueup": {"takeOverFrom": ["aso"]}})

    more = found.names("ClusterRole") - plain.names("ClusterRole")
    assert more == {"azureserviceoperator-lease-reader-role"}
    assert found.only("ClusterRole", *more)["rules"] == [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["controllers-leader-election-azinfra-generated"],
            "verbs": ["get"],
        }
    ]
