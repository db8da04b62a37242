"""The page on security names what there is: roles, Secrets, ports, and tests that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from engine.crds.policy import admission_policies
from engine.drift.definition import drift_report_definition
from providers.kube.hash_key import NAME as HASH_KEY
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
_NAMED = sorted(set(re.findall(r"`(tests/[\w/]+(?:\.py)?)`", PAGE)))


def manifests(base: str) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all((ROOT / "deploy" / "kustomize" / base / "trueup.yaml").read_text())


@pytest.mark.parametrize("named", _NAMED)
def test_what_a_line_names_is_there(named: str) -> None:
    """A file of tests, or a folder of them."""
    path = ROOT / named

    assert list(path.glob("test_*.py")) if path.is_dir() else "def test_" in path.read_text()


@pytest.mark.parametrize("base", ["manage", "watch"])
def test_every_role_is_on_the_page(base: str) -> None:
    """A right that the chart gives and the page is silent about would be one that nobody agreed to."""
    roles = [o["metadata"]["name"] for o in manifests(base) if o["kind"] in ("Role", "ClusterRole")]

    assert roles
    assert [name for name in roles if f"`{name.removesuffix('-trueup-system')}`" not in PAGE] == []


@pytest.mark.parametrize("base", ["manage", "watch"])
def test_every_port_is_on_the_page(base: str) -> None:
    """What the container answers, and what the network policy lets out beside HTTPS, names and the API server."""
    (deployment,) = [o for o in manifests(base) if o["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    out = [o["spec"]["egress"] for o in manifests(base) if o["kind"] == "NetworkPolicy" and "egress" in o["spec"]]
    ports = {p["port"] for rules in out for rule in rules for p in rule["ports"]} - {53, 443, 6443}

    listening = [p["containerPort"] for p in container["ports"]]
    assert [port for port in listening if f"| {port} |" not in PAGE] == []
    assert [port for port in ports if not re.search(rf"\b{port}\b", PAGE)] == []


def test_names_are_those_of_the_code() -> None:
    """The Secret with the key, the policies, our own kind."""
    policies = {p["metadata"]["name"] for p in admission_policies()}

    assert f"`{HASH_KEY}`" in PAGE
    assert [name for name in policies if f"`{name}`" not in PAGE] == []
    assert drift_report_definition()["spec"]["names"]["kind"] in PAGE
