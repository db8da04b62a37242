"""ServiceAccounts with the rights that the chart gives: what pods of the tests may do, and nothing more."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Iterable
from typing import Any

import yaml

from tests.apiserver.api import Identity
from tests.apiserver.plane import ControlPlane
from tests.conftest import ROOT
from tests.verbs_desk import Object

RBAC = "/apis/rbac.authorization.k8s.io/v1"
_GROUP = "rbac.authorization.k8s.io"


class Rights(enum.Enum):
    """What the chart gives, by what the pod is for: a base made from it, and the roles that are left out."""

    MANAGE = ("manage", "crd-manager")
    INSTALL = ("manage", "")
    REPORT = ("watch", "")


Keep = Callable[[str, Object], bool]
"""Takes the name of a role and a rule: whether the rule is kept."""
Without = tuple[str, str]
"""A verb and a resource: no rule gives that verb for it."""


def chart_account(
    plane: ControlPlane,
    namespace: str,
    name: str,
    rights: Rights = Rights.MANAGE,
    *,
    keep: Keep | None = None,
    without: Without | None = None,
) -> Identity:
    """Make a ServiceAccount with the chart's roles; return its token."""
    plane.admin.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
    bind(plane, namespace, name, chart_roles(rights), keep=keep, without=without)
    return Identity(token=plane.token(namespace, name))


def bind(
    plane: ControlPlane,
    namespace: str,
    name: str,
    roles: Iterable[Object],
    *,
    keep: Keep | None = None,
    without: Without | None = None,
) -> None:
    """Give roles to a ServiceAccount."""
    admin = plane.admin
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    for role in roles:
        kind, label = role["kind"], role["metadata"]["name"]
        kept = (rule for rule in role["rules"] if keep is None or keep(label, rule))
        rules = [less for rule in kept for less in _less(rule, without)]
        metadata = {"name": f"{namespace}-{name}-{label}"}
        where = f"{RBAC}/namespaces/{namespace}" if kind == "Role" else RBAC
        admin.create(f"{where}/{kind.lower()}s", {"metadata": metadata, "rules": rules})
        reference = {"apiGroup": _GROUP, "kind": kind, "name": metadata["name"]}
        binding = {"metadata": metadata, "roleRef": reference, "subjects": [subject]}
        admin.create(f"{where}/{kind.lower()}bindings", binding)


def _less(rule: Object, without: Without | None) -> list[Object]:
    """Return a rule without the verb; other resources of it keep theirs."""
    if without is None or without[1] not in rule["resources"]:
        return [rule]
    verb, resource = without
    others = [name for name in rule["resources"] if name != resource]
    less = {**rule, "resources": [resource], "verbs": [v for v in rule["verbs"] if v != verb]}
    return [*([less] if less["verbs"] else []), *([{**rule, "resources": others}] if others else [])]


def chart_roles(rights: Rights) -> list[Object]:
    """Return the roles, as the manifests that are made from the chart hold them."""
    base, left_out = rights.value
    return [r for r in _roles(base) if not left_out or left_out not in r["metadata"]["name"]]


@functools.cache
def _roles(base: str) -> list[Any]:
    text = (ROOT / "deploy" / "kustomize" / base / "trueup.yaml").read_text()
    return [o for o in yaml.safe_load_all(text) if o["kind"] in ("Role", "ClusterRole")]
