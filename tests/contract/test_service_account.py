"""A pod's own access to its cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from urllib3 import ProxyManager

from engine.errors import InvalidSpecError
from providers.kube.access import keepalive
from providers.kube.service_account import access_of_pod, goes_past_proxy


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a pod, without a proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return what the kubelet puts beside a pod."""
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "ca.crt").write_text("a certificate")
    return tmp_path


def test_the_address_and_the_token_are_the_kubelets(folder: Path) -> None:
    """What stands in the environment and beside the process is all there is to say."""
    access = access_of_pod(folder, parallel=4)

    assert access.host == "https://10.0.0.1:443"
    assert access.headers()["Authorization"] == "Bearer secret"


def test_silent_connections_are_probed(folder: Path) -> None:
    """The system asks whether anybody is there where a watch has nothing to say."""
    access = access_of_pod(folder, parallel=4)

    assert access.pool.connection_pool_kw["socket_options"] == keepalive()


def test_an_ipv6_address_is_put_in_brackets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its colons are none of the port's."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")

    assert access_of_pod(folder, parallel=4).host == "https://[fd00::1]:443"


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_what_is_missing_is_named(folder: Path, missing: str) -> None:
    """A pod without a token or a certificate says which file it looked for."""
    (folder / missing).unlink()

    with pytest.raises(InvalidSpecError, match=missing):
        access_of_pod(folder, parallel=4)


def test_an_empty_token_is_none(folder: Path) -> None:
    """It would be refused as no token at all."""
    (folder / "token").write_text("\n")

    with pytest.raises(InvalidSpecError, match="is empty"):
        access_of_pod(folder, parallel=4)


def test_a_proxy_is_used_but_for_what_no_proxy_names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By address, by domain and by network, as other clients of clusters read it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:word@proxy:3128")
    found = access_of_pod(folder, parallel=4).pool
    monkeypatch.setenv("NO_PROXY", "localhost, 10.0.0.0/8,.svc")
    past = access_of_pod(folder, parallel=4).pool

    assert isinstance(found, ProxyManager)
    assert found.proxy_headers["proxy-authorization"].startswith("Basic ")
    assert not isinstance(past, ProxyManager)
    assert goes_past_proxy("kubernetes.default.svc")
    assert not goes_past_proxy("11.0.0.1")
