"""How bad a move is: what opens, what endangers data, what is only a label."""

from __future__ import annotations

from typing import Any

import pytest

from engine.drift.severity import Severity, severity_of_missing, severity_of_moves
from engine.model.document import ABSENT, REDACTED
from tests.builders import build_change

STORAGE = "Microsoft.Storage/storageAccounts"
VAULT = "Microsoft.KeyVault/vaults"
SITES = "Microsoft.Web/sites"
FLOW_LOGS = "Microsoft.Network/networkWatchers/flowLogs"

CASES: dict[str, tuple[str, str, Any, Any, Severity]] = {
    "a tag": (STORAGE, "/tags/app", "shop", "other", Severity.INFO),
    "a whole map of tags": (STORAGE, "/tags", {"a": "b"}, ABSENT, Severity.INFO),
    "public access opened": (STORAGE, "/properties/allowBlobPublicAccess", False, True, Severity.CRITICAL),
    "public access closed": (STORAGE, "/properties/allowBlobPublicAccess", True, False, Severity.WARNING),
    "the network opened": (STORAGE, "/properties/publicNetworkAccess", "Disabled", "Enabled", Severity.CRITICAL),
    "the network closed": (STORAGE, "/properties/publicNetworkAccess", "Enabled", "Disabled", Severity.WARNING),
    "a gate's default": (STORAGE, "/properties/networkAcls/defaultAction", "Deny", "Allow", Severity.CRITICAL),
    "inside an object that moved whole": (
        STORAGE,
        "/properties/networkAcls",
        {"bypass": "None", "defaultAction": "Deny"},
        {"bypass": "None", "defaultAction": "Allow"},
        Severity.CRITICAL,
    ),
    "an object that moved elsewhere": (
        STORAGE,
        "/properties/networkAcls",
        {"bypass": "None", "defaultAction": "Allow"},
        {"bypass": "AzureServices", "defaultAction": "Allow"},
        Severity.WARNING,
    ),
    "an address let in": (
        STORAGE,
        "/properties/networkAcls/ipRules/0",
        ABSENT,
        {"value": "1.2.3.4"},
        Severity.CRITICAL,
    ),
    "an address shut out": (
        STORAGE,
        "/properties/networkAcls/ipRules/0",
        {"value": "1.2.3.4"},
        ABSENT,
        Severity.WARNING,
    ),
    "a range added to a list": (
        "Microsoft.ContainerService/managedClusters",
        "/properties/apiServerAccessProfile/authorizedIPRanges",
        ["10.0.0.0/8"],
        ["10.0.0.0/8", "0.0.0.0/0"],
        Severity.CRITICAL,
    ),
    "a range taken from a list": (
        "Microsoft.ContainerService/managedClusters",
        "/properties/apiServerAccessProfile/authorizedIPRanges",
        ["10.0.0.0/8", "10.1.0.0/16"],
        ["10.0.0.0/8"],
        Severity.WARNING,
    ),
    "an older TLS": (STORAGE, "/properties/minimumTlsVersion", "TLS1_2", "TLS1_0", Severity.CRITICAL),
    "a newer TLS": (STORAGE, "/properties/minimumTlsVersion", "TLS1_2", "TLS1_3", Severity.WARNING),
    "plain HTTP": (SITES, "/properties/httpsOnly", True, False, Severity.CRITICAL),
    "fewer days to undelete data": (VAULT, "/properties/softDeleteRetentionInDays", 90, 7, Severity.CRITICAL),
    "more days to undelete data": (VAULT, "/properties/softDeleteRetentionInDays", 7, 90, Severity.WARNING),
    "fewer days of what holds no data": (FLOW_LOGS, "/properties/retentionPolicy/days", 90, 7, Severity.WARNING),
    "a role": ("Microsoft.Authorization/roleAssignments", "/properties/description", "a", "b", Severity.CRITICAL),
    "a rule of a firewall": (
        "Microsoft.Sql/servers/firewallRules",
        "/properties/endIpAddress",
        "1.1.1.1",
        "9.9.9.9",
        Severity.CRITICAL,
    ),
    "a secret": (STORAGE, "/properties/password", REDACTED, REDACTED, Severity.WARNING),
    "anything else": (STORAGE, "/sku/name", "Standard_LRS", "Standard_GRS", Severity.WARNING),
}


@pytest.mark.parametrize(("arm_type", "path", "was", "now", "expected"), CASES.values(), ids=CASES)
def test_a_move_is_as_bad_as_what_it_does(arm_type: str, path: str, was: Any, now: Any, expected: Severity) -> None:
    """Direction counts: what opens or endangers data is critical, the way back is not, tags are never."""
    move = build_change(path, before=was, after=now)

    assert severity_of_moves(arm_type, [move]) is expected


def test_the_worst_place_decides() -> None:
    """A resource with a tag and an open door is critical."""
    tag = build_change("/tags/a", before="b", after="c")
    door = build_change("/properties/publicNetworkAccess", before="Disabled", after="Enabled")

    assert severity_of_moves(STORAGE, [tag, door]) is Severity.CRITICAL


def test_what_held_data_and_is_gone_is_critical() -> None:
    """A resource that is gone is as bad as what went with it."""
    found = {t: severity_of_missing(t) for t in (STORAGE, "Microsoft.Network/publicIPAddresses")}

    assert found == {STORAGE: Severity.CRITICAL, "Microsoft.Network/publicIPAddresses": Severity.WARNING}
