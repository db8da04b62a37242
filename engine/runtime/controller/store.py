"""What the controller remembers of its writes while it runs; what outlives it stands on the objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from engine.desired.policy import BASELINE
from engine.model.ids import ArmId, ResourceKey
from engine.model.refusal import Refusal
from engine.model.state import Baseline
from engine.runtime.as_asked import shorten
from engine.runtime.baselines import annotation_patch


class ControllerStore:
    """Implements ``BaselineStore`` in memory."""

    def __init__(self, secret_key: bytes) -> None:
        """Start empty; ``secret_key`` is the key of the hashes of secrets."""
        self._secret_key = secret_key
        self._baselines: dict[ArmId, Baseline] = {}
        self._refusals: dict[tuple[str, str, str], Refusal] = {}
        self._promised: dict[ArmId, Baseline] = {}

    def load(self) -> Mapping[ArmId, Baseline]:
        """Return what is remembered."""
        return self._baselines

    def promise(self, resource: ArmId) -> str | None:
        """Return what a resource that is about to be created is to be remembered as if Azure takes it as it is asked.

        None where nothing is created, or more has to be known.
        """
        self._promised.pop(resource, None)
        intent = self._baselines.get(resource)
        short = shorten(intent) if intent is not None and intent.is_intent else None
        if short is None:
            return None
        patch = annotation_patch(short, secret_key=self._secret_key)
        if patch.lost or patch.is_dropped:
            return None
        self._promised[resource] = short
        return str(patch.patch["metadata"]["annotations"][BASELINE])

    def hand_over(self, resource: ArmId) -> str | None:
        """Return what is remembered of a resource as its object is to carry it, and keep it no longer.

        Empty where it does not fit, or nothing is known; None when the object carries it already.
        """
        baseline, promised = self._baselines.pop(resource, None), self._promised.pop(resource, None)
        if baseline is None or baseline.is_intent:
            return None if promised is None else ""
        if promised is not None and baseline.as_asked and shorten(baseline) == promised:
            return None
        patch = annotation_patch(replace(baseline, as_asked=False), secret_key=self._secret_key).patch
        return patch["metadata"]["annotations"][BASELINE] or ""

    def release(self, resources: Iterable[ArmId]) -> None:
        """Keep nothing of resources that were not written: their objects say what they were found as."""
        for resource in resources:
            self._baselines.pop(resource, None)
            self._promised.pop(resource, None)

    def warnings(self) -> Sequence[str]:
        """Return nothing: memory is never unusable."""
        return ()

    def prepare(self) -> None:
        """Do nothing: memory can always be written."""

    def save(self, *baselines: Baseline) -> None:
        """Remember baselines."""
        self._baselines.update({b.id: b for b in baselines})

    def forget(self, resource: ArmId) -> None:
        """Forget a resource and what lies below it."""
        for known in [i for i in self._baselines if i == resource or i.is_within(resource)]:
            del self._baselines[known]
            self._promised.pop(known, None)

    def save_operation(self, resource: ArmId, key: ResourceKey, token: str) -> None:
        """Do nothing: the token stood on the object before anybody waited."""

    def operations(self) -> Mapping[ArmId, str]:
        """Return nothing: operations are resumed from the objects."""
        return {}

    def clear_operation(self, resource: ArmId) -> None:
        """Do nothing: the object is written when the step ends."""

    def refusals(self) -> Sequence[Refusal]:
        """Return what Azure did not take since the process began."""
        return tuple(self._refusals.values())

    def save_refusal(self, refusal: Refusal) -> None:
        """Remember what Azure did not take."""
        self._refusals[refusal.arm_type, refusal.api_version, refusal.member] = refusal

    def secret_key(self) -> bytes:
        """Return the key of the hashes of secrets."""
        return self._secret_key
