"""What the owner of an object, or of a run, allows."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date

from engine.model.path import FieldPath


class ReconcilePolicy(enum.StrEnum):
    """ASO's ``serviceoperator.azure.com/reconcile-policy``."""

    MANAGE = "manage"
    SKIP = "skip"
    DETACH_ON_DELETE = "detach-on-delete"


class DriftPolicy(enum.StrEnum):
    """``trueup.dev/drift-policy``."""

    CORRECT = "correct"
    REPORT = "report"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRule:
    """Neither alarm nor write at this place, until that day.

    Attributes:
        path: Place in the ARM body. ``*`` in a segment is any text; ``[name=web]`` is the list element with that name.
        pointer: The place as its author wrote it.
        source: Where it was written; empty for the object's own annotation.
    """

    path: FieldPath
    until: date | None = None
    pointer: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPolicy:
    """Annotations of one object (and its namespace) that limit what may be done.

    Attributes:
        allow_replace: The generation for which a replace is approved; None when none is.
        warnings: What was wrong with the annotations, in words.
    """

    reconcile: ReconcilePolicy = ReconcilePolicy.MANAGE
    drift: DriftPolicy = DriftPolicy.CORRECT
    protect: bool = False
    allow_replace: int | None = None
    ignore: tuple[IgnoreRule, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may do at most.

    Attributes:
        mass_delete_count: From this many deletes on ...
        mass_delete_share: ... that are also this share of what is managed, deletions wait.
        reads_per_s, writes_per_s, deletes_per_s: ARM's documented refill rates, for the budget a plan prints.
    """

    prune: bool = False
    adopt: bool = True
    allow_data_loss: bool = False
    allow_mass_delete: bool = False
    allow_replace: frozenset[str] = field(default_factory=frozenset)
    mass_delete_count: int = 20
    mass_delete_share: float = 0.5
    reads_per_s: float = 25.0
    writes_per_s: float = 10.0
    deletes_per_s: float = 10.0
    write_burst: int = 200
