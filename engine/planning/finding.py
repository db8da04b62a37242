"""What the planner decides about: one resource with its diff, and what the run allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.compare.subject import Witness
from engine.model.change import ResourceDiff
from engine.model.hold import Holds
from engine.model.ids import ArmId, ResourceKey
from engine.model.plan import Step
from engine.model.policy import Limits
from engine.model.refusal import Refusal
from engine.model.state import ActualState, Baseline, DesiredState


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One resource of the snapshot, compared.

    Attributes:
        actual: None while the id is not known.
        provisioning: Azure's provisioningState; empty when the resource shows none.
        settled: False while Azure still works on the resource, or when its last operation failed.
        owner: What Azure says of its owner, where a write waits for the owner's state; None where nobody asked.
        seen: Who else saw what Azure held, where nothing is remembered.
        soft_deleted: A deleted resource of this name still holds it, and can be recovered or purged.
    """

    desired: DesiredState
    actual: ActualState | None
    diff: ResourceDiff = field(default_factory=ResourceDiff)
    baseline: Baseline | None = None
    provisioning: str = ""
    settled: bool = True
    soft_deleted: bool = False
    seen: Witness | None = None
    owner: ActualState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """Everything a plan is made from.

    Attributes:
        findings: Resources to decide about.
        in_sync: Finished steps of resources that did not move since they were found in sync.
        orphans: Baselines whose object is no longer in the input, with what Azure holds now.
        contents: Ids inside resource groups that a step may delete; missing when they could not be read.
        holds: Locks and deny assignments, where something is to be sent.
        others: Resources of objects that this run does not decide about: filtered out, wrong, or of unknown id.
        problems: Why the input is not complete, one sentence each; then nothing is pruned.
        refusals: Requests that Azure does not take of a type.
        unread: Why Azure could not be read, one sentence each; then the plan is not complete.
    """

    findings: tuple[Finding, ...]
    endpoint: str
    in_sync: tuple[Step, ...] = ()
    orphans: tuple[tuple[Baseline, ActualState], ...] = ()
    contents: Mapping[ArmId, tuple[ArmId, ...]] = field(default_factory=dict)
    holds: Holds = field(default_factory=Holds)
    others: Mapping[ArmId, ResourceKey] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    problems: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def managed(self) -> int:
        """Return how many resources the input manages, orphans included."""
        return len(self.findings) + len(self.in_sync) + len(self.orphans)
