"""Make the memory of a settled write."""

from __future__ import annotations

import hashlib
from datetime import datetime

from engine.compare.compare import RULES_VERSION, secrecy_of
from engine.model.document import Document
from engine.model.ids import Fingerprint
from engine.model.state import ActualState, Baseline, DesiredState


def make_baseline(
    desired: DesiredState, actual: ActualState, *, secret_key: bytes, at: datetime | None = None
) -> Baseline:
    """Remember what was sent and what Azure held right after; secrets become keyed hashes.

    Args:
        desired: What was sent.
        actual: What was read back once the write had settled; must be present.
        secret_key: Key of the hashes; without it a later comparison takes secrets for changed.
        at: The time now, where it is known.

    Raises:
        ValueError: ``actual`` has no body, or one that is not JSON.
    """
    if actual.document is None:
        raise ValueError(f"nothing was read back of {actual.id}")
    secrecy = secrecy_of(desired.arm_type, desired.api_version, desired.body)
    held = secrecy.hash_secrets(actual.document.value, secret_key)
    document = actual.document if held is actual.document.value else Document(value=held)
    return Baseline(
        id=actual.id,
        api_version=desired.api_version,
        desired=Document(value=secrecy.hash_secrets(desired.body, secret_key)),
        actual=document,
        body_hash=fingerprint(actual.document.raw),
        rules=RULES_VERSION,
        key=desired.key,
        at=at,
    )


def fingerprint(raw: bytes) -> Fingerprint:
    """Return the fingerprint of a body as read."""
    return Fingerprint(hashlib.blake2b(raw, digest_size=16).hexdigest())
