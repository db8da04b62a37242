"""Clusters that refuse, throttle, answer nonsense or cannot be reached, and credentials that do not work."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.fake_kube import FakeKube, KubeServer, kubeconfig
from engine.errors import EngineError, InvalidSpecError, PolicyDeniedError, UnavailableError
from providers.kube.client import KubeClient
from providers.kube.connect import Connection, connect
from providers.kube.service_account import Token, access_of_pod
from providers.kube.source import KubeSource
from tests.kube_reading import (
    CATALOG,
    Build,
    Kube,
    read,
)

pytestmark = pytest.mark.loopback


def test_a_wrong_token_says_to_log_in_again(kube: Kube, source: Build) -> None:
    """401 is an error about credentials, and the token is not in it."""
    with pytest.raises(PolicyDeniedError, match="log in again") as caught:
        read(source(token="wrong-token"))

    assert "wrong-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("content_type", "body", "words"),
    [
        ("text/html", b"<html>log in</html>", "text/html instead of JSON"),
        ("application/json", b'{"items": [{"metadata": {"na', "cannot be read"),
        ("application/json", b"", "cannot be read"),
        ("application/json", b'{"items": "none"}', "cannot be read"),
    ],
    ids=["html", "cut-off", "empty", "wrong-shape"],
)
def test_answers_of_something_else_are_named(
    kube: Kube, source: Build, content_type: str, body: bytes, words: str
) -> None:
    """A proxy's page, half an answer or none is an error that says what came instead."""
    kube[0].answers["/apis"] = (content_type, body)

    with pytest.raises(UnavailableError, match=words):
        read(source())


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (302, UnavailableError, "redirect to /login"),
        (404, EngineError, "no Kubernetes API server"),
        (500, UnavailableError, "HTTP 500"),
    ],
)
def test_a_server_that_refuses_discovery_is_an_error(
    kube: Kube, source: Build, status: int, error: type[EngineError], words: str
) -> None:
    """Without discovery there is nothing to go on with."""
    kube[0].refuse["/apis"] = status

    with pytest.raises(error, match=words):
        read(source())


def test_throttling_is_waited_out_then_reported(kube: Kube, source: Build) -> None:
    """429 is tried again as the server asks, and is a transient error in the end."""
    kube[0].refuse["/api/v1/namespaces/default/secrets/s"] = 429
    tested = source()

    with pytest.raises(EngineError) as caught:
        asyncio.run(tested.fetch_secret("default", "s"))

    assert caught.value.reason == "Throttled"
    assert len(kube[0].requests) == 5


def test_a_dead_server_is_unavailable(tmp_path: Path) -> None:
    """Connection refused names the server and asks whether it is up."""
    with KubeServer(FakeKube()) as server:
        address = server.url
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig(address)))

    with pytest.raises(UnavailableError, match="is the cluster up"):
        read(KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG))


def test_plain_http_behind_https_is_unavailable(kube: Kube, tmp_path: Path) -> None:
    """A failed TLS handshake is an error of the connection."""
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig(kube[1].replace("http:", "https:"))))
    tested = KubeSource(connect(Connection(kubeconfig=str(path))), CATALOG)

    with pytest.raises(UnavailableError, match="did not answer"):
        read(tested)
    asyncio.run(tested.close())


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    """A context that the kubeconfig lacks is the user's to mend."""
    path = tmp_path / "config"
    path.write_text(json.dumps(kubeconfig("http://127.0.0.1:1")))

    with pytest.raises(InvalidSpecError, match=r"'nowhere'.*get-contexts"):
        connect(Connection(kubeconfig=str(path), context="nowhere"))


@pytest.mark.parametrize(
    "text",
    ["", "- a\n- b\n", "contexts: 5\ncurrent-context: a\n", "a: [", "just text", "\x00"],
    ids=["empty", "list", "wrong-type", "broken-yaml", "text", "binary"],
)
def test_a_broken_kubeconfig_is_an_input_error(tmp_path: Path, text: str) -> None:
    """Whatever the file holds, the error names it."""
    path = tmp_path / "config"
    path.write_text(text)

    with pytest.raises(InvalidSpecError, match="kubeconfig"):
        connect(Connection(kubeconfig=str(path)))


def test_a_missing_kubeconfig_is_an_input_error(tmp_path: Path) -> None:
    """No file, no cluster."""
    with pytest.raises(InvalidSpecError, match="No configuration found"):
        connect(Connection(kubeconfig=str(tmp_path / "none")))


def test_a_failing_credential_plugin_tells_what_it_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The plugin's own words are in the error, not beside it."""
    config = kubeconfig("http://127.0.0.1:1")
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", "echo oh no >&2; exit 3"],
    }
    config["users"][0]["user"] = {"exec": plugin}
    path = tmp_path / "config"
    path.write_text(json.dumps(config))

    with pytest.raises(PolicyDeniedError, match="oh no"):
        connect(Connection(kubeconfig=str(path)))
    assert capfd.readouterr() == ("", "")


def test_a_process_outside_a_pod_has_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """In-cluster credentials are only there in a pod."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(InvalidSpecError, match="--context"):
        connect(Connection(in_cluster=True))


def test_a_rotated_token_of_the_pod_is_used(kube: Kube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service account's token is read again when it is due, so a long-lived process keeps its access."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("unused over plain http")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    monkeypatch.setattr(Token, "period_s", 0.0)
    access = replace(access_of_pod(tmp_path, parallel=1), host=kube[1])
    tested = KubeSource(KubeClient(access, name="the pod's cluster"), CATALOG)
    kube[0].token = "second"
    token.write_text("second")

    assert read(tested) == []
    asyncio.run(tested.close())
