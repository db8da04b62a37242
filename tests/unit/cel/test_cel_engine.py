"""The engine of CEL: the documentation's expressions, types, errors, limits."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import InvalidSpecError
from providers.cel.engine import CelCompiler

NAMES = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v"
SELF = {
    "metadata": {"name": "n", "annotations": {"a": "b"}},
    "spec": {"location": "westus2", "sku": {"capacity": 1}, "tags": {"a b": "c", "d": "e"}, "zones": ["x", "y"]},
    "status": {"id": NAMES, "share": 1.5},
}
CANARY = "c4n4ry-value"


def run(text: str, *, secrets: bool = True) -> Any:
    return CelCompiler().compile(text, secrets=secrets).run({"self": SELF, "secret": {"key1": CANARY}})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('"%s:%d".format([self.spec.location, 7])', "westus2:7"),
        ("self.metadata.annotations", {"a": "b"}),
        ("string(self.spec.sku.capacity)", "1"),
        ('self.spec.tags.transformMapEntry(k, v, {k.replace(" ", "-"): v})', {"a-b": "c", "d": "e"}),
        ("self.spec.tags.transformMap(k, v, v + k)", {"a b": "ca b", "d": "ed"}),
        ('self.spec.tags.transformMap(k, v, v != "e", v)', {"a b": "c"}),
        ("self.spec.zones.transformList(i, z, string(i) + z).join('-')", "0x-1y"),
        ("self.spec.zones.transformMapEntry(i, z, {z: string(i)})", {"x": "0", "y": "1"}),
        ("self.spec.tags.exists(k, v, v == 'e') ? 'yes' : 'no'", "yes"),
        ("self.spec.tags.all(k, v, size(k) == 1) ? 'yes' : 'no'", "no"),
        ("{'a': {'b': 'c'}}.transformMap(k, v, v.transformMap(l, w, w + l + k)['b'])", {"a": "cba"}),
        ('self.spec.?nix.orValue("none")', "none"),
        ("has(self.spec.nix) ? 'yes' : 'no'", "no"),
        ("aso.parseResourceId(self.status.id).resourceGroupName", "rg"),
        ("aso.parseResourceId(self.status.id).parent.name", "rg"),
        ("self.status.share > 1 && 1 < 1.5 ? 'more' : 'less'", "more"),
        ("'a,b'.split(',')[1].upperAscii()", "B"),
        ("secret.key1 + '!'", CANARY + "!"),
    ],
)
def test_expressions_of_the_documentation_give_their_results(text: str, result: object) -> None:
    """What ASO's pages show works, two-variable macros and the function for ids among it."""
    assert run(text) == result


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('"a".bad(', "Syntax error"),
        ("nix", "undeclared reference to 'nix'"),
        ('"a" + 1', "no matching overload"),
        ("secret.key1", "undeclared reference to 'secret"),
    ],
)
def test_what_cannot_be_compiled_says_why(text: str, says: str) -> None:
    """Errors come when an expression is compiled; config maps have no secrets at all."""
    with pytest.raises(InvalidSpecError, match=says):
        CelCompiler().compile(text, secrets=False)


@pytest.mark.parametrize(
    "text", ["int(secret.key1)", "self.spec.tags[secret.key1]", "aso.parseResourceId(secret.key1).name"]
)
def test_no_error_repeats_a_secret(text: str) -> None:
    """An evaluation that fails over a secret names the failure and no value."""
    with pytest.raises(InvalidSpecError) as caught:
        run(text)

    assert CANARY not in str(caught.value)


def test_a_missing_member_is_named() -> None:
    """Absent members are errors that say which one."""
    with pytest.raises(InvalidSpecError, match="no such key: nix"):
        run("self.spec.nix")


def test_an_evaluation_ends() -> None:
    """Nested loops run into the engine's budget."""
    text = "true"
    for depth in range(6):
        text = f"[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(x{depth}, {text})"

    with pytest.raises(InvalidSpecError, match="budget"):
        run(f"{text} ? 'a' : 'b'")
