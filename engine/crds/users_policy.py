"""What ASO's webhooks refuse for users of databases: without a resource id, their finalizer says that they exist."""

from __future__ import annotations

from typing import Any, Final

from engine.crds.admission import refuse_updates

NAME: Final = "trueup-users"
_GROUPS: Final = ("dbformysql.azure.com", "dbforpostgresql.azure.com", "sql.azure.com")
_FINALIZER: Final = "serviceoperator.azure.com/finalizer"
_CLAIMED: Final = f"has(object.metadata.finalizers) && '{_FINALIZER}' in object.metadata.finalizers"
_NAME: Final = "(has({0}.spec.azureName) && {0}.spec.azureName != '' ? {0}.spec.azureName : {0}.metadata.name)"
_OWNER: Final = "(has({0}.spec.owner) && has({0}.spec.owner.name) ? {0}.spec.owner.name : '')"
_IS_LOCAL: Final = "has({0}.spec.localUser)"
_ALIAS: Final = "(has({0}.spec.aadUser) && has({0}.spec.aadUser.alias) ? {0}.spec.aadUser.alias : '')"
_WHO: Final = " is not allowed for '\" + object.kind + ' ' + object.metadata.name + \"'\""
_KEPT: Final = {
    "updating 'spec.azureName'": _NAME,
    "updating 'spec.owner.name'": _OWNER,
    "changing between 'spec.localUser' and 'spec.aadUser'": _IS_LOCAL,
    "updating 'spec.aadUser.alias'": _ALIAS,
}


def users_policy() -> list[dict[str, Any]]:
    """Return the policy and its binding: another name, owner, kind or alias would leave the first user behind."""
    validations = [
        {
            "expression": f"{kept.format('oldObject')} == {kept.format('object')}",
            "messageExpression": f'"{what}{_WHO}',
            "reason": "Invalid",
        }
        for what, kept in _KEPT.items()
    ]
    return refuse_updates(NAME, groups=_GROUPS, resources=["users"], claimed=_CLAIMED, validations=validations)
