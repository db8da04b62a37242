"""Ignored drift: not mended, but counted; rules that hide nothing are told."""

from __future__ import annotations

import pytest

from tests.verbs_desk import NETWORK_API, Desk, account, group, make_object

pytestmark = pytest.mark.loopback


def start(desk: Desk, ignore: str = "") -> str:
    """Apply an account, then let somebody change its tier; return its name."""
    name = f"{desk.name}ign"
    annotations = {"trueup.dev/ignore": ignore} if ignore else None
    desk.write(group(desk.name), account(name, desk.name, annotations=annotations))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})
    return name


def test_ignored_drift_is_counted(desk: Desk) -> None:
    """The annotation hides drift from plan and drift, which say how much, and apply leaves it alone."""
    start(desk, "/properties/accessTier")

    plan, drift = desk.run("plan"), desk.run("drift")
    applied = desk.apply()

    assert "(2 resources, 1 ignored, 0 writes)" in plan.out
    assert (drift.code, drift.out) == (0, "No drift. 2 resources checked, 1 ignored.\n")
    assert desk.azure.writes == []
    assert applied.json["summary"]["writes"] == 0
    assert desk.run("drift", "-o", "json").json["summary"]["ignored"] == 1
    assert "nothing differs" not in plan.err


def test_rule_file_hides_and_says_when_it_no_longer_does(desk: Desk) -> None:
    """Rules for many objects come from a file; one that names nothing any more is told."""
    start(desk)
    rules = desk.folder / "rules.yaml"
    rules.write_text("- {kind: StorageAccount, jsonPointers: [/spec/accessTier, /spec/tags/gone]}\n")

    shown, bare = desk.run("drift", "--ignore", str(rules)), desk.run("drift")

    assert (shown.code, bare.code) == (0, 2)
    assert "1 ignored" in shown.out
    assert "rules.yaml: rule 1: nothing differs at /spec/tags/gone, so the line can go" in shown.err
    assert "/spec/accessTier" not in shown.err


def test_rule_that_is_over_counts_again(desk: Desk) -> None:
    """After its day a rule hides nothing, and says so; so does a rule that names nothing."""
    start(desk, "/properties/accessTier until=2020-01-01\n/tags/none")

    drift = desk.run("drift")

    assert drift.code == 2
    assert "/properties/accessTier was ignored until 2020-01-01; it counts again" in drift.err
    assert "nothing differs at /tags/none" in drift.err


def test_silent_object_is_counted(desk: Desk) -> None:
    """Drift of an object whose policy is to ignore it is counted too."""
    name = f"{desk.name}sil"
    policy = {"trueup.dev/drift-policy": "ignore"}
    desk.write(group(desk.name), account(name, desk.name, annotations=policy))
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}})

    assert desk.run("drift").out == "No drift. 2 resources checked, 1 ignored.\n"


def test_bad_rules_end_the_run(desk: Desk) -> None:
    """A rule that cannot be used is an error before anything is read."""
    desk.write(group(desk.name))
    rules = desk.folder / "rules.yaml"
    rules.write_text("- {kind: A, jqPathExpressions: [.spec]}\n")

    done = desk.run("plan", "--ignore", str(rules))

    assert done.code == 1
    assert "jqPathExpressions cannot be used" in done.err


def test_ignored_member_of_an_element_counts_again_without_its_rule(desk: Desk) -> None:
    """What a rule hid inside a list element is no known difference when the rule is gone."""
    probes = [{"name": n, "port": 80, "protocol": "Tcp", "intervalInSeconds": 15} for n in ("b", "a")]
    spec = {"owner": {"name": desk.name}, "location": "westeurope", "probes": probes}
    wanted = make_object("LoadBalancer", "network/v1api20240301", "lb", spec)
    desk.write(group(desk.name), wanted)
    desk.apply()
    balancer = f"{desk.group_id}/providers/Microsoft.Network/loadBalancers/lb"
    held = desk.azure.get(balancer, api=NETWORK_API)["properties"]
    first, second = held["probes"]
    second["properties"]["intervalInSeconds"] = 30
    desk.azure.rewrite(balancer, api=NETWORK_API, properties={**held, "probes": [second, first]})
    annotations = {"trueup.dev/ignore": "/properties/probes/[name=a]/properties/intervalInSeconds"}
    desk.write(group(desk.name), {**wanted, "metadata": {**wanted["metadata"], "annotations": annotations}})
    ignored = desk.run("drift")
    desk.apply()
    desk.write(group(desk.name), wanted)

    after = desk.run("drift")

    assert (ignored.code, after.code) == (0, 2), ignored.out + after.out
    assert "1 ignored" in ignored.out
    assert "properties.probes[name=a].properties.intervalInSeconds: 15 → 30" in after.out
