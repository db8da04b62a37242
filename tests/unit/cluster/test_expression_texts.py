"""CEL as text: which secrets an expression reads, and macros of two variables."""

from __future__ import annotations

import pytest

from engine.cluster.expressions import expand_macros, secret_names, self_paths
from engine.cluster.resource_ids import describe_id


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("secret.key1", {"key1"}),
        ('"x" + secret["key1"] + secret.?key2.orValue("")', {"key1", "key2"}),
        ("has(secret.key1) ? secret.key1 : ''", {"key1"}),
        ("self.metadata.annotations.secret", set()),
        ('"secret.key1" // secret.key2', set()),
        ("secret[self.metadata.name]", None),
        ("secret.map(k, k)[0]", None),
        ("secret", None),
    ],
)
def test_the_secrets_that_an_expression_reads_are_known_before(text: str, names: set[str] | None) -> None:
    """Selection by name and by a plain text is seen; whatever needs an evaluation means all of them."""
    assert secret_names(text) == names


def test_paths_below_self_end_where_names_end() -> None:
    """Methods, indexes and selections of other things are no part of a path."""
    text = 'self.spec.sku.name.startsWith("a") && self.spec.?tags["x"] == a.self.b'

    assert list(self_paths(text)) == [("spec", "sku", "name"), ("spec", "tags")]


@pytest.mark.parametrize(
    "text",
    [
        "self.spec.l.map(k, k)",
        "self.spec.l.exists(k, k > 1)",
        "self.spec.l.map(k, k > 1, k)",
        '"a.exists(k, v, w)"',
        "a.all(",
    ],
)
def test_other_expressions_stay_as_they_are(text: str) -> None:
    """Macros of one variable, texts and what does not parse are nobody's business."""
    assert expand_macros(text) == text


def test_a_receiver_is_taken_whole() -> None:
    """What a macro is called on reaches back over members, calls and indexes, and no further."""
    expanded = expand_macros("1 + f(a).b[0].?c.transformList(i, v, v).size()")

    assert expanded.startswith("1 + cel.bind(trueup_1, dyn(f(a).b[0].?c), ")
    assert expanded.endswith(").size()")


def test_an_id_is_taken_apart() -> None:
    """Names, group, subscription, type and parents of a resource id are what ASO's function gives."""
    found = describe_id("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/n")

    assert (found["subscriptionId"], found["resourceGroupName"], found["name"]) == ("s", "rg", "n")
    assert found["resourceType"] == {"namespace": "Microsoft.Network", "type": "virtualNetworks/subnets"}
    assert found["parent"]["name"] == "v"
    assert found["parent"]["parent"]["resourceType"] == {"namespace": "Microsoft.Resources", "type": "resourceGroups"}


@pytest.mark.parametrize("text", ["x", "", "/subscriptions", "/subscriptions/s/resourceGroups"])
def test_what_is_no_id_is_refused(text: str) -> None:
    """A text without the form of an id is an error and never half an id."""
    with pytest.raises(ValueError, match="no resource id"):
        describe_id(text)
