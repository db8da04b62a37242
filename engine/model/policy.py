"""What the owner of an object, or of a run, allows."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date
from typing import Final

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
        operator: Namespace of the ASO controller that has claimed the object; empty where none has.
        warnings: What was wrong with the annotations, in words.
        drift_waits: Why drift is not corrected now, although it is to be; empty when it may be.
    """

    reconcile: ReconcilePolicy = ReconcilePolicy.MANAGE
    drift: DriftPolicy = DriftPolicy.CORRECT
    protect: bool = False
    allow_replace: int | None = None
    ignore: tuple[IgnoreRule, ...] = ()
    operator: str = ""
    warnings: tuple[str, ...] = ()
    drift_waits: str = ""

    @property
    def why_drift_stays(self) -> str:
        """Return why drift is left alone, in words; empty when it is corrected."""
        return self.drift_waits if self.drift is DriftPolicy.CORRECT else f"its drift-policy is {self.drift}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may do at most.

    Attributes:
        allow_replace, allow_protected, allow_subscription: Names of objects.
        allow_rewrite: Write differences again that came back after a write.
        mass_delete_count: From this many deletes on ...
        mass_delete_share: ... that are also this share of what is managed, deletions wait: of all of it, and of each
            namespace.
        cascades: What an object owns goes with it, as in a cluster, whose garbage collector deletes owned objects.
        reads_per_s, writes_per_s, deletes_per_s: ARM's documented refill rates, for the budget a plan prints.
    """

    prune: bool = False
    adopt: bool = True
    allow_data_loss: bool = False
    allow_mass_delete: bool = False
    allow_denied: bool = False
    allow_other_owner: bool = False
    allow_replace: frozenset[str] = field(default_factory=frozenset)
    allow_protected: frozenset[str] = field(default_factory=frozenset)
    allow_subscription: frozenset[str] = field(default_factory=frozenset)
    allow_rewrite: bool = False
    mass_delete_count: int = 20
    mass_delete_share: float = 0.5
    reads_per_s: float = 25.0
    writes_per_s: float = 10.0
    deletes_per_s: float = 10.0
    read_burst: int = 250
    cascades: bool = False
    write_burst: int = 200
    delete_burst: int = 200

    @property
    def names_objects(self) -> bool:
        """Whether an option was given with the name of an object."""
        return any(getattr(self, name) for name in ALLOW_OBJECTS.values())

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return the ``--allow-…`` options that guards may name, as one would type them."""
        flags = [option for option, name in ALLOW_FLAGS.items() if getattr(self, name)]
        named = [f"{option} {one}" for option, name in ALLOW_OBJECTS.items() for one in sorted(getattr(self, name))]
        return (*flags, *named)


ALLOW_REPLACE: Final = "trueup.dev/allow-replace"
ALLOW_FLAGS: Final = {
    "--allow-data-loss": "allow_data_loss",
    "--allow-denied": "allow_denied",
    "--allow-mass-delete": "allow_mass_delete",
    "--allow-other-owner": "allow_other_owner",
    "--allow-rewrite": "allow_rewrite",
}
ALLOW_OBJECTS: Final = {
    "--allow-protected": "allow_protected",
    "--allow-replace": "allow_replace",
    "--allow-subscription": "allow_subscription",
}
"""Options that are given with the name of one object, each time."""
