"""What ASO's mutating webhook fills in: a policy that the API server runs itself, where it can."""

from __future__ import annotations

from typing import Any, Final

from engine.crds.admission import API, LABELS
from engine.desired.naming import has_uuid_name
from schemas.kind_types import Kind
from schemas.kinds import groups, kinds_of, lookup_kind, versions

NAME: Final = "trueup-names"
RESOURCE: Final = "mutatingadmissionpolicies"
SERVED: Final = ("v1", "v1beta1", "v1alpha1")
"""Versions in which API servers may serve such policies, the best first."""
_NAMED: Final = "has(object.metadata.name) && object.metadata.name != ''"
_MISSING: Final = "has(object.spec) && (!has(object.spec.azureName) || object.spec.azureName == '')"
_FREE: Final = "!has(object.spec.azureNameFromConfig)"


def naming_policy(version: str) -> list[dict[str, Any]]:
    """Return the policy that makes the object's name its name in Azure where none is given, and its binding.

    Without it the pod does the same a moment later, by the write that adds the finalizer; so a policy that cannot be
    evaluated stops nobody. Names that are UUIDs, and those from config maps, stay the pod's business.

    Args:
        version: In which the API server serves such policies.
    """
    metadata = {"name": NAME, "labels": LABELS}
    patch = "[JSONPatch{op: 'add', path: '/spec/azureName', value: object.metadata.name}]"
    policy = {
        "apiVersion": f"{API}/{version}",
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Ignore",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "resourceRules": [_rule(group) for group in groups() if _plurals(group)],
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
            },
            "matchConditions": [
                {"name": "named", "expression": _NAMED},
                {"name": "missing", "expression": _MISSING},
                {"name": "free", "expression": _FREE},
            ],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
        },
    }
    binding = {
        "apiVersion": f"{API}/{version}",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": NAME},
    }
    return [policy, binding]


def _rule(group: str) -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": _plurals(group),
        "scope": "*",
    }


def _plurals(group: str) -> list[str]:
    """Return the kinds of a group whose default name in Azure is the object's."""
    newest = (lookup_kind(group, versions(group, kind)[-1], kind) for kind in kinds_of(group))
    return [k.plural for k in newest if k is not None and _takes_name(k)]


def _takes_name(kind: Kind) -> bool:
    return "azureName" in kind.spec.members and not has_uuid_name(kind)
