"""Plans and results that show every part of the reports; the golden tests print them in every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.model.change import Attribution, ChangeOrigin, DiffState
from engine.model.document import ABSENT, REDACTED, UNKNOWN, Secret
from engine.model.path import ByKey, FieldPath
from engine.model.plan import Action, Budget, Expectation, Guard, Plan, Precondition, Reason, Spending, Step
from engine.model.result import ApplyResult, Outcome
from engine.model.state import Wait
from engine.reporting.comparison import Compared, Comparison, Standing
from tests.builders import (
    build_apply,
    build_change,
    build_desired,
    build_diff,
    build_id,
    build_key,
    build_plan,
    build_request,
    build_result,
    build_step,
    build_suppressed,
)

CANARY = "canary-5f1e9d"
GROUPS = "Microsoft.Resources/resourceGroups"
NETWORKS = "Microsoft.Network/virtualNetworks"
REDIS = "Microsoft.Cache/redis"
CLUSTERS = "Microsoft.ContainerService/managedClusters"
SERVERS = "Microsoft.DBforPostgreSQL/flexibleServers"


def clean() -> Plan:
    """Nothing to do."""
    return build_plan([build_step(key=f"default/StorageAccount/app{n}") for n in range(12)])


def first_apply() -> Plan:
    """Creates, one of them waiting for a value that is known later."""
    group = build_step(
        Action.CREATE,
        "default/ResourceGroup/app-rg",
        id=build_id("app-rg", arm_type=GROUPS),
        arm_type=GROUPS,
        body={"location": "westeurope", "tags": {}},
    )
    server_key = build_key("default/FlexibleServer/db", group="dbforpostgresql.azure.com")
    server = build_step(
        Action.CREATE,
        server_key,
        arm_type=SERVERS,
        depends_on=(group.key,),
        body={
            "location": "westeurope",
            "properties": {
                "administratorLogin": "app",
                "administratorLoginPassword": Secret(CANARY),
                "storage": {"storageSizeGB": 128},
            },
        },
    )
    waits = (
        Wait(
            text="known after default/UserAssignedIdentity/app is created",
            on=build_key("default/UserAssignedIdentity/app", group="managedidentity.azure.com"),
            path=FieldPath(("identity", "userAssignedIdentities")),
        ),
    )
    cluster = build_step(
        Action.WAIT,
        "default/ManagedCluster/aks",
        arm_type=CLUSTERS,
        reason=Reason.WAITING_FOR_REFERENCE,
        waits=waits,
        desired=build_desired("default/ManagedCluster/aks", arm_type=CLUSTERS, body={"location": "westeurope"}),
    )
    nowhere = build_step(
        Action.WAIT,
        "default/VirtualNetworksSubnet/web",
        id=None,
        arm_type=f"{NETWORKS}/subnets",
        detail="owner default/VirtualNetwork/app is not in the input",
    )
    return build_plan([group, server, cluster, nowhere])


def drifted() -> Plan:
    """Azure, the manifest, both and nobody known moved; lists, tags, secrets, long and multi-line values."""
    changes = (
        build_change("/properties/minimumTlsVersion", origin=ChangeOrigin.DRIFT, baseline="TLS1_2", rule="raised"),
        build_change(
            "/properties/allowBlobPublicAccess", before=True, after=False, baseline=False, origin=ChangeOrigin.BOTH
        ),
        build_change("/properties/key", before=REDACTED, after=Secret(CANARY), sensitive=True),
        build_change("/tags/env", before="dev", after="prod", baseline="dev"),
        build_change("/tags/owner", before="somebody", after=ABSENT, origin=ChangeOrigin.DRIFT),
    )
    storage = build_step(
        Action.UPDATE,
        changes=(),
        reason=Reason.CONFLICTED,
        desired=build_desired(),
        origin="app.yaml:3",
        diff=build_diff(
            *changes,
            suppressed=(
                build_suppressed(),
                build_suppressed("/sku/name", rule="enum-case"),
                build_suppressed("/tags/touched", rule="ignore", origin=ChangeOrigin.DRIFT),
            ),
            last_modified=Attribution(
                by="colleague@contoso.example", by_type="User", at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
            ),
        ),
        body={"properties": {"key": Secret(CANARY), "minimumTlsVersion": "TLS1_2"}, "tags": {"env": "prod"}},
        precondition=Precondition(etag='W/"1"', actual_hash="a1", desired_hash="d1"),
    )
    subnet = FieldPath(("properties", "subnets", ByKey(1, "name", "web"), "properties", "addressPrefix"))
    rules = [{"name": f"rule-{n}", "properties": {"priority": 100 + n, "access": "Allow"}} for n in range(4)]
    network = build_step(
        Action.UPDATE,
        "default/VirtualNetwork/app",
        arm_type=NETWORKS,
        reason=Reason.DRIFTED,
        requests=(build_request(body={"location": "westeurope"}),),
        changes=(
            build_change(
                subnet,
                before="10.0.9.0/24",
                after="10.0.2.0/24",
                origin=ChangeOrigin.DRIFT,
                baseline="10.0.2.0/24",
                spec_path=FieldPath(("spec", "subnets", 0, "addressPrefix")),
            ),
            build_change(
                "/properties/securityRules", before=rules, after=[*rules[:2], rules[3]], origin=ChangeOrigin.DRIFT
            ),
            build_change("/properties/subnetId", before="/subscriptions/a", after=UNKNOWN),
        ),
        waits=(Wait(text="known after default/Subnet/a is created", path=FieldPath(("properties", "subnetId"))),),
    )
    redis = build_step(
        Action.UPDATE,
        "default/Redis/cache",
        arm_type=REDIS,
        reason=Reason.DIFFERS,
        changes=(
            build_change(
                "/properties/config",
                before="a=1\nb=2\nc=3\n",
                after="a=1\nb=5\nc=3\nd=4\n",
                origin=ChangeOrigin.UNKNOWN,
            ),
            build_change(
                "/properties/note",
                before="x" * 70 + "old" + "y" * 900,
                after="x" * 70 + "new" + "y" * 900,
                origin=ChangeOrigin.UNKNOWN,
            ),
            build_change(
                "/properties/evil", before="\x1b[2J\x1b[31mred\u202e", after="plain", origin=ChangeOrigin.UNKNOWN
            ),
        ),
        notes=("secret not compared",),
    )
    gone = build_step(
        Action.CREATE,
        "default/StorageAccount/gone",
        reason=Reason.DRIFTED,
        diff=build_diff(state=DiffState.DRIFTED),
        body={"location": "westeurope"},
    )
    same = [build_step(key=f"default/StorageAccount/s{n}") for n in range(3)]
    steps = [storage, network, redis, gone, *same]
    return build_plan(steps, budget=Budget(writes=4, floor_s=0.4, spending=SPENDING, expectation=EXPECTATION))


SPENDING = (
    Spending(kind="writes", requests=4, at_once=200, per_s=10.0),
    Spending(kind="deletes", requests=0, at_once=200, per_s=10.0),
    Spending(kind="reads", requests=11, at_once=250, per_s=25.0),
)
EXPECTATION = Expectation(
    expected_s=761.4, slow_s=912.0, path=(build_key("default/Redis/cache"),), recordings=44, assumed=0
)


def guarded() -> Plan:
    """Every action that does not simply write, guards, problems: an incomplete plan."""
    steps: list[Step] = [
        build_step(
            Action.REPLACE,
            "default/StorageAccount/replaced",
            detail="sku.name cannot be changed",
            changes=(build_change("/sku/name", before="Standard_LRS", after="Premium_LRS"),),
            guards=(
                Guard(
                    name="data-bearing",
                    text="it holds files",
                    effect="that would be lost for good",
                    allow="pass --allow-data-loss",
                    allowed_by="--allow-data-loss",
                    blocks=False,
                ),
                Guard(name="lock", text="locks could not be read", blocks=False),
            ),
        ),
        build_step(Action.DELETE, "default/StorageAccount/deleted"),
        build_step(
            Action.BLOCKED,
            "default/StorageAccount/kept",
            detail="it would be deleted",
            guards=(
                Guard(
                    name="protect",
                    text="trueup.dev/protect is set on its object",
                    effect="it would be deleted all the same",
                    allow="pass --allow-protected default/StorageAccount/kept",
                ),
            ),
        ),
        build_step(
            Action.ADOPT,
            "default/StorageAccount/found",
            changes=(build_change("/tags/a", before=ABSENT, after="b", origin=ChangeOrigin.UNKNOWN),),
        ),
        build_step(Action.FORGET, "default/StorageAccount/released"),
        build_step(Action.SKIP, "default/StorageAccount/skipped"),
        build_step(
            Action.UNREADABLE,
            "default/StorageAccount/hidden",
            detail="403 AuthorizationFailed",
            diff=build_diff(state=DiffState.UNREADABLE),
        ),
        build_step(Action.NOOP, "default/StorageAccount/same"),
    ]
    return build_plan(steps, complete=False, problems=("bad.yaml:7: /spec/skuu is not known (did you mean sku?)",))


PLANS: Mapping[str, Callable[[], Plan]] = {
    "clean": clean,
    "first-apply": first_apply,
    "drifted": drifted,
    "guarded": guarded,
}


def applied() -> ApplyResult:
    """One success of each kind, a failure, a write that was not fulfilled, a step that was skipped for it."""
    plan = first_apply()
    group, server, *_ = plan.steps
    network = build_step(Action.UPDATE, "default/VirtualNetwork/app", arm_type=NETWORKS, changes=(build_change(),))
    return build_apply(
        build_result(group, http_status=201),
        build_result(
            network,
            outcome=Outcome.NOT_FULFILLED,
            http_status=200,
            duration=timedelta(seconds=75),
            reason="NotFulfilled",
            cause="Azure answered with success but still holds TLS1_0 at properties.minimumTlsVersion",
        ),
        build_result(build_step(Action.DELETE, "default/StorageAccount/old"), http_status=204),
        build_result(
            server,
            outcome=Outcome.FAILED,
            http_status=409,
            reason="Conflict",
            cause="Azure said ServerNameAlreadyExists: the name db is taken\x1b[2J; choose another name",
        ),
        build_result(
            build_step(Action.CREATE, "default/FlexibleServersDatabase/orders"),
            outcome=Outcome.SKIPPED,
            requests=0,
            cause="default/FlexibleServer/db was not created",
        ),
        plan=build_plan([*plan.steps, network, build_step(key="default/StorageAccount/same")]),
    )


def compared() -> Comparison:
    """One resource of each standing."""
    standings = {standing: f"default/StorageAccount/{standing.value}" for standing in Standing}
    steps = {standing: build_step(key=key) for standing, key in standings.items()}
    diff = build_diff(build_change(), build_change("/properties/key", before=REDACTED, after=REDACTED, sensitive=True))
    return Comparison(
        first="old",
        second="new\x1b[2J",
        resources=tuple(
            Compared(
                key=step.key if standing is not Standing.REMOVED else None,
                id=step.id,
                arm_type=step.arm_type,
                api_version=step.api_version,
                standing=standing,
                diff=replace(diff, suppressed=(build_suppressed(),)) if standing is Standing.CHANGED else build_diff(),
                detail="403 Not you" if standing is Standing.UNREADABLE else "",
            )
            for standing, step in steps.items()
        ),
    )
