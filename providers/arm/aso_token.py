"""Resume tokens that ASO left on objects: azcore's saved pollers, told apart by the members they have."""

from __future__ import annotations

from typing import Any, Final

_METHODS: Final = {
    "GenericResource": "PUT",
    "GenericDeleteResponse": "DELETE",
    "BackupInstancesClientSyncBackupInstanceResponse": "POST",
}
"""By the Go type that ASO names as the result."""


def is_aso_token(members: Any) -> bool:
    """Whether a decoded token is azcore's: a result type, and a poller below ``token``."""
    return isinstance(members, dict) and "format" not in members and isinstance(members.get("token"), dict)


def translate(members: dict[str, Any]) -> dict[str, Any]:
    """Return what our own token would hold for the same operation.

    Raises:
        KeyError: It is none of azcore's pollers.
    """
    inner = members["token"]
    method = inner.get("method") or _METHODS[members["type"]]
    original = inner.get("origURL", "")
    if inner.get("asyncURL") or inner.get("oplocURL"):
        url = inner.get("asyncURL") or inner["oplocURL"]
        return {"method": method, "kind": "operation", "url": url, "resource_url": original}
    url = inner["pollURL"]
    if inner["type"] == "loc":
        return {"method": method, "kind": "location", "url": url, "resource_url": ""}
    return {"method": method, "kind": "resource", "url": url, "resource_url": url}
