"""What the API server's own audit says: who asked for what, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
  - level: None
"""


@dataclass(frozen=True)
class Use:
    """One verb on one resource; ``code`` is how it was answered."""

    verb: str
    group: str
    resource: str
    code: int


@dataclass(frozen=True)
class AuditLog:
    """The file that the API server writes; lines are there before the answers are."""

    folder: Path

    def options(self) -> tuple[str, ...]:
        """Write the policy; return the flags of the API server."""
        policy = self.folder / "audit-policy.yaml"
        policy.write_text(_POLICY)
        return (f"--audit-policy-file={policy}", f"--audit-log-path={self._log}", "--audit-log-mode=blocking-strict")

    @property
    def _log(self) -> Path:
        return self.folder / "audit.jsonl"

    def uses(self, namespace: str) -> Iterator[Use]:
        """Yield what ServiceAccounts of a namespace asked for, the first time each."""
        seen: set[Use] = set()
        for line in self._log.read_text().splitlines():
            event: Any = json.loads(line)
            if not event["user"]["username"].startswith(f"system:serviceaccount:{namespace}:"):
                continue
            about = event.get("objectRef", {})
            use = Use(
                event["verb"],
                about.get("apiGroup", ""),
                about.get("resource", ""),
                event.get("responseStatus", {}).get("code", 0),
            )
            if use not in seen:
                seen.add(use)
                yield use
