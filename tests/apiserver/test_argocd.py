"""What Argo CD makes of our objects: its own library compares, prunes and runs the scripts that we ship."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from tests.apiserver.argocd_eyes import CONFIG, MANAGER, Argo, make_argo, track
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import ACCOUNTS, FINALIZER, GROUPS, PREFIX, Pod, Web
from tests.apiserver.pods import make_pod
from tests.verbs_desk import GROUP_API, Azure, Object, account, group

pytestmark = pytest.mark.apiserver

REPORTS = "/apis/trueup.dev/v1alpha1/namespaces/{}/driftreports"
REPORT: Object = {"apiVersion": "trueup.dev/v1alpha1", "kind": "DriftReport", "metadata": {"name": "drift"}}


@pytest.fixture(scope="module")
def argo(plane: ControlPlane) -> Argo:
    """Return Argo CD's eyes on the cluster."""
    return make_argo(plane)


@pytest.fixture(scope="module")
def pod(plane: ControlPlane, azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """Return a pod that looks at everything twice a second and puts drift right once, as it starts."""
    with make_pod(plane, azure, tmp_path_factory.mktemp("pod"), "--observe-period", "0.5") as running:
        yield running


def kubectl(plane: ControlPlane, items: Sequence[Object], *arguments: str) -> str:
    """Run the real kubectl over manifests; return what it printed."""
    if plane.kubectl is None:
        pytest.skip("there is no kubectl")
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    command = [str(plane.kubectl), "--kubeconfig", str(plane.kubeconfig()), *arguments, "-f", "-"]
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def server_side(manager: str) -> tuple[str, ...]:
    """Return the options that make kubectl apply as a controller does."""
    return ("--server-side", "--force-conflicts", f"--field-manager={manager}")


@pytest.mark.parametrize(
    ("name", "how"),
    [("byclient", ()), ("byserver", server_side(MANAGER)), ("byflux", server_side("kustomize-controller"))],
)
def test_what_the_pod_writes_is_no_difference(
    plane: ControlPlane, web: Web, argo: Argo, name: str, how: tuple[str, ...]
) -> None:
    """What stands on settled objects leaves an application Synced, whoever applied it and how; a new tag does not."""
    items = [track(item, web.namespace) for item in (group(name), account(f"{name}acc", name))]
    kubectl(plane, items, "apply", *how)
    metadata = web.wait_ready(ACCOUNTS, f"{name}acc")["metadata"]
    assert metadata["finalizers"] == [FINALIZER]
    assert metadata["ownerReferences"]
    assert {PREFIX + "resource-id", "trueup.dev/baseline"} <= metadata["annotations"].keys()

    seen = argo.look(web.namespace, items)
    edited = {**items[1], "spec": {**items[1]["spec"], "tags": {"team": "web"}}}
    other = argo.look(web.namespace, [items[0], edited])

    assert {key: (said.health, said.differs) for key, said in seen.items()} == {
        f"ResourceGroup/{name}": ("Healthy", ()),
        f"StorageAccount/{name}acc": ("Healthy", ()),
    }
    assert other[f"StorageAccount/{name}acc"].differs == ("clientSideDiff", "structuredDiff", "serverSideDiff")
    if how:
        assert kubectl(plane, items, "diff", *how) == ""


def test_the_health_of_each_state(web: Web, azure: Azure, argo: Argo) -> None:
    """What waits or works is Progressing, what Azure refuses or does not have is Degraded, the rest is Healthy."""
    refused, failing = {"status": 400, "body": _error("BadTag")}, {"status": 409, "body": _error("QuotaExceeded")}
    for part, answer in (("refused", refused), ("failing", failing)):
        match = {"method": "PUT", "path_regex": f"health-{part}$"}
        azure.script({"match": match, "times": None, "answer": answer})
    azure.script({"match": {"method": "PUT", "path_regex": "healthworks$"}, "times": None, "polls": 10_000})
    skip = {PREFIX + "reconcile-policy": "skip"}
    items = [
        group("health-settled"),
        group("health-foreign", annotations={PREFIX + "operator-namespace": "somebody-else"}),
        group("health-refused"),
        group("health-failing"),
        group("health-skipped", annotations=skip),
        group("health-deleted", annotations={"trueup.dev/protect": "true"}),
        account("healthwaits", "nobody"),
        account("healthworks", "health-settled"),
    ]
    for item in items:
        web.create(GROUPS if item["kind"] == "ResourceGroup" else ACCOUNTS, item)
    for name, reason in _REASONS.items():
        web.wait_reason(ACCOUNTS if name in ("healthwaits", "healthworks") else GROUPS, name, reason)
    web.admin.delete(web.path(GROUPS, "health-deleted"))

    seen = argo.look(web.namespace, [track(item, web.namespace) for item in items])
    azure.clear_script()

    assert {key.split("/")[1]: said.health for key, said in seen.items()} == {
        "health-settled": "Healthy",
        "health-foreign": "Progressing",
        "health-refused": "Degraded",
        "health-failing": "Degraded",
        "health-skipped": "Degraded",
        "health-deleted": "Progressing",
        "healthwaits": "Progressing",
        "healthworks": "Progressing",
    }
    assert seen["ResourceGroup/health-refused"].message.startswith("BadTag: ")
    assert seen["ResourceGroup/health-deleted"].message == "Pending deletion"


_REASONS = {
    "health-settled": "Succeeded",
    "health-refused": "BadTag",
    "health-failing": "QuotaExceeded",
    "health-skipped": "AzureResourceNotFound",
    "health-deleted": "Succeeded",
    "healthwaits": "WaitingForOwner",
    "healthworks": "Reconciling",
}


def _error(code: str) -> Object:
    return {"error": {"code": code, "message": "not like this"}}


def test_skipped_drifted_and_outdated(plane: ControlPlane, web: Web, azure: Azure, pod: Pod, argo: Argo) -> None:
    """What is only looked at is Healthy where it is there; drift is told; a change that nobody saw is Progressing."""
    items = [group("health-seen", tags={"app": "shop"}), group("health-edited", tags={"app": "shop"})]
    targets = [track(item, web.namespace) for item in (*items, REPORT)]
    kubectl(plane, targets, "apply")
    for item in items:
        web.wait_ready(GROUPS, item["metadata"]["name"])
    web.wait_for("the report", lambda: _report(web).get("summary"))
    before = argo.look(web.namespace, targets)["DriftReport/drift"]
    web.patch(GROUPS, "health-seen", {"metadata": {"annotations": {PREFIX + "reconcile-policy": "skip"}}})

    azure.rewrite(f"{azure.subscription}/resourceGroups/health-edited", api=GROUP_API, tags={"app": "theirs"})
    web.wait_for("the drift to be told", lambda: _has_drifted(web, "health-edited"))
    web.wait_for("the report", lambda: _report(web)["summary"]["drifted"])
    told = argo.look(web.namespace, targets)
    azure.edit("DELETE", f"{azure.subscription}/resourceGroups/health-edited", api=GROUP_API)
    web.wait_for("the report", lambda: _report(web)["summary"]["missing"])
    worse = argo.look(web.namespace, targets)["DriftReport/drift"]
    pod.stop()
    web.patch(GROUPS, "health-edited", {"spec": {"tags": {"team": "web"}}})
    outdated = argo.look(web.namespace, targets)["ResourceGroup/health-edited"]
    pod.start()

    assert (before.health, worse.health, outdated.health) == ("Healthy", "Degraded", "Progressing")
    assert told["ResourceGroup/health-seen"].health == "Healthy"
    assert told["ResourceGroup/health-edited"].health == "Healthy"
    assert told["ResourceGroup/health-edited"].message.startswith("Azure was changed at ")
    assert (told["DriftReport/drift"].health, told["DriftReport/drift"].differs) == ("Healthy", ())
    assert told["DriftReport/drift"].message.startswith("1 drifted, 0 missing")


def _report(web: Web) -> Object:
    report: Object = web.get(REPORTS, "drift")
    return report


def _has_drifted(web: Web, name: str) -> bool:
    conditions = web.get(GROUPS, name)["status"]["conditions"]
    return any(c["type"] == "Drifted" and c["status"] == "True" for c in conditions)


def test_only_what_has_no_owner_is_pruned(plane: ControlPlane, web: Web, argo: Argo) -> None:
    """What left the manifests is pruned where no object owns it: the cluster deletes the others after their owners."""
    items = [track(item, web.namespace) for item in (group("pruned"), account("prunedacc", "pruned"))]
    kubectl(plane, items, "apply")
    web.wait_ready(ACCOUNTS, "prunedacc")

    without_child = argo.look(web.namespace, items[:1])
    without_both = argo.look(web.namespace, [])

    assert [key for key, said in without_child.items() if said.is_pruned] == []
    assert [key for key, said in without_both.items() if said.is_pruned] == ["ResourceGroup/pruned"]


def test_the_settings_are_merged_into_what_is_there(plane: ControlPlane, web: Web) -> None:
    """The documented patch leaves other settings of argocd-cm alone."""
    web.admin.create("/api/v1/namespaces", {"metadata": {"name": "argocd"}})
    there = {"metadata": {"name": "argocd-cm"}, "data": {"url": "https://argocd.example.com"}}
    web.admin.create("/api/v1/namespaces/argocd/configmaps", there)
    command = [str(plane.kubectl), "--kubeconfig", str(plane.kubeconfig()), "-n", "argocd"]

    subprocess.run([*command, "patch", "configmap", "argocd-cm", "--patch-file", str(CONFIG)], check=True)

    held = web.admin.get("/api/v1/namespaces/argocd/configmaps/argocd-cm")["data"]
    assert held.keys() == {"url", "resource.customizations"}
