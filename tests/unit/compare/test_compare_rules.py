"""Each equivalence: what it makes one value, and what it must not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.compare import rules, texts
from engine.compare.reasons import WHY
from schemas.nodes import ANY, EnumNode, Node, NumberNode, TextNode
from tests.compare_cases import find, open_places, rules_at

TEXT, REGION = TextNode(), TextNode(location=True)
CLOSED, OPEN = EnumNode(("Hot", "Cool")), EnumNode(("Hot", "Cool"), is_open=True)
ID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Cache/redis/app"
GUID = "1C793267-c310-d4ae-7BD5-5Af5BEF875D3"

SAME: list[tuple[str, Any, Any, Node, str]] = [
    ("number", 1, 1.0, NumberNode(), "count"),
    ("number", 30.0, 30, NumberNode(is_float=False), "days"),
    ("region", "westus2", "West US 2", REGION, "primary"),
    ("region", "Global", "global", TEXT, "location"),
    ("region", "eastus", "East US", ANY, "endpointLocation"),
    ("arm-id", ID, ID.replace("resourceGroups", "resourcegroups"), TextNode(arm_id=True), "id"),
    ("arm-id", ID + "/", ID, TEXT, "scope"),
    ("enum-case", "hot", "Hot", CLOSED, "tier"),
    ("enum-case", "premium", "Premium", OPEN, "tier"),
    ("boolean-text", "true", "True", TEXT, "value"),
    ("boolean-text", "enabled", "Enabled", TEXT, "customWindow"),
    ("duration", "PT60M", "PT1H", TEXT, "windowSize"),
    ("guid-case", GUID, GUID.lower(), TEXT, "applicationId"),
    ("timestamp", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00.000+01:00", TEXT, "until"),
]
DIFFERENT: list[tuple[str, Any, Any, Node, str]] = [
    ("truth and number", True, 1, NumberNode(), "count"),
    ("text and number", "1", 1, NumberNode(), "count"),
    ("two numbers", 1, 1.5, NumberNode(), "count"),
    ("region form elsewhere", "westus2", "West US 2", TEXT, "description"),
    ("another region", "westus2", "West US 3", REGION, "location"),
    ("a path that is no region", "C:\\Temp Files", "c:\\tempfiles", REGION, "location"),
    ("another id", ID, ID + "2", TextNode(arm_id=True), "id"),
    ("a path that is no id", "/mnt/data/", "/mnt/data", TEXT, "path"),
    ("letter case of a name", "App", "app", TEXT, "name"),
    ("letter case in a sentence of an open enum", "Some Text", "some text", OPEN, "tier"),
    ("another value of the enum", "Hot", "Cool", CLOSED, "tier"),
    ("truth values", "true", "false", TEXT, "value"),
    ("a GUID inside a text", f"id {GUID}", f"id {GUID.lower()}", TEXT, "value"),
    ("instants", "2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", TEXT, "until"),
    ("a local time and an instant", "2024-01-01T00:00:00", "2024-01-01T00:00:00Z", TEXT, "until"),
    ("no date at all", "2024-13-01T00:00:00Z", "2024-13-01T00:00:00z", TEXT, "until"),
    ("object and text", {}, "x", ANY, "value"),
    ("durations", "PT60M", "PT61M", TEXT, "windowSize"),
    ("letters alone", "P", "PT", TEXT, "windowSize"),
    ("a later minor version", "6.0", "6.2", TEXT, "redisVersion"),
    ("a later major version", "1", "10.2", TEXT, "version"),
    ("a number with more parts elsewhere", "10.0", "10.0.1", TEXT, "address"),
    ("words after a version", "1.0", "1.0.beta", TEXT, "version"),
]


@pytest.mark.parametrize(("rule", "desired", "actual", "node", "name"), SAME)
def test_rule_makes_two_forms_one_value(rule: str, desired: Any, actual: Any, node: Node, name: str) -> None:
    """Each rule equates its two forms, in both directions, under its own name."""
    forwards = rules.find_equivalence(desired, actual, node, name)
    backwards = rules.find_equivalence(actual, desired, node, name)

    assert (forwards, backwards) == (rule, rule)


@pytest.mark.parametrize(
    ("desired", "actual", "node", "name"), [c[1:] for c in DIFFERENT], ids=[c[0] for c in DIFFERENT]
)
def test_rule_leaves_different_values_apart(desired: Any, actual: Any, node: Node, name: str) -> None:
    """No rule reaches beyond the fact that limits it."""
    assert rules.find_equivalence(desired, actual, node, name) is None


@pytest.mark.parametrize(("rule", "desired", "actual", "node", "name"), [c for c in SAME if c[0] != "timestamp"])
def test_token_is_shared_by_equal_scalars(rule: str, desired: Any, actual: Any, node: Node, name: str) -> None:
    """List correlation pairs scalars that some rule makes one value."""
    assert rules.token(desired, node, name) == rules.token(actual, node, name), rule


@pytest.mark.parametrize(("desired", "actual", "node", "name"), [c[1:] for c in DIFFERENT if c[0] != "object and text"])
def test_token_tells_different_scalars_apart(desired: Any, actual: Any, node: Node, name: str) -> None:
    """List correlation never pairs scalars that no rule makes one value, except by position."""
    spared = isinstance(node, EnumNode) or node is REGION

    assert spared or rules.token(desired, node, name) != rules.token(actual, node, name)


def test_every_rule_says_why() -> None:
    """A receipt can always name the reason of its rule."""
    assert {name for name, _ in rules.TEXT_RULES} | {"number"} <= set(WHY)
    assert all(len(why) > 20 for why in WHY.values())


@pytest.mark.parametrize("value", [None, "", [], {}, {"a": None, "b": {"c": ""}}])
def test_empty_values(value: Any) -> None:
    """Null, blanks, empty collections and objects of nothing else hold nothing."""
    assert rules.is_empty(value)


@pytest.mark.parametrize("value", [0, False, " ", [None], [""], {"a": 0}, {"a": [{}]}])
def test_values_that_are_not_empty(value: Any) -> None:
    """Zero, false, blanks of space and lists with any element hold something."""
    assert not rules.is_empty(value)


@pytest.mark.parametrize(
    ("value", "expected"), [("***", True), ("<redacted>", True), ("pass*word", False), ("", False), (None, False)]
)
def test_masks(value: Any, expected: bool) -> None:
    """Only a text of stars or the word itself counts as a mask."""
    assert rules.is_masked(value) is expected


XML = '<policies><inbound><set-variable name="a b" value="x" /></inbound></policies>'


def test_xml_layout_is_free() -> None:
    """White space between tags and before the end of a tag carries nothing."""
    laid_out = (
        '<policies>\r\n\t<inbound>\r\n\t\t<set-variable  name="a b"\n value="x"/>\r\n</inbound>\r\n</policies>\r\n'
    )

    assert texts.is_same_xml(XML, laid_out)


@pytest.mark.parametrize(
    "other", [XML.replace("a b", "ab"), XML.replace('"x"', '"X"'), XML.replace("inbound", "Inbound")]
)
def test_xml_contents_are_exact(other: str) -> None:
    """Quoted values and names in XML keep spaces and letter case."""
    assert not texts.is_same_xml(XML, other)


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        ('{"a":1,"b":[2]}', '{ "b": [2], "a": 1 }', True),
        ('{"a":1}', '{"a":2}', False),
        ("no json", "no json", False),
    ],
)
def test_json_texts(desired: str, actual: str, expected: bool) -> None:
    """JSON held as text is compared as a document; what is none is never equal by this rule."""
    assert texts.is_same_json(desired, actual) is expected


@pytest.mark.parametrize(
    ("desired", "actual", "expected"),
    [
        ("P1D", "PT24H", True),
        ("PT60M", "PT1H", True),
        ("PT60S", "pt1m", True),
        ("PT1M", "P1M", False),
        ("PT5M", "PT6M", False),
        ("P", "P", False),
        ("P1Y", "P365D", False),
    ],
)
def test_durations(desired: str, actual: str, expected: bool) -> None:
    """Durations are compared by their length; months and years have none."""
    assert texts.is_same_duration(desired, actual) is expected


@pytest.mark.parametrize(("name", "sent", "held"), [("redisVersion", "6", "6.0"), ("version", "8.0", "8.0.21")])
def test_a_version_is_satisfied_by_its_minor_parts(name: str, sent: str, held: str) -> None:
    """A version asked for in part is completed by Azure; the whole one is not satisfied by a part."""
    assert rules.find_equivalence(sent, held, TEXT, name) == "version-completed"
    assert rules.find_equivalence(held, sent, TEXT, name) is None


OWN = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.ApiManagement/service/s/subscriptions/x"
SERVICE = OWN.rpartition("/subscriptions/")[0]
RELATIVE = [
    ("/apis", f"{SERVICE}/apis", True),
    ("/products/p", f"{SERVICE.lower()}/products/p", True),
    ("/providers/Microsoft.A/b/c", "/subscriptions/0/providers/Microsoft.A/b/c", True),
    ("/apis", f"{SERVICE}/products", False),
    ("/apis", f"{SERVICE}/other/apis", False),
    ("apis", f"{SERVICE}/apis", False),
    ("/apis", "/subscriptions/1/apis", False),
    ("/", SERVICE, False),
]


@pytest.mark.parametrize(("sent", "held", "is_same"), RELATIVE)
def test_an_id_relative_to_something_above(sent: str, held: str, is_same: bool) -> None:
    """Only a prefix of the resource's own id, whole segments, may stand before what was sent."""
    assert rules.is_relative_id(sent, held, OWN) is is_same


def test_relative_ids_are_told_by_the_id_azure_returns() -> None:
    """The walk takes the resource's own id from the body read; without one nothing is completed."""
    held = {"id": OWN, "properties": {"scope": f"{SERVICE}/apis"}}

    assert rules_at(find({"properties": {"scope": "/apis"}}, held)) == {"/properties/scope": "relative-id"}
    assert open_places(find({"properties": {"scope": "/apis"}}, {**held, "id": None})) == ["/properties/scope"]
