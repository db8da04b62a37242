"""What ASO refuses in webhooks and a schema cannot say: an admission policy that the API server runs itself."""

from __future__ import annotations

from typing import Any, Final

from engine.crds.admission import refuse_updates
from engine.crds.users_policy import users_policy
from schemas.kinds import groups

NAME: Final = "trueup-immutable"
_CLAIMED: Final = (
    "has(object.metadata.annotations) && 'serviceoperator.azure.com/resource-id' in object.metadata.annotations"
)
_WHO: Final = " + \"' is not allowed for '\" + object.apiVersion + '/' + object.kind + ' : ' + object.metadata.name"


def _text(place: str, *, when: str = "") -> dict[str, str]:
    """Return a check that a text which was set stays as it is."""
    old, new = f"oldObject.spec.{place}", f"object.spec.{place}"
    above = place.rpartition(".")[0]
    there = f"has(oldObject.spec.{above}) && " if above else ""
    still = f"has(object.spec.{above}) && " if above else ""
    rule = f"!(has(oldObject.spec) && {there}has({old}) && {old} != '') || ({still}has({new}) && {new} == {old})"
    return {
        "expression": f"{when} || {rule}" if when else rule,
        "messageExpression": f'"updating \'spec.{place}"{_WHO}',
        "reason": "Invalid",
    }


_SET: Final = "has({0}.spec) && has({0}.spec.azureName) && {0}.spec.azureName != ''"
_SAME_NAME: Final = (
    "object.metadata.annotations['serviceoperator.azure.com/resource-id'].lowerAscii()"
    ".endsWith('/' + object.spec.azureName.lowerAscii())"
)
"""The default may be written down once the resource exists, and nothing else."""
_HAD_OWNER: Final = "(has(oldObject.spec) && has(oldObject.spec.owner))"
_HAS_OWNER: Final = "(has(object.spec) && has(object.spec.owner))"


def admission_policies() -> list[dict[str, Any]]:
    """Return the policies and their bindings.

    Once a resource exists its name and its owner are part of its id: another one would be another resource.
    """
    kept = f"!{_HAD_OWNER} || !{_HAS_OWNER}"
    validations = [
        _text("azureName"),
        {
            "expression": f"({_SET.format('oldObject')}) || !({_SET.format('object')}) || {_SAME_NAME}",
            "messageExpression": f'"updating \'spec.azureName"{_WHO}',
            "reason": "Invalid",
        },
        {
            "expression": f"{_HAD_OWNER} || !{_HAS_OWNER}",
            "message": "adding an owner to an already created resource is not allowed",
            "reason": "Invalid",
        },
        {
            "expression": f"!{_HAD_OWNER} || {_HAS_OWNER}",
            "message": "removing 'spec.owner' is not allowed",
            "reason": "Invalid",
        },
        _text("owner.name", when=kept),
        _text("owner.armId", when=kept),
    ]
    refused = refuse_updates(NAME, groups=groups(), resources=["*"], claimed=_CLAIMED, validations=validations)
    return [*refused, *users_policy()]
