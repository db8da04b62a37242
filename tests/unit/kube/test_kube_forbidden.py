"""A missing right is told as the rule that gives it."""

from __future__ import annotations

import pytest

from providers.kube.forbidden import MissingRightError, explain_forbidden

WHO = "system:serviceaccount:aso:trueup"


@pytest.mark.parametrize(
    ("message", "said", "hint"),
    [
        (
            f'secrets is forbidden: User "{WHO}" cannot list resource "secrets" in API group "" at the cluster scope',
            f"{WHO} may not list secrets in the whole cluster of prod",
            'bind it to a ClusterRole with the rule {apiGroups: [""], resources: ["secrets"], verbs: ["list"]}',
        ),
        (
            (
                f'routetables.network.azure.com "a" is forbidden: User "{WHO}" cannot patch resource '
                '"routetables/status" in API group "network.azure.com" in the namespace "web"'
            ),
            f"{WHO} may not patch routetables/status.network.azure.com in namespace web of prod",
            (
                'bind it to a Role with the rule {apiGroups: ["network.azure.com"], resources: ["routetables/status"], '
                'verbs: ["patch"]}'
            ),
        ),
        (
            'pods "a" is forbidden: exceeded quota',
            "The credentials for prod may not write this",
            "ask for the right that the detail names",
        ),
    ],
    ids=["cluster", "namespace", "no-rbac"],
)
def test_the_rule_that_is_missing_is_named(message: str, said: str, hint: str) -> None:
    """The server's words give verb, resource, group and place; other words stay as they are."""
    found = explain_forbidden(message, method="POST", cluster="prod", detail="POST /")

    assert (found.summary, found.hint) == (said, hint)
    assert isinstance(found, MissingRightError) == ("cannot" in message)
