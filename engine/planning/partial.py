"""What may be carried out of a plan that is not complete."""

from __future__ import annotations

from dataclasses import replace

from engine.model.plan import Plan


def without_unreadable(plan: Plan) -> Plan:
    """Return the plan as complete: steps of unreadable resources stay and send nothing.

    What needs an unreadable resource to be created is blocked already (``arrange``).
    """
    return replace(plan, complete=True)
