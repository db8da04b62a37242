"""The page of differences from ASO names tests that exist."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "differences-from-aso.md"
_NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE.read_text())))


@pytest.mark.parametrize("named", _NAMED)
def test_every_test_that_a_row_names_is_there(named: str) -> None:
    """A row that names a test names one that runs."""
    file, _, function = named.partition("::")

    text = (ROOT / file).read_text()

    assert f"def {function or 'test_'}" in text


def test_every_setting_of_aso_has_a_row() -> None:
    """No setting that ASO documents is left out."""
    text = PAGE.read_text()
    settings = (
        "AZURE_SUBSCRIPTION_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET",
        "AZURE_CLIENT_CERTIFICATE",
        "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_USER_ASSIGNED_IDENTITY_CREDENTIALS", "AZURE_ADDITIONAL_TENANTS",
        "USE_WORKLOAD_IDENTITY_AUTH", "AZURE_SYNC_PERIOD", "AZURE_OPERATOR_MODE", "AZURE_TARGET_NAMESPACES",
        "AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_RESOURCE_MANAGER_AUDIENCE", "AZURE_AUTHORITY_HOST",
        "ALLOW_MULTI_ENV_MANAGEMENT", "AZURE_USER_AGENT_SUFFIX", "MAX_CONCURRENT_RECONCILES", "RATE_LIMIT_MODE",
        "RATE_LIMIT_QPS", "RATE_LIMIT_BUCKET_SIZE", "DEFAULT_RECONCILE_POLICY", "POD_NAMESPACE", "ENTRA_APP_ID",
        "--crd-management", "--crd-pattern", "--crd-labels", "--v", "--json-logging", "--webhook-port",
        "--webhook-cert-dir", "--profiling-metrics",
    )  # fmt: skip

    assert [name for name in settings if f"`{name}`" not in text] == []
