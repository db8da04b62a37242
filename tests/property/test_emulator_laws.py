"""Laws of the emulator that hold whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.emulator.options import EmulatorOptions
from tests.emulator_driver import NETWORK, Arm

_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
_NAMES = st.sampled_from(
    ["name", "id", "properties", "subnets", "tags", "location", "addressPrefix", "addressSpace", "x"]
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Arm, str]]:
    arm = Arm(EmulatorOptions(state=tmp_path_factory.mktemp("laws")))
    yield arm, arm.make_group()
    arm.close()


@settings(max_examples=150)
@given(properties=_JSON, tags=_JSON)
def test_any_body_is_stored_or_refused_in_arms_words(group: tuple[Arm, str], properties: Any, tags: Any) -> None:
    """A PUT ends in success, and then GET and list agree, or in an error with code and message and no change."""
    arm, scope = group
    network = f"{scope}/providers/Microsoft.Network/virtualNetworks/v"
    before = arm.get(network, api=NETWORK).body

    reply = arm.put(network, {"location": "westus2", "properties": properties, "tags": tags}, api=NETWORK)

    listed = arm.get(f"{scope}/providers/Microsoft.Network/virtualNetworks", api=NETWORK).body["value"]
    if reply.status < 300:
        shown = arm.settle(network, api=NETWORK)
        assert [i["id"] for i in listed] == [shown["id"]]
        assert [s["id"] for s in shown["properties"]["subnets"]] == [
            s["id"] for s in arm.get(f"{network}/subnets", api=NETWORK).body["value"]
        ]
    else:
        assert {"code", "message"} <= reply.body["error"].keys()
        assert arm.get(network, api=NETWORK).body == before
