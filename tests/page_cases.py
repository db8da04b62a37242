"""Plans whose pages are big, hostile or typical, and their objects, for tests with and without a browser."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.model.change import Attribution, ChangeOrigin, FieldChange
from engine.model.document import ABSENT
from engine.model.plan import Action, Budget, Expectation, Guard, Plan, Reason, Spending, Step
from tests.builders import build_change, build_diff, build_id, build_key, build_plan, build_step
from tests.report_cases import CLUSTERS, GROUPS, NETWORKS, REDIS, SERVERS

HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028\u2029 &lt; {{data}} ]]> \u202e"


@dataclass
class There:
    """Stands for the objects of a cluster, by their names."""

    names: list[str]

    def find(self, identity: tuple[str, ...]) -> object | None:
        return identity if "/".join((identity[0], *identity[2:])) in self.names else None

    def all(self) -> list[object]:
        return [argparse.Namespace(identity=tuple(name.split("/"))) for name in self.names]

    def problems(self) -> tuple[str, ...]:
        return ()


def big_plan(resources: int, *, members: int = 24) -> Plan:
    """Return a plan of this many resources in groups of a hundred: creates, drift and changes of all origins."""
    steps: list[Step] = []
    for number in range(resources):
        group = f"group-{number // 100:04}"
        if number % 100 == 0:
            arm_id = build_id(group, arm_type=GROUPS)
            steps.append(build_step(Action.NOOP, f"web/ResourceGroup/{group}", id=arm_id, arm_type=GROUPS))
        else:
            steps.append(_member(number, group, members))
    return build_plan(steps)


def _member(number: int, group: str, members: int) -> Step:
    key = f"web/StorageAccount/store{number:05}"
    arm_id = build_id(f"store{number:05}", group=group)
    if number % 3 == 0:
        body = {"properties": {f"member{n:02}": f"value {n} of {number}" for n in range(members)}}
        return build_step(Action.CREATE, key, id=arm_id, body=body)
    origins = (ChangeOrigin.USER, ChangeOrigin.DRIFT, ChangeOrigin.BOTH)
    changes = [
        build_change(f"/properties/part{n}/setting", before=f"before {number}", after="after", origin=origins[n % 3])
        for n in range(members // 4)
    ]
    at = datetime(2026, 3, 1, number % 24, number % 60, tzinfo=UTC)
    author = Attribution(by=f"person{number % 7}@contoso.example", by_type="User", at=at)
    return build_step(Action.UPDATE, key, id=arm_id, diff=build_diff(*changes, last_modified=author))


def hostile_plan() -> Plan:
    """Return a plan with markup in every text that users or Azure choose."""
    change = build_change("/tags/" + HOSTILE.replace("/", "~1"), before=HOSTILE, after=f"{HOSTILE}\n{HOSTILE}")
    author = Attribution(by=HOSTILE, by_type=HOSTILE, at=datetime(2026, 3, 1, tzinfo=UTC))
    step = build_step(
        Action.UPDATE,
        f"default/StorageAccount/{HOSTILE.replace('/', '')}",
        diff=build_diff(change, last_modified=author),
        detail=HOSTILE,
        notes=(HOSTILE,),
        origin=HOSTILE,
    )
    return build_plan([step], problems=(HOSTILE,), allowed=(HOSTILE,))


_SHOP = {
    "ResourceGroup/shop": (GROUPS, "shop", Action.NOOP, ()),
    "VirtualNetwork/shop": (NETWORKS, "shop", Action.UPDATE, ("ResourceGroup/shop",)),
    "VirtualNetworksSubnet/web": (f"{NETWORKS}/subnets", "shop/web", Action.CREATE, ("VirtualNetwork/shop",)),
    "VirtualNetworksSubnet/data": (f"{NETWORKS}/subnets", "shop/data", Action.CREATE, ("VirtualNetwork/shop",)),
    "UserAssignedIdentity/shop": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "shop",
        Action.CREATE,
        ("ResourceGroup/shop",),
    ),
    "Vault/shop": ("Microsoft.KeyVault/vaults", "shop-kv", Action.UPDATE, ("ResourceGroup/shop",)),
    "FlexibleServer/orders": (SERVERS, "orders", Action.CREATE, ("VirtualNetworksSubnet/data", "Vault/shop")),
    "FlexibleServersDatabase/orders": (
        f"{SERVERS}/databases",
        "orders/orders",
        Action.CREATE,
        ("FlexibleServer/orders",),
    ),
    "ManagedCluster/shop": (
        CLUSTERS,
        "shop",
        Action.CREATE,
        ("VirtualNetwork/shop", "VirtualNetworksSubnet/web", "UserAssignedIdentity/shop"),
    ),
    "ManagedClustersAgentPool/spot": (f"{CLUSTERS}/agentPools", "shop/spot", Action.CREATE, ("ManagedCluster/shop",)),
    "StorageAccount/shopmedia": ("Microsoft.Storage/storageAccounts", "shopmedia", Action.UPDATE, ()),
    "StorageAccount/shoplogs": ("Microsoft.Storage/storageAccounts", "shoplogs", Action.NOOP, ()),
    "Redis/basket": (REDIS, "basket", Action.BLOCKED, ("ResourceGroup/shop",)),
}


def shop_plan() -> Plan:
    """Return a plan as a team would see it: some new, some drifted, one held back; the pictures of the docs show it."""
    steps = [_shop_step(name, *row) for name, row in _SHOP.items()]
    longest = (
        "VirtualNetwork/shop",
        "VirtualNetworksSubnet/web",
        "ManagedCluster/shop",
        "ManagedClustersAgentPool/spot",
    )
    path = tuple(build_key(f"shop/{name}") for name in longest)
    expectation = Expectation(expected_s=655.0, slow_s=841.0, path=path, recordings=212)
    writes = sum(s.action.mutates for s in steps)
    spending = (Spending(kind="writes", requests=writes, at_once=200, per_s=10.0),)
    return build_plan(steps, budget=Budget(writes=writes, spending=spending, expectation=expectation))


def _shop_step(name: str, arm_type: str, place: str, action: Action, needs: tuple[str, ...]) -> Step:
    changes: dict[str, tuple[FieldChange, ...]] = {
        "StorageAccount/shopmedia": (
            build_change("/properties/minimumTlsVersion", origin=ChangeOrigin.DRIFT, baseline="TLS1_2"),
            build_change("/properties/allowBlobPublicAccess", before=True, after=False, origin=ChangeOrigin.DRIFT),
            build_change("/tags/cost-center", before="4711", after="0815", origin=ChangeOrigin.USER),
            build_change(
                "/properties/networkAcls",
                before={"defaultAction": "Allow", "bypass": "AzureServices", "ipRules": []},
                after={"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "198.51.100.0/24"}]},
                origin=ChangeOrigin.BOTH,
            ),
        ),
        "VirtualNetwork/shop": (build_change("/tags/team", before="web", after="shop"),),
        "Vault/shop": (build_change("/properties/enablePurgeProtection", before=ABSENT, after=True),),
    }
    by_hand = Attribution(by="dana@contoso.example", by_type="User", at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    is_drifted = name == "StorageAccount/shopmedia"
    held = Guard(
        name="lock",
        text="the lock keep (CanNotDelete) on its resource group",
        effect="Azure would refuse its delete",
        allow="remove the lock for as long as it takes: az lock delete --name keep --resource-group shop",
    )
    return build_step(
        action,
        f"shop/{name}",
        id=build_id(place, arm_type=arm_type, group="shop"),
        arm_type=arm_type,
        reason=Reason.CONFLICTED if is_drifted else Reason.GUARDED if action is Action.BLOCKED else _WHY[action],
        diff=build_diff(*changes.get(name, ()), last_modified=by_hand if is_drifted else None),
        guards=(held,) if action is Action.BLOCKED else (),
        body={"location": "westeurope", "properties": {"name": name}},
        depends_on=tuple(build_key(f"shop/{n}") for n in needs),
        origin=f"manifests/{name.partition('/')[0].lower()}.yaml:1",
    )


_WHY = {Action.NOOP: Reason.IN_SYNC, Action.CREATE: Reason.MISSING, Action.UPDATE: Reason.SPEC_CHANGED}
