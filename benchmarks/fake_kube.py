"""A small Kubernetes API server on the loopback: discovery, paged lists, Secrets, and the ways it says no.

Serves what reading needs and nothing else; tests run it in a thread, the benchmark in a process of its own.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

LIST = re.compile(r"/apis/(?P<group>[^/]+)/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)")
OBJECT = re.compile(LIST.pattern + r"/(?P<name>[^/]+)")
VERSION = re.compile(r"/apis/(?P<group>[^/]+)/(?P<version>[^/]+)")
CORE = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)(?:/(?P<plural>secrets|configmaps)/(?P<name>[^/]+))?")
NAMESPACES = "/api/v1/namespaces"
AGGREGATED = "as=APIGroupDiscoveryList"
STATUS_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired", 429: "TooManyRequests"}


@dataclass(frozen=True)
class FakeKind:
    """A kind with the versions the server serves, in the order it prefers them."""

    group: str
    kind: str
    plural: str
    versions: tuple[str, ...]


@dataclass(frozen=True)
class StoredObject:
    """An object as JSON; ``other`` holds its form in versions to which a webhook converts it."""

    namespace: str
    labels: Mapping[str, str]
    raw: bytes
    other: Mapping[str, bytes] = field(default_factory=dict)


@dataclass
class FakeKube:
    """What the server holds and how it behaves; change it at any time.

    Attributes:
        token: The bearer token that is accepted; empty for all.
        aggregated: Speak aggregated discovery (Kubernetes 1.26 and later).
        refuse: Paths that are answered with this HTTP status.
        expire: How many more continue tokens are answered with 410.
        answers: Paths that are answered with this content type and body.
        requests: Method and path with query of everything that was asked.
    """

    token: str = ""
    aggregated: bool = True
    refuse: dict[str, int] = field(default_factory=dict)
    expire: int = 0
    answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    kinds: dict[tuple[str, str], FakeKind] = field(default_factory=dict)
    objects: dict[tuple[str, str], list[StoredObject]] = field(default_factory=lambda: defaultdict(list))
    core: dict[str, bytes] = field(default_factory=dict)

    def serve_kind(self, kind: FakeKind) -> None:
        """Let discovery show a kind."""
        self.kinds[kind.group, kind.plural] = kind

    def add(self, kind: FakeKind, resource: Mapping[str, Any], other: Mapping[str, Any] | None = None) -> None:
        """Store a custom resource; ``other`` maps versions to its converted form."""
        self.serve_kind(kind)
        meta = resource["metadata"]
        converted = {version: json.dumps(form).encode() for version, form in (other or {}).items()}
        stored = StoredObject(meta["namespace"], meta.get("labels", {}), json.dumps(resource).encode(), converted)
        self.objects[kind.group, kind.plural].append(stored)

    def add_raw(self, kind: FakeKind, raws: Iterable[bytes]) -> None:
        """Store many custom resources that no filter has to find."""
        self.serve_kind(kind)
        self.objects[kind.group, kind.plural].extend(StoredObject("", {}, raw) for raw in raws)

    def add_secret(self, namespace: str, name: str, data: Mapping[str, bytes]) -> None:
        """Store a Secret."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self._add_core(f"/api/v1/namespaces/{namespace}/secrets/{name}", {"data": encoded})

    def add_config_map(self, namespace: str, name: str, data: Mapping[str, str]) -> None:
        """Store a ConfigMap."""
        self._add_core(f"/api/v1/namespaces/{namespace}/configmaps/{name}", {"data": dict(data)})

    def add_namespace(self, name: str, annotations: Mapping[str, str]) -> None:
        """Store a Namespace."""
        self._add_core(f"/api/v1/namespaces/{name}", {"metadata": {"name": name, "annotations": dict(annotations)}})

    def _add_core(self, path: str, content: Mapping[str, Any]) -> None:
        self.core[path] = json.dumps(content).encode()

    def counts(self) -> Counter[str]:
        """Return how often each path was asked for, queries left out."""
        return Counter(line.split()[1].partition("?")[0] for line in self.requests)

    def answer(self, target: str, accept: str, authorization: str) -> tuple[int, str, bytes]:
        """Return status, content type and body for a GET."""
        path, query = urlsplit(target).path, {k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}
        if self.token and authorization.lower() != f"bearer {self.token}".lower():
            return _status(401)
        if path in self.refuse:
            return _status(self.refuse[path])
        if path in self.answers:
            return (200, *self.answers[path])
        if path == "/apis":
            return self._groups(aggregated=self.aggregated and AGGREGATED in accept)
        if found := OBJECT.fullmatch(path):
            return self._object(found["group"], found["plural"], found["namespace"] or "", found["name"])
        if found := LIST.fullmatch(path):
            return self._list(found["group"], found["plural"], found["version"], found["namespace"] or "", query)
        if found := VERSION.fullmatch(path):
            return _json({"kind": "APIResourceList", "resources": self._resources(found["group"], found["version"])})
        if path == NAMESPACES:
            names = [body for key, body in self.core.items() if key.count("/") == NAMESPACES.count("/") + 1]
            return 200, "application/json", b'{"items":[%s]}' % b",".join(names)
        if path in self.core:
            return 200, "application/json", self.core[path]
        return _status(404)

    def _object(self, group: str, plural: str, namespace: str, name: str) -> tuple[int, str, bytes]:
        for stored in self.objects.get((group, plural), ()):
            if name.encode() in stored.raw:
                meta = json.loads(stored.raw)["metadata"]
                if (meta["namespace"], meta["name"]) == (namespace, name):
                    return 200, "application/json", stored.raw
        return _status(404)

    def _groups(self, *, aggregated: bool) -> tuple[int, str, bytes]:
        versions: dict[str, list[str]] = defaultdict(list)
        for kind in self.kinds.values():
            versions[kind.group].extend(v for v in kind.versions if v not in versions[kind.group])
        if not aggregated:
            groups = [{"name": g, "versions": [{"version": v} for v in vs]} for g, vs in versions.items()]
            return _json({"kind": "APIGroupList", "groups": groups})
        items = [
            {
                "metadata": {"name": group},
                "versions": [
                    {"version": v, "resources": [_aggregate(r) for r in self._resources(group, v)]} for v in names
                ],
            }
            for group, names in versions.items()
        ]
        return _json({"kind": "APIGroupDiscoveryList", "items": items})

    def _resources(self, group: str, version: str) -> list[dict[str, Any]]:
        verbs = ["delete", "get", "list", "patch", "create", "update", "watch"]
        found: list[dict[str, Any]] = []
        for kind in self.kinds.values():
            if kind.group == group and version in kind.versions:
                found.append({"name": kind.plural, "kind": kind.kind, "namespaced": True, "verbs": verbs})
                found.append({"name": f"{kind.plural}/status", "kind": kind.kind, "namespaced": True, "verbs": ["get"]})
        return found

    def _list(
        self, group: str, plural: str, version: str, namespace: str, query: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        kind = self.kinds.get((group, plural))
        if kind is None or version not in kind.versions:
            return _status(404)
        start = int(query.get("continue", "0"))
        if start and self.expire:
            self.expire -= 1
            return _status(410)
        wanted = dict(pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair)
        objects = self.objects[group, plural]
        if namespace or wanted:
            objects = [
                o for o in objects if namespace in ("", o.namespace) and wanted.items() <= dict(o.labels).items()
            ]
        end = start + int(query.get("limit", len(objects) or 1))
        metadata = b'{"resourceVersion":"4711"%s}' % (b',"continue":"%d"' % end if end < len(objects) else b"")
        items = b",".join(o.other.get(version, o.raw) for o in objects[start:end])
        head = f'{{"apiVersion":"{group}/{version}","kind":"{kind.kind}List","metadata":'.encode()
        return 200, "application/json", b'%s%s,"items":[%s]}' % (head, metadata, items)


def _aggregate(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Spell a resource as aggregated discovery does; sub-resources lie inside and are left out."""
    kind = {"group": "", "version": "", "kind": resource["kind"]}
    return {"resource": resource["name"], "responseKind": kind, "scope": "Namespaced", "verbs": resource["verbs"]}


def _json(value: object) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(value).encode()


def _status(code: int) -> tuple[int, str, bytes]:
    reason = STATUS_REASONS.get(code, "InternalError")
    body = {"kind": "Status", "status": "Failure", "message": f"{reason} says the fake", "reason": reason, "code": code}
    return code, "application/json", json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    kube: FakeKube

    def do_GET(self) -> None:
        self.kube.requests.append(f"GET {self.path}")
        headers = self.headers
        status, content_type, body = self.kube.answer(
            self.path, headers.get("Accept", ""), headers.get("Authorization", "")
        )
        self._send(status, content_type, body)

    def _refuse_write(self) -> None:
        self.kube.requests.append(f"{self.command} {self.path}")
        self._send(*_status(405))

    do_POST = do_PUT = do_PATCH = do_DELETE = _refuse_write  # noqa: N815 - http.server calls these names

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/login")
        if status == 429:
            self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Stay silent."""


class KubeServer:
    """Serves a ``FakeKube`` on a free port of 127.0.0.1 while the ``with`` block lasts."""

    def __init__(self, kube: FakeKube) -> None:
        """Bind; requests wait until the block is entered."""
        self.kube = kube
        handler = type("Handler", (_Handler,), {"kube": kube})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Return the server's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def kubeconfig(url: str, *, token: str = "token", context: str = "fake") -> dict[str, Any]:
    """Return a kubeconfig with one context, as data."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": {"cluster": "fake", "user": "fake"}}],
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "fake", "user": {"token": token}}],
    }
