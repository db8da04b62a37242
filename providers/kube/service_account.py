"""A pod's own access to its cluster, from what the kubelet puts beside it.

Not by way of the client library: loading that costs more CPU than a pass over a thousand objects.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.request import getproxies_environment, proxy_bypass

from urllib3 import PoolManager, ProxyManager, make_headers
from urllib3.util import parse_url

from engine.errors import InvalidSpecError
from providers.kube.access import Access, keepalive, read_retries

FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOST: Final = "KUBERNETES_SERVICE_HOST"
_PORT: Final = "KUBERNETES_SERVICE_PORT"


class Token:
    """The token in a file that is replaced before it expires."""

    period_s = 60.0

    def __init__(self, path: Path) -> None:
        """Read it once."""
        self._path = path
        self._read_at = 0.0
        self._headers: Mapping[str, str] = {}
        self._read()

    def headers(self) -> Mapping[str, str]:
        """Return what a request carries; the file is read again when that is due."""
        if time.monotonic() - self._read_at >= self.period_s:
            self._read()
        return self._headers

    def _read(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise _missing(str(exc)) from exc
        if not text:
            raise _missing(f"{self._path} is empty")
        self._read_at = time.monotonic()
        self._headers = {"Authorization": f"Bearer {text}", "User-Agent": "trueup"}


def access_of_pod(folder: Path, *, parallel: int) -> Access:
    """Return the access that a pod's service account has.

    Args:
        folder: Where its token and the cluster's certificate are.
        parallel: How many requests are in flight at most.

    Raises:
        InvalidSpecError: This is no pod, or it has no service account.
    """
    host, port = os.environ.get(_HOST, ""), os.environ.get(_PORT, "")
    if not (host and port):
        raise _missing(f"{_HOST} and {_PORT} are not set")
    authority = folder / "ca.crt"
    if not authority.is_file():
        raise _missing(f"there is no {authority}")
    token = Token(folder / "token")
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    pool = _connections(host, str(authority), parallel)
    return Access(host=f"https://{address}", pool=pool, headers=token.headers)


def _connections(host: str, authority: str, parallel: int) -> PoolManager:
    common: dict[str, Any] = {
        "ca_certs": authority,
        "cert_reqs": "CERT_REQUIRED",
        "maxsize": parallel,
        "retries": read_retries(),
        "socket_options": keepalive(),
    }
    proxy = getproxies_environment().get("https", "")
    if not proxy or goes_past_proxy(host):
        return PoolManager(**common)
    auth = parse_url(proxy).auth
    return ProxyManager(proxy, proxy_headers=make_headers(proxy_basic_auth=auth) if auth else None, **common)


def goes_past_proxy(host: str) -> bool:
    """Whether NO_PROXY names a host: by name, by domain, by address or by network."""
    if proxy_bypass(host):
        return True
    try:
        address = ipaddress.ip_address(host)
        excepted = [n.strip() for n in getproxies_environment().get("no", "").split(",")]
        return any(address in ipaddress.ip_network(n, strict=False) for n in excepted if "/" in n)
    except ValueError:
        return False


def _missing(detail: str) -> InvalidSpecError:
    return InvalidSpecError(
        "This process has no service account of a cluster",
        detail=detail,
        hint="outside a pod name a cluster with --context or --kubeconfig",
    )
