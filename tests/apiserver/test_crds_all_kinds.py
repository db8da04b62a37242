"""All definitions on one real API server: they install, and take every manifest that ASO's own take."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from engine.app.cli import main
from tests.apiserver.binaries import find_binaries
from tests.apiserver.plane import ControlPlane

pytestmark = pytest.mark.apiserver

REFUSED = {
    "alertsmanagement.azure.com/v1api20210401 SmartDetectorAlertRule": "misspells groupReferences",
    "alertsmanagement.azure.com/v20210401 SmartDetectorAlertRule": "misspells groupReferences",
    "apimanagement.azure.com/v1api20230501preview Api": "misspells apiVersionSetReference",
    "apimanagement.azure.com/v20230501preview Api": "misspells apiVersionSetReference",
    "apimanagement.azure.com/v1api20240501 AuthorizationProvidersAuthorization": "misspells oAuth2GrantType",
    "cache.azure.com/v20241101 RedisAccessPolicy": "sets type, which no spec has",
    "redhatopenshift.azure.com/v1api20260630preview HcpOpenShiftCluster": "says more of its owner than its name",
    "redhatopenshift.azure.com/v1api20260630preview HcpOpenShiftClustersExternalAuth": "the same",
    "redhatopenshift.azure.com/v1api20260630preview HcpOpenShiftClustersNodePool": "the same",
    "signalrservice.azure.com/v1api20240301 CustomCertificate": "sets a location, which the kind has not",
    "signalrservice.azure.com/v1api20240301 CustomDomain": "sets a location, which the kind has not",
    "sql.azure.com/v20211101 ServersEncryptionProtector": "names a resource whose name is fixed",
    "dbformariadb.azure.com Configuration": "query_cache_size: Kubernetes allows no underscore in a name",
}
"""Samples that ASO's own definitions refuse too, and the one that no API server takes."""
_UNKNOWN_MEMBER = re.compile(r"failed to create typed patch object \(\S+ ([^,]+), Kind=(\w+)\)")
_NO_NAME = re.compile(r'\(Invalid\): (\w+)\.(\S+) "[^"]+" is invalid: metadata.name')


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Return a cluster of its own: all kinds in all versions cost 2.4 GB."""
    found = find_binaries()
    if isinstance(found, str):
        pytest.skip(found)
    with ControlPlane(found, tmp_path_factory.mktemp("whole")) as running:
        yield running


@pytest.fixture(scope="module")
def installed(whole: ControlPlane) -> Path:
    """Install everything; return the way in."""
    config = whole.kubeconfig()
    assert main(["crds", "install", "--pattern", "*", "--kubeconfig", str(config)]) == 0
    return config


def test_nothing_differs_after_an_install(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server keeps all 294 definitions as they were given: a second install would change nothing."""
    capsys.readouterr()

    code = main(["crds", "diff", "--pattern", "*", "--kubeconfig", str(installed)])

    assert (code, capsys.readouterr().out) == (0, "0 of 294 definitions differ.\n")


@pytest.mark.shared
def test_every_sample_is_taken_as_it_is(whole: ControlPlane, installed: Path, shared: Path) -> None:
    """All samples apply unmodified, but those that ASO's own schema refuses too."""
    samples = shared / "aso" / "samples"
    documents = [d for path in samples.rglob("*.yaml") for d in yaml.safe_load_all(path.read_text()) if d]
    if whole.kubectl is None:
        pytest.skip("there is no kubectl")
    command = [str(whole.kubectl), "--kubeconfig", str(installed), "apply", "--server-side", "--dry-run=server"]

    done = subprocess.run([*command, "-R", "-f", str(samples)], capture_output=True, text=True, check=False)

    refused = [f"{version} {kind}" for version, kind in _UNKNOWN_MEMBER.findall(done.stderr)]
    refused += [f"{group} {kind}" for kind, group in _NO_NAME.findall(done.stderr)]
    assert sorted(refused) == sorted(REFUSED), done.stderr
    assert len(done.stdout.splitlines()) == len(documents) - len(REFUSED)
