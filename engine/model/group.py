"""Groups of Microsoft Entra: what an object asks for, and what the directory holds."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from engine.model.document import Secret


class Membership(enum.StrEnum):
    """Who decides about members, and whether the group has a mailbox; values are the kind's."""

    ASSIGNED = "assigned"
    DYNAMIC = "enabled"
    ASSIGNED_M365 = "assignedm365"
    DYNAMIC_M365 = "enabledm365"

    @property
    def is_dynamic(self) -> bool:
        """Whether a rule decides about members; the kind has no member for the rule."""
        return self in (Membership.DYNAMIC, Membership.DYNAMIC_M365)

    @property
    def is_m365(self) -> bool:
        """Whether the group has a mailbox."""
        return self in (Membership.ASSIGNED_M365, Membership.DYNAMIC_M365)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphAccess:
    """Where Microsoft Graph is, and what lets in."""

    endpoint: str
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedGroup:
    """What an object asks for.

    Attributes:
        unique_name: What makes a create that is sent twice one group; from the object's uid.
        adopts: A group of that display name that is there already is taken over.
        id_goes_to: Name and key of the ConfigMap that is to hold the group's id; None: nobody asked for it.
        description, membership, is_assignable_to_role: None: no opinion.
    """

    unique_name: str
    display_name: str
    mail_nickname: str
    description: str | None = None
    membership: Membership | None = None
    is_assignable_to_role: bool | None = None
    adopts: bool = True
    id_goes_to: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGroup:
    """What the directory holds.

    Attributes:
        mail: Address of the mailbox; empty without one.
    """

    id: str
    display_name: str = ""
    mail_nickname: str = ""
    description: str = ""
    mail: str = ""
    membership: Membership = Membership.ASSIGNED
    is_assignable_to_role: bool = False
