"""Admission policies that refuse: what they and their bindings have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

LABELS: Final = {"app.kubernetes.io/managed-by": "trueup"}
API: Final = "admissionregistration.k8s.io"


def refuse_updates(
    name: str,
    *,
    groups: Sequence[str],
    resources: Sequence[str],
    claimed: str,
    validations: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return a policy for updates of claimed objects, and its binding.

    Args:
        name: Of both.
        groups: API groups whose objects it is about.
        resources: Of these groups.
        claimed: Whether an object is claimed, in CEL.
        validations: What must hold.
    """
    metadata = {"name": name, "labels": LABELS}
    rule = {"apiGroups": list(groups), "apiVersions": ["*"], "operations": ["UPDATE"], "resources": list(resources)}
    policy = {
        "apiVersion": f"{API}/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [{**rule, "scope": "*"}],
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
            },
            "matchConditions": [{"name": "claimed", "expression": claimed}],
            "validations": list(validations),
        },
    }
    binding = {
        "apiVersion": f"{API}/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    return [policy, binding]
