"""Roles: what a caller may do where, checked before anything else is, and refused in ARM's words.

Until a role is given everything is allowed; from then on only what some role allows. A request in somebody else's name
(``x-ms-emulator-actor``) is not checked. ARM's own lists, of groups and of resources of any type, hold what the caller
may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from providers.emulator.address import GROUP_TYPE, Address, Place
from providers.emulator.answer import Answer, RefusedError, gateway_error
from providers.emulator.denials import action_on
from providers.emulator.facts import canonical_type
from providers.emulator.operations import is_poll_word
from providers.emulator.tokens import Principal
from schemas.linked_actions import linked_actions

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
_SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"
_PLAIN = {
    Place.SUBSCRIPTION: "",
    Place.LOCATIONS: "/locations",
    Place.PROVIDERS: "/providers",
    Place.PROVIDER: "/providers",
    Place.GROUPS: "/resourceGroups",
}
_OWN_LISTS = frozenset({Place.GROUPS, Place.RESOURCES})


@dataclass(frozen=True, slots=True)
class Grant:
    """One role that was given: to whom (empty: to everybody), where, and what it allows."""

    client: str
    scopes: tuple[str, ...]
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def allows(self, client: str, action: str, scope: str) -> bool:
        """Whether it lets this caller do that at the scope, or somewhere above it."""
        if self.client not in ("", client.lower()) or not any(_is_within(scope.lower(), s) for s in self.scopes):
            return False
        return _fits(self.actions, action) and not _fits(self.not_actions, action)


class Roles:
    """Every role that was given."""

    def __init__(self) -> None:
        """Start with none: then everything is allowed."""
        self._grants: list[Grant] = []

    def give(self, documents: Iterable[Mapping[str, Any]]) -> int:
        """Give roles, each ``{"role": definition, "client": who, "scope": where}``; return how many there are now.

        Raises:
            RefusedError: One is none; then none is given.
        """
        self._grants += [_read_grant(document) for document in documents]
        return len(self._grants)

    def clear(self) -> None:
        """Allow everything again."""
        self._grants.clear()

    def check(self, principal: Principal, method: str, address: Address, body: bytes) -> None:
        """Check the right to a request, then the rights that its body takes elsewhere.

        Raises:
            RefusedError: 403 AuthorizationFailed or LinkedAuthorizationFailed.
        """
        if not self._grants or not address.subscription or address.place is Place.GROUPS:
            return
        action, scope = required_action(method, address)
        if not self._allows(principal, action, scope):
            raise gateway_error(
                403,
                "AuthorizationFailed",
                f"The client '{principal.client}' with object id '{principal.object_id}' does not have authorization "
                f"to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently "
                "granted, please refresh your credentials.",
            )
        if method in ("PUT", "PATCH") and address.place is Place.RESOURCE:
            self._check_links(principal, action, address, body)

    def shorten(self, principal: Principal, address: Address, answer: Answer) -> Answer:
        """Return the answer to a list of ARM's own without what the caller may not read."""
        if not self._grants or address.place not in _OWN_LISTS or answer.status != 200:
            return answer
        document = orjson.loads(answer.body)
        document["value"] = [
            item
            for item in document["value"]
            if self._allows(principal, action_on(canonical_type(str(item["type"])), "read"), str(item["id"]))
        ]
        return replace(answer, body=orjson.dumps(document))

    def _allows(self, principal: Principal, action: str, scope: str) -> bool:
        return any(grant.allows(principal.client, action, scope) for grant in self._grants)

    def _check_links(self, principal: Principal, action: str, address: Address, body: bytes) -> None:
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            return
        for linked, scope in linked_actions(document, address.id, address.arm_type):
            if not self._allows(principal, linked, scope):
                raise gateway_error(
                    403,
                    "LinkedAuthorizationFailed",
                    f"The client '{principal.client}' with object id '{principal.object_id}' has permission to perform "
                    f"action '{action}' on scope '{address.id}'; however, it does not have permission to perform "
                    f"action(s) '{linked}' on the linked scope(s) '{scope}' (respectively) or the linked scope(s) are "
                    "invalid.",
                )


def required_action(method: str, address: Address) -> tuple[str, str]:
    """Return what ARM calls a request, and the scope it checks the right at."""
    verb = _VERBS[method]
    subscription = f"/subscriptions/{address.subscription}"
    match address.place:
        case Place.GROUP:
            return action_on(GROUP_TYPE, verb), address.id
        case Place.RESOURCES:
            above = "/resourceGroups" if address.group else ""
            return f"{_SUBSCRIPTIONS}{above}/resources/read", address.id.rpartition("/")[0]
        case Place.PROVIDER_ACTION:
            return f"{address.namespace}/{address.word}/action", subscription
        case Place.UNKNOWN:
            return f"{_SUBSCRIPTIONS}/{address.id.split('/')[-2]}/{verb}", address.id
        case Place.COLLECTION if method == "GET" and is_poll_word(address.id.strip("/").split("/")):
            # An operation of a resource that has no name of its own: .../service/x/tenant/operationResults/y
            return f"{'/'.join((address.namespace, *address.types[:-1], address.names[-1]))}/read", address.id
        case Place.COLLECTION:
            scope = address.parent_id if method == "POST" or len(address.types) > 1 else f"{address.scope}/providers/"
            tail = address.namespace if scope.endswith("/providers/") else ""
            return f"{_spelt(address)}/{verb}", scope + tail
        case Place.RESOURCE:
            return f"{_spelt(address)}/{verb}", address.id
    return f"{_SUBSCRIPTIONS}{_PLAIN[address.place]}/{verb}", subscription


def _spelt(address: Address) -> str:
    return canonical_type(address.arm_type)


def _read_grant(document: Mapping[str, Any]) -> Grant:
    role = document.get("role") if isinstance(document, Mapping) else None
    if not isinstance(role, Mapping):
        raise RefusedError(400, "InvalidRole", 'A role is given as {"role": …, "client": …, "scope": …}.')
    scopes = (document["scope"],) if "scope" in document else role.get("AssignableScopes", ())
    if not scopes:
        raise RefusedError(400, "InvalidRole", "A role needs a scope: its own, or one of its AssignableScopes.")
    return Grant(
        client=str(document.get("client", "")).lower(),
        scopes=tuple(str(s).lower().rstrip("/") for s in scopes),
        actions=tuple(role.get("Actions", ())),
        not_actions=tuple(role.get("NotActions", ())),
    )


def _is_within(scope: str, above: str) -> bool:
    return scope == above or scope.startswith(f"{above}/")


def _fits(patterns: Iterable[str], action: str) -> bool:
    return any(_compile(pattern).fullmatch(action) is not None for pattern in patterns)


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.IGNORECASE)
