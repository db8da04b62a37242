"""Capacity under an autoscale setting, which is another object of the same input."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verbs_desk import Desk, group, make_object

pytestmark = pytest.mark.loopback

PLAN_API = "2022-03-01"


def plan_of(desk: Desk, *, capacity: int = 1, **spec: Any) -> dict[str, Any]:
    """Return an App Service plan."""
    sku = {"name": "P1v3", "tier": "PremiumV3", "capacity": capacity}
    body = {"owner": {"name": desk.name}, "location": "westeurope", "sku": sku, **spec}
    return make_object("ServerFarm", "web/v1api20220301", "farm", body)


def setting(desk: Desk, *, enabled: bool) -> dict[str, Any]:
    """Return the setting that scales the plan."""
    trigger = {
        "metricName": "CpuPercentage",
        "metricResourceUriReference": {"group": "web.azure.com", "kind": "ServerFarm", "name": "farm"},
        "operator": "GreaterThan",
        "statistic": "Average",
        "threshold": 75,
        "timeAggregation": "Average",
        "timeGrain": "PT1M",
        "timeWindow": "PT5M",
    }
    action = {"cooldown": "PT1M", "direction": "Increase", "type": "ChangeCount", "value": "1"}
    profile = {
        "name": "always",
        "capacity": {"default": "1", "minimum": "1", "maximum": "5"},
        "rules": [{"metricTrigger": trigger, "scaleAction": action}],
    }
    target = {"group": "web.azure.com", "kind": "ServerFarm", "name": "farm"}
    spec = {
        "owner": {"name": desk.name},
        "location": "westeurope",
        "enabled": enabled,
        "profiles": [profile],
        "targetResourceUriReference": target,
    }
    return make_object("AutoscaleSetting", "insights/v1api20221001", "by-load", spec)


def apply_and_scale(desk: Desk) -> str:
    """Apply plan and setting, then let Azure scale out; return the plan's id."""
    desk.write(group(desk.name), plan_of(desk), setting(desk, enabled=True))
    desk.apply()
    farm = f"{desk.group_id}/providers/Microsoft.Web/serverfarms/farm"
    held = desk.azure.get(farm, api=PLAN_API)
    desk.azure.rewrite(farm, api=PLAN_API, sku={**held["sku"], "capacity": 4})
    return farm


def test_capacity_is_left_to_the_setting_of_the_same_input(desk: Desk) -> None:
    """What an enabled setting scaled is in sync, and the receipt names the setting; switched off, it is drift."""
    apply_and_scale(desk)

    scaled, explained = desk.plan(), desk.run("explain", "ServerFarm/farm")
    desk.write(group(desk.name), plan_of(desk), setting(desk, enabled=False))
    unscaled = desk.plan()

    assert scaled.actions["farm"] == "noop"
    assert "moved-by-azure" in explained.out
    assert "here web/AutoscaleSetting/by-load" in " ".join(explained.out.split())
    assert unscaled.actions["farm"] == "update"


def test_a_write_of_something_else_keeps_what_the_setting_scaled(desk: Desk) -> None:
    """A change of another member sends the capacity that Azure holds, not the one of the manifest."""
    farm = apply_and_scale(desk)
    desk.write(group(desk.name), plan_of(desk, perSiteScaling=True), setting(desk, enabled=True))

    desk.apply()

    body = desk.azure.get(farm, api=PLAN_API)
    assert (body["properties"]["perSiteScaling"], body["sku"]["capacity"]) == (True, 4)


def test_a_capacity_that_the_user_moves_is_sent(desk: Desk) -> None:
    """Under a setting, too, a new number in the manifest is a change by the user."""
    apply_and_scale(desk)
    desk.write(group(desk.name), plan_of(desk, capacity=2), setting(desk, enabled=True))

    plan = desk.plan()

    assert plan.actions["farm"] == "update"
