"""Prints that tell whether an object or Azure's answer is what it was; they mean something in this process only."""

from __future__ import annotations

import hashlib

from engine.desired.policy import BASELINE
from engine.model.state import ActualState, CustomResource, StatusTrust

Identity = tuple[str, str, str, str]
BodyPrint = int


def print_of_object(resource: CustomResource) -> bytes:
    """Return what changes when the object does; its status counts only where it is a memory.

    Means something in this process only: of the annotation with our memory, which is long, Python's own hash counts,
    which the text keeps.
    """
    digest = hashlib.blake2b(resource.spec.raw, digest_size=16)
    if resource.status is not None and resource.trust is not StatusTrust.NONE:
        digest.update(resource.trust.value.encode())
        digest.update(resource.status.raw)
    if resource.annotations or resource.namespace_annotations or resource.deleting:
        texts = [(k, hash(v) if k == BASELINE else v) for k, v in resource.annotations.items()]
        digest.update(repr((texts, resource.namespace_annotations, resource.deleting)).encode())
    digest.update(resource.key.version.encode())
    return digest.digest()


def print_of_body(actual: ActualState) -> BodyPrint:
    """Return what changes when Azure's answer does.

    Python's own keyed hash of 64 bits: a seventh of the cost of a digest, and nobody outside can aim at it.
    """
    return hash(actual.document.raw if actual.document is not None else b"")
