"""What makes a group of the directory as its object says."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import InvalidSpecError
from engine.model.group import FoundGroup, WantedGroup


def plan_group(wanted: WantedGroup, found: FoundGroup) -> Mapping[str, str]:
    """Return the members to change, as Microsoft Graph names them; none when nothing differs.

    Raises:
        InvalidSpecError: Something differs that a group keeps for life.
    """
    _check_fixed(wanted, found)
    pairs = {
        "displayName": (wanted.display_name, found.display_name),
        "mailNickname": (wanted.mail_nickname, found.mail_nickname),
        "description": (wanted.description, found.description),
    }
    return {name: asked for name, (asked, held) in pairs.items() if asked is not None and asked != held}


def _check_fixed(wanted: WantedGroup, found: FoundGroup) -> None:
    if wanted.membership is not None and wanted.membership is not found.membership:
        raise InvalidSpecError(
            f"group {found.id} is {found.membership}, not {wanted.membership}, and that is not changed here",
            hint="change membershipType of the object, or make another group",
        )
    if wanted.is_assignable_to_role is not None and wanted.is_assignable_to_role is not found.is_assignable_to_role:
        raise InvalidSpecError(
            f"isAssignableToRole of group {found.id} was decided when it was created",
            hint="take the member out of the object, or make another group",
        )
