"""What Azure refused of a type: a request that it does not take, however often it is sent."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model.ids import ApiVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A PATCH that Azure did not take, for reasons that are not in the values.

    Attributes:
        arm_type: In lower case.
        member: Names joined by dots; empty when it is the method that was refused, and the path of the tags API when
            it is that.
        why: Azure's words.
    """

    arm_type: str
    api_version: ApiVersion
    member: str = ""
    why: str = ""
