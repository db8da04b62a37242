"""What one identity asks of an API server, counted from the server's own audit log."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class AuditLog:
    """The requests of one user; everybody else's are not logged."""

    def __init__(self, folder: Path, user: str) -> None:
        """Write the policy; give ``options`` to the API server."""
        self._log = folder / "audit.log"
        policy = folder / "audit-policy.json"
        rules = [
            {"level": "Metadata", "users": [user], "omitStages": ["RequestReceived", "ResponseStarted"]},
            {"level": "None"},
        ]
        policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules}))
        self.options = (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self._log}",
            "--audit-log-maxsize=2000",
        )

    def counts(self) -> Counter[str]:
        """Return how many requests were answered so far, as ``verb resource/subresource``.

        All custom resources are ``objects``; a watch counts when it ends.
        """
        found: Counter[str] = Counter()
        if not self._log.exists():
            return found
        with self._log.open(encoding="utf-8") as lines:
            for line in lines:
                event = json.loads(line)
                found[f"{event['verb']} {_what(event.get('objectRef'))}"] += 1
        return found


def _what(ref: dict[str, str] | None) -> str:
    if ref is None:
        return "discovery"
    name = "objects" if ref.get("apiGroup", "").endswith(".azure.com") else ref.get("resource", "?")
    return f"{name}/{ref['subresource']}" if "subresource" in ref else name


def writes(counts: Counter[str], *, leases: bool = False) -> int:
    """Return how many of them change something; Leases only on demand."""
    return sum(n for what, n in counts.items() if what.split()[0] in WRITES and (leases or "leases" not in what))
