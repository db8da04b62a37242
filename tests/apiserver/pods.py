"""What tests with pods of their own share: definitions, an account, a credential, a namespace to work in."""

from __future__ import annotations

import http.client
import itertools
import json
import ssl
from pathlib import Path

from engine.app.cli import main
from tests.apiserver.plane import ControlPlane
from tests.apiserver.pod import Pod, Web, credential
from tests.apiserver.rights import chart_account
from tests.verbs_desk import Azure

PATTERN = (
    "resources.azure.com/*;storage.azure.com/StorageAccount;network.azure.com/VirtualNetwork*;"
    "dbforpostgresql.azure.com/FlexibleServer"
)
RUNTIME = "trueup-runtime"
"""A namespace of their own, so that pods of other tests leave their objects alone."""
READS_METRICS = {"nonResourceURLs": ["/metrics"], "verbs": ["get"]}
_NUMBERS = itertools.count(1)


def make_pod(plane: ControlPlane, azure: Azure, folder: Path, *options: str, operator: str = RUNTIME) -> Pod:
    """Return a pod that is not started, as an account that may do what the chart lets it."""
    assert main(["crds", "install", "--pattern", PATTERN, "--kubeconfig", str(plane.kubeconfig())]) == 0
    if plane.admin.get(f"/api/v1/namespaces/{operator}") is None:
        plane.admin.create("/api/v1/namespaces", {"metadata": {"name": operator}})
    who = chart_account(plane, operator, f"pod-{next(_NUMBERS)}")
    environment = {"POD_NAMESPACE": operator}
    return Pod(plane, azure, plane.kubeconfig(who), folder / "log", environment=environment, options=options)


def make_web(plane: ControlPlane, azure: Azure) -> Web:
    """Return a new namespace with a credential."""
    name = f"web-{next(_NUMBERS)}"
    plane.admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    item = {"metadata": {"name": "aso-credential"}, "data": credential(azure.connection)}
    plane.admin.create(f"/api/v1/namespaces/{name}/secrets", item)
    return Web(plane.admin, azure, name)


def port(pod: Pod, option: str) -> int:
    """Return the port that an endpoint of the pod was given, as its log says."""
    lines = [json.loads(line) for line in pod.log.read_text().splitlines() if line.startswith('{"level"')]
    return next(int(line["port"]) for line in lines if line.get("endpoint") == option)


def ask(pod: Pod, token: str = "") -> tuple[int, str]:
    """Return status and body of the metrics, for whoever has this token."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port(pod, "--metrics-addr"), timeout=10, context=context)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
