"""ARM's own lists: subscriptions, tenants, locations, providers and their registration, built-in roles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from providers.emulator.address import Address, Place
from providers.emulator.answer import Answer, encode_answer, gateway_error
from providers.emulator.call import Call
from providers.emulator.facts import check_own_version, load_table, supported_versions
from providers.emulator.regions import REGIONS
from providers.emulator.scopes import Scopes, not_found
from providers.emulator.store import Store
from schemas import arm

REGISTERED = "registration:"
_ROLE = re.compile(r"roleName eq '((?:[^']|'')*)'", re.IGNORECASE)
_ROLES = "microsoft.authorization/roledefinitions"


def is_role_definition(address: Address) -> bool:
    """Whether an address names role definitions."""
    return address.arm_type.lower() == _ROLES


class Catalogue:
    """What exists without anybody having made it."""

    def __init__(self, store: Store, scopes: Scopes, tenant: str, subscription: str) -> None:
        """Know the tenant and its subscription."""
        self._store = store
        self._scopes = scopes
        self._tenant = tenant
        self._subscription = subscription

    def answer(self, call: Call) -> Answer:
        """Answer a request to one of ARM's own places."""
        check_own_version(call.api)
        address = call.address
        self._scopes.check_subscription(address)
        match address.place:
            case Place.SUBSCRIPTIONS:
                return encode_answer({"value": [self._show_subscription()], "count": {"type": "Total", "value": 1}})
            case Place.SUBSCRIPTION:
                return encode_answer(self._show_subscription())
            case Place.TENANTS:
                return encode_answer({"value": [{"id": f"/tenants/{self._tenant}", "tenantId": self._tenant}]})
            case Place.LOCATIONS:
                return encode_answer({"value": [self._show_location(c, d) for c, d in REGIONS.items()]})
            case Place.PROVIDERS:
                return encode_answer({"value": [self._show_provider(n) for n in _namespaces()]})
            case _:
                return self._provider(call)

    def roles(self, call: Call) -> Answer | None:
        """Answer for built-in roles; None when the request is about a role that is none."""
        address = call.address
        if address.place is Place.RESOURCE:
            role = next((n for n, g in built_in_roles().items() if g == address.name.lower()), None)
            return encode_answer(self._show_role(role)) if role else None
        wanted = _ROLE.search(call.query.get("$filter", ""))
        name = wanted[1].replace("''", "'").lower() if wanted else None
        shown = [self._show_role(n) for n in built_in_roles() if name in (None, n.lower())]
        custom = [r.value for r in self._store.collection(address.scope.lower(), _ROLES)]
        shown += [c for c in custom if name in (None, str(c.get("properties", {}).get("roleName", "")).lower())]
        return encode_answer({"value": shown})

    def _provider(self, call: Call) -> Answer:
        namespace = next((n for n in _namespaces() if n.lower() == call.address.namespace.lower()), None)
        if namespace is None:
            raise gateway_error(
                404, "InvalidResourceNamespace", f"The resource namespace '{call.address.namespace}' is invalid."
            )
        if call.address.place is Place.PROVIDER_ACTION:
            if call.method != "POST":
                raise not_found(call.address)
            state = {"register": "Registered", "unregister": "NotRegistered"}[call.address.word]
            self._store.set_note(REGISTERED + namespace.lower(), state)
        return encode_answer(self._show_provider(namespace, with_versions=True))

    def _show_provider(self, namespace: str, *, with_versions: bool = False) -> Mapping[str, Any]:
        types = [t for t in arm.type_names() if t.partition("/")[0] == namespace]
        shown = [
            {
                "resourceType": t.partition("/")[2],
                "locations": list(REGIONS.values()) if t.count("/") == 1 else [],
                "apiVersions": list(supported_versions(t)) if with_versions else [],
            }
            for t in types
        ]
        return {
            "id": f"/subscriptions/{self._subscription}/providers/{namespace}",
            "namespace": namespace,
            "resourceTypes": shown,
            "registrationState": self._store.note(REGISTERED + namespace.lower()) or "Registered",
            "registrationPolicy": "RegistrationRequired",
        }

    def _show_subscription(self) -> Mapping[str, Any]:
        return {
            "id": f"/subscriptions/{self._subscription}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": self._subscription,
            "tenantId": self._tenant,
            "displayName": "Trueup emulator",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }

    def _show_location(self, code: str, display: str) -> Mapping[str, Any]:
        return {
            "id": f"/subscriptions/{self._subscription}/locations/{code}",
            "name": code,
            "type": "Region",
            "displayName": display,
            "regionalDisplayName": display,
            "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
        }

    def _show_role(self, name: str) -> Mapping[str, Any]:
        guid = built_in_roles()[name]
        return {
            "id": f"/subscriptions/{self._subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
            "name": guid,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {
                "roleName": name,
                "type": "BuiltInRole",
                "description": name,
                "assignableScopes": ["/"],
                "permissions": [{"actions": [], "notActions": [], "dataActions": [], "notDataActions": []}],
            },
        }


@cache
def built_in_roles() -> Mapping[str, str]:
    """Return names of built-in roles with their ids, which are the same in every tenant."""
    return load_table("roles.json")


@cache
def _namespaces() -> tuple[str, ...]:
    return tuple(sorted({t.partition("/")[0] for t in arm.type_names()}, key=str.lower))
