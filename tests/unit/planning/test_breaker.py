"""The breaker of mass deletes, in numbers."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.model.ids import ArmId
from engine.model.plan import Action
from engine.model.policy import Limits
from engine.planning.breaker import guard_mass_delete
from tests.builders import build_id, build_step

LIMITS = Limits(mass_delete_count=3, mass_delete_share=0.5)


@pytest.mark.parametrize(
    ("deletes", "managed", "waiting"),
    [
        ({"a": 2}, {"a": 2}, {}),
        ({"a": 3}, {"a": 6}, {"a": "3 of 6 managed resources"}),
        ({"a": 3}, {"a": 4, "b": 40}, {"a": "3 of 4 managed resources of namespace a"}),
        ({"a": 3, "b": 1}, {"a": 4, "b": 40}, {"a": "3 of 4 managed resources of namespace a"}),
        ({"a": 2, "b": 2}, {"a": 3, "b": 3}, {"a": "4 of 6 managed resources", "b": "4 of 6 managed resources"}),
        ({"a": 3}, {"a": 40}, {}),
    ],
    ids=["few", "half of all", "one namespace", "beside others", "together", "small share"],
)
def test_count_and_share_hold_for_the_pass_and_for_each_namespace(
    deletes: dict[str, int], managed: dict[str, int], waiting: dict[str, str]
) -> None:
    """Deletes wait where both are reached: for all, or for the namespace that loses most of what it has."""
    steps = [build_step(Action.DELETE, f"{ns}/Group/{n}") for ns, count in deletes.items() for n in range(count)]

    found = guard_mass_delete(steps, managed=Counter(managed), owned={}, limits=LIMITS)

    assert {ns: g.text for ns, g in found.items()} == {
        ns: f"{text} would be deleted at once" for ns, text in waiting.items()
    }


def test_what_goes_with_a_group_counts_once_for_its_own_namespace() -> None:
    """A resource that lies in two deleted things is one resource, of the namespace of its object."""
    group, inner = ArmId("/subscriptions/s/resourceGroups/g"), build_id("x").text
    net = ArmId(f"{group.text}/providers/Microsoft.Network/virtualNetworks/n")
    owned = {ArmId(f"{net.text}/subnets/{n}"): "b" for n in range(3)} | {net: "a", group: "a", ArmId(inner): "a"}
    steps = [build_step(Action.DELETE, f"a/Group/{n}", id=i) for n, i in enumerate((group, net))]

    found = guard_mass_delete(steps, managed=Counter(a=40, b=4), owned=owned, limits=LIMITS)

    assert {ns: g.text for ns, g in found.items()} == {
        "b": "3 of 4 managed resources of namespace b would be deleted at once"
    }
