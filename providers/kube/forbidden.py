"""A 403 in words: which right is missing, and which rule gives it."""

from __future__ import annotations

import re
from typing import Final

from engine.errors import PolicyDeniedError

_RBAC: Final = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]+)")?'
)


class MissingRightError(PolicyDeniedError):
    """No role gives the right; other refusals are about what was sent, or where to."""


def explain_forbidden(message: str, *, method: str, cluster: str, detail: str) -> PolicyDeniedError:
    """Return the error that a 403 is.

    Args:
        message: The server's; authorization of other makes, and admission, have words of their own.
        method: Of the request.
        cluster: Its name.
        detail: The request and the server's words.
    """
    found = _RBAC.search(message)
    if found is None:
        said = f"The credentials for {cluster} may not {'read' if method == 'GET' else 'write'} this"
        return PolicyDeniedError(said, detail=detail, hint="ask for the right that the detail names")
    verb, resource, group = found["verb"], found["resource"], found["group"]
    place = f"in namespace {found['namespace']}" if found["namespace"] else "in the whole cluster"
    kind = "Role" if found["namespace"] else "ClusterRole"
    rule = f'{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["{verb}"]}}'
    name = f"{resource}.{group}" if group else resource
    said = f"{found['user']} may not {verb} {name} {place} of {cluster}"
    return MissingRightError(said, detail=detail, hint=f"bind it to a {kind} with the rule {rule}")
