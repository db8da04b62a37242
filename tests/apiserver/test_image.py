"""The image as a node runs it: read-only, without rights, with the service account of a pod, on the real API server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import GROUPS
from tests.apiserver.pods import RUNTIME, make_pod, make_web
from tests.conftest import ROOT
from tests.verbs_desk import Azure, group

pytestmark = pytest.mark.apiserver

LAYOUT = ROOT / "build/image/oci"
BILL = ROOT / "build/image/sbom.cdx.json"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# runc and these limits are what a container within a container may have; the rest is restricted Pod Security.
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file")
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096", "--network", "host")
RESTRICTED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
MOST_BYTES = 25_000_000
LOOK_AROUND = """
import json, os, pathlib
modules = list(pathlib.Path("/app").rglob("*.py"))
print(json.dumps({
    "uid": os.getuid(),
    "pip": [str(path) for path in pathlib.Path("/").glob("*/**/pip/__init__.py")],
    "uncompiled": [str(p) for p in modules if not list(p.parent.glob(f"__pycache__/{p.stem}.*.pyc"))],
    "modules": len(modules),
}))
"""
LIST = """
import importlib.metadata, json
print(json.dumps([[found.name, found.version] for found in importlib.metadata.distributions(path=["/app"])]))
"""


@pytest.fixture(scope="module")
def image() -> str:
    """Return the image as a store takes it from the layout that is pushed."""
    missing = [tool for tool in ("podman", "skopeo", "runc") if shutil.which(tool) is None]
    if missing or not (LAYOUT / "index.json").exists():
        pytest.skip(f"{', '.join(missing)} not installed" if missing else "no image was built: make image")
    name = "localhost/trueup-tested:latest"
    run("skopeo", "copy", "--quiet", f"oci:{LAYOUT}", f"containers-storage:{name}")
    return name


def run(*command: str | Path) -> str:
    """Return what a command prints."""
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def once(image: str, *command: str) -> str:
    """Return what a command prints in a container."""
    return run(*PODMAN, "run", "--rm", *LIMITS, *RESTRICTED, "--entrypoint", command[0], image, *command[1:])


def digest() -> str:
    """Return the digest of the image that was built."""
    return str(json.loads((LAYOUT / "index.json").read_bytes())["manifests"][0]["digest"])


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture
def service_account(plane: ControlPlane, azure: Azure, tmp_path: Path) -> Path:
    """Return the folder that a kubelet mounts: token, certificate and namespace of an account with a pod's rights."""
    kubeconfig = json.loads(make_pod(plane, azure, tmp_path).kubeconfig.read_text())
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text(kubeconfig["users"][0]["user"]["token"])
    (folder / "namespace").write_text(RUNTIME)
    shutil.copy(plane.ca, folder / "ca.crt")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755)
    return folder


@pytest.fixture
def container(plane: ControlPlane, azure: Azure, image: str, service_account: Path) -> Iterator[str]:
    """Return the id of a running pod."""
    host, port = plane.url.removeprefix("https://").split(":")
    variables = {
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "POD_NAMESPACE": RUNTIME,
        "AZURE_RESOURCE_MANAGER_ENDPOINT": azure.connection.arm,
    }
    mount = ("--volume", f"{service_account}:{MOUNT}:ro")
    options = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    identity = run(*PODMAN, "run", "--detach", *LIMITS, *RESTRICTED, *mount, *options, image).strip()
    yield identity
    run(*PODMAN, "rm", "--force", "--time", "0", identity)


def test_a_group_becomes_ready_and_the_pod_stops_when_asked(plane: ControlPlane, azure: Azure, container: str) -> None:
    """As process 1, with a read-only root and no rights, the pod makes a group; on SIGTERM it ends by itself."""
    web = make_web(plane, azure)

    web.create(GROUPS, group("image1"))
    web.wait_ready(GROUPS, "image1")
    run(*PODMAN, "stop", "--time", "15", container)
    state = json.loads(run(*PODMAN, "inspect", container))[0]["State"]

    assert azure.call("GET", f"{azure.subscription}/resourceGroups/image1?api-version=2021-04-01")[0] == 200
    assert (state["ExitCode"], state["OOMKilled"]) == (0, False)


def test_nothing_but_the_product_is_above_the_base(image: str) -> None:
    """No pip; every module has its bytecode, as nothing can be written at start; 25 MB at most."""
    found = json.loads(once(image, "python3", "-c", LOOK_AROUND))
    manifest = json.loads((LAYOUT / "blobs" / digest().replace(":", "/")).read_bytes())

    assert (found["uid"], found["pip"], found["uncompiled"]) == (65532, [], [])
    assert found["modules"] > 300
    assert manifest["layers"][-1]["size"] <= MOST_BYTES


def test_the_bill_of_materials_lists_what_is_installed(image: str) -> None:
    """Every distribution in the image is in the bill, with its version."""
    installed = {(canonical(name), version) for name, version in json.loads(once(image, "python3", "-c", LIST))}
    bill = json.loads(BILL.read_text())
    listed = {(canonical(part["name"]), part.get("version", "")) for part in bill["components"]}

    assert {name for name, _ in installed - listed} == {"trueup"}
    assert json.loads(once(image, "cat", "/app/sbom.cdx.json")) == bill


def test_the_same_commit_gives_the_same_image(image: str) -> None:
    """A second build gives the same digest."""
    first = digest()

    run("bash", ROOT / "deploy/image/build.sh")

    assert digest() == first
