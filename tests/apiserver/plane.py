"""etcd, kube-apiserver and kube-controller-manager as processes of this machine, with RBAC and nothing shared."""

from __future__ import annotations

import ctypes
import json
import signal
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.apiserver.api import Api, Identity
from tests.apiserver.binaries import Binaries
from tests.apiserver.certificates import Authority

_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_STARTS = 3
_ISSUER = "https://kubernetes.default.svc"
_CONTROLLERS = ("garbage-collector-controller", "namespace-controller", "serviceaccount-controller")
_STOP_S = 20

Rule = dict[str, Any]


class StartError(Exception):
    """A program ended, or did not become ready; says what it wrote last."""


class ControlPlane:
    """One cluster. Ports are the system's choice; everything listens on 127.0.0.1 alone."""

    def __init__(self, binaries: Binaries, folder: Path, *options: str) -> None:
        """Make keys and certificates; nothing runs yet. ``options`` are more flags of the API server."""
        self._binaries = binaries
        self._more = options
        self.folder = folder
        self._authority = Authority(folder)
        self._server_certificate = self._authority.issue("apiserver", "kube-apiserver")
        self._admin = Identity(self._authority.issue("admin", "admin", groups=["system:masters"]))
        manager = self._authority.issue("manager", "system:kube-controller-manager")
        self._manager = Identity(manager)
        self._account_public, self._account_key = self._authority.key_pair("accounts")
        self._running: list[subprocess.Popen[bytes]] = []
        self._clients: dict[tuple[str, Identity], Api] = {}
        self.url = ""

    def __enter__(self) -> Self:
        """Start; another try with other ports where somebody was faster to take one."""
        for attempt in range(1, _STARTS + 1):
            try:
                self._start()
            except StartError:
                self.stop()
                if attempt == _STARTS:
                    raise
            else:
                break
        return self

    def __exit__(self, *_: object) -> None:
        """Stop everything."""
        self.stop()

    @property
    def ca(self) -> Path:
        """Return the certificate of the authority."""
        return self._authority.path

    @property
    def has_controllers(self) -> bool:
        """Whether garbage is collected and namespaces are emptied."""
        return self._binaries.controller_manager is not None

    @property
    def kubectl(self) -> Path | None:
        """Return the real kubectl."""
        return self._binaries.kubectl

    @property
    def admin(self) -> Api:
        """Return a client that may do everything."""
        return self.client(self._admin)

    @property
    def processes(self) -> Sequence[subprocess.Popen[bytes]]:
        """Return what runs: etcd, the API server, the controller manager."""
        return tuple(self._running)

    def client(self, identity: Identity) -> Api:
        """Return the client of an identity."""
        key = (self.url, identity)
        if key not in self._clients:
            self._clients[key] = Api(self.url, self.ca, identity, server=lambda: self._running[1])
        return self._clients[key]

    def kubeconfig(self, identity: Identity | None = None, *, namespace: str = "default") -> Path:
        """Write a kubeconfig for an identity, the administrator unless given."""
        who = identity or self._admin
        path = self.folder / f"kubeconfig-{len(list(self.folder.glob('kubeconfig-*')))}"
        path.touch(mode=0o600)
        path.write_text(json.dumps(_kubeconfig(self.url, self.ca, who, namespace)))
        return path

    def service_account(self, identity: Identity, folder: Path) -> dict[str, str]:
        """Write what the kubelet puts beside a pod; return the environment that leads there."""
        server = urlsplit(self.url)
        folder.mkdir()
        (folder / "token").write_text(identity.token)
        (folder / "ca.crt").write_bytes(self.ca.read_bytes())
        return {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "TRUEUP_SERVICE_ACCOUNT": str(folder),
        }

    def account(self, namespace: str, name: str, *rules: Rule) -> Identity:
        """Make a ServiceAccount that may do in the whole cluster what the rules say; return its token."""
        admin, unique = self.admin, f"{namespace}-{name}"
        metadata = {"name": unique}
        admin.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        admin.create(f"{rbac}/clusterroles", {"metadata": metadata, "rules": list(rules)})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": unique}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        binding = {"metadata": metadata, "roleRef": role, "subjects": [subject]}
        admin.create(f"{rbac}/clusterrolebindings", binding)
        return Identity(token=self.token(namespace, name))

    def token(self, namespace: str, name: str) -> str:
        """Ask for a token of a ServiceAccount, as the kubelet does for a pod."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return str(self.admin.create(path, request)["status"]["token"])

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again at the same address, as an upgrade of a control plane does."""
        server = self._running[1]
        server.kill()
        server.wait(_STOP_S)
        self._running[1] = self._spawn("kube-apiserver", *self._apiserver_options())
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop every process, the last started first; one that does not end is killed."""
        for client in self._clients.values():
            client.close()
        while self._running:
            process = self._running.pop()
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_S)

    def _start(self) -> None:
        self._etcd_port, peer_port, self._port = _free_ports(3)
        self.url = f"https://127.0.0.1:{self._port}"
        self._running.append(self._spawn("etcd", *self._etcd_options(peer_port)))
        self._running.append(self._spawn("kube-apiserver", *self._apiserver_options()))
        self._wait_until_ready()
        if self.has_controllers:
            self._running.append(self._spawn("kube-controller-manager", *self._manager_options()))

    def _etcd_options(self, peer_port: int) -> list[str]:
        clients, peers = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, peer_port))
        return [
            f"--data-dir={self.folder / f'etcd-{self._etcd_port}'}",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver_options(self) -> list[str]:
        return [
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={self._server_certificate}",
            f"--tls-private-key-file={self._server_certificate.with_suffix('.key')}",
            f"--client-ca-file={self.ca}",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={self._account_public}",
            f"--service-account-signing-key-file={self._account_key}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--disable-admission-plugins=ServiceAccount",
            *self._more,
        ]

    def _manager_options(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig(self._manager)}",
            f"--controllers={','.join(_CONTROLLERS)}",
            f"--service-account-private-key-file={self._account_key}",
            f"--root-ca-file={self.ca}",
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--secure-port=0",
        ]

    def _spawn(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._binaries.folder / name), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                preexec_fn=_die_with_parent,
            )

    def _wait_until_ready(self) -> None:
        try:
            self.admin.wait_for("the API server to be ready", self._is_ready)
        except AssertionError as exc:
            tails = (f"{p.name}: {p.read_text(errors='replace')[-500:]}" for p in self.folder.glob("*.log"))
            raise StartError(f"{exc}\n" + "\n".join(tails)) from exc

    def _is_ready(self) -> bool:
        if any(process.poll() is not None for process in self._running):
            raise AssertionError("a program of the control plane ended")
        try:
            return self.admin.call("GET", "/readyz") == (200, "ok")
        except (OSError, ssl.SSLError):
            return False


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _die_with_parent() -> None:
    """Let the system end the process with the tests, also when they are killed; runs in the child."""
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGTERM)


def _kubeconfig(url: str, ca: Path, identity: Identity, namespace: str) -> dict[str, Any]:
    user: dict[str, str] = {"token": identity.token}
    if identity.certificate is not None:
        user = {
            "client-certificate-data": _base64(identity.certificate),
            "client-key-data": _base64(identity.certificate.with_suffix(".key")),
        }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": url, "certificate-authority-data": _base64(ca)}}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}],
    }


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()
