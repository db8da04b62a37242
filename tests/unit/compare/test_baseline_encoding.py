"""Baselines as short texts, and comparing with what is left of them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import zstandard

from engine.compare.baseline import make_baseline
from engine.compare.compare import compare
from engine.compare.decoding import decode_baseline
from engine.compare.encoding import DEFAULT_LIMIT, EncodedBaseline, encode_baseline
from engine.compare.prints import PRINT_KEY, is_print, make_print, read_print
from engine.model.document import UNKNOWN, Document, Secret
from engine.model.policy import ReconcilePolicy
from engine.model.state import Baseline
from schemas.nodes import ANY
from tests.builders import build_actual, build_baseline, build_desired, build_key
from tests.compare_cases import REGION, TIER, list_of, shape, told


def noise(name: str, length: int) -> str:
    """Return a text that does not compress."""
    blocks = (hashlib.sha256(f"{name} {n}".encode()).hexdigest() for n in range(length // 64 + 1))
    return "".join(blocks)[:length]


def rule(n: int, access: str = "Allow") -> dict[str, Any]:
    """Return one of many rules."""
    return {"name": f"rule-{n}", "properties": {"priority": n, "access": access, "note": noise(f"rule {n}", 64)}}


SENT: dict[str, Any] = {
    "location": "westus2",
    "properties": {"tier": "Hot", "script": noise("script", 3000), "inner": {"a": noise("a", 2000), "b": 1}},
}
HELD: dict[str, Any] = {**SENT, "properties": {**SENT["properties"], "tier": "Cool", "agent": noise("agent", 4000)}}


def squeeze(limit: int, sent: Any = SENT, held: Any = HELD) -> tuple[Baseline, EncodedBaseline]:
    """Return the baseline read back from a text of at most this length."""
    encoded = encode_baseline(build_baseline(sent, held), limit)
    assert len(encoded.text) <= limit
    return decode_baseline(encoded.text), encoded


def changed(body: Any, **properties: Any) -> Any:
    """Return the body with other properties; None takes one away."""
    merged = {**body["properties"], **properties}
    return {**body, "properties": {k: v for k, v in merged.items() if v is not None}}


def moves(baseline: Baseline, sent: Any, held: Any) -> list[tuple[str, str, str]]:
    """Return the changes."""
    return told(compare(build_desired(body=sent), build_actual(held), baseline))


def test_everything_comes_back() -> None:
    """Every field is there again, and a text is made the same way every time."""
    baseline = replace(
        build_baseline(SENT, HELD),
        key=build_key(),
        reconcile=ReconcilePolicy.DETACH_ON_DELETE,
        protect=True,
        at=datetime(2026, 1, 2, 3, tzinfo=UTC),
        rules="7",
    )

    encoded = encode_baseline(baseline)

    assert decode_baseline(encoded.text) == baseline
    assert encoded == encode_baseline(baseline)
    assert encoded.lost == ()


def test_four_thousand_rules_fit_into_an_annotation() -> None:
    """A body of 4,000 rules is kept in 64 KiB, and says which parts are only prints."""
    sent = {"location": "westus2", "properties": {"tier": "Hot", "securityRules": [rule(n) for n in range(4_000)]}}
    held = {**sent, "etag": "x", "properties": {**sent["properties"], "state": "ok"}}

    baseline, encoded = squeeze(DEFAULT_LIMIT, sent, held)

    assert [(p.document, p.path.pointer) for p in encoded.lost] == [
        ("actual", "/properties/securityRules"),
        ("desired", "/properties/securityRules"),
    ]
    assert moves(baseline, sent, held) == []
    rules = [*sent["properties"]["securityRules"][:-1], rule(3_999, "Deny")]
    ours, theirs = changed(sent, securityRules=rules), changed(held, securityRules=rules)
    assert {origin for _, _, origin in moves(baseline, ours, held)} == {"user"}
    assert {origin for _, _, origin in moves(baseline, sent, theirs)} == {"drift"}
    assert moves(baseline, changed(sent, tier="Cool"), held) == [("/properties/tier", "change", "user")]


def test_secrets_are_not_in_the_text() -> None:
    """A secret is a keyed hash in the text; a part that holds one is not printed while anything else can be."""
    body = changed(SENT, password=Secret("hunter2-hunter2"))
    made = make_baseline(build_desired(body=body), build_actual(HELD), secret_key=b"key")

    text = encode_baseline(made, 3_000).text

    content = zstandard.ZstdDecompressor().decompress(base64.b64decode(text.partition(".")[2]))
    assert b"hunter2" not in content
    assert b"$hash" in content


@pytest.mark.parametrize("limit", [1_500, 2_500, 4_000, 6_000, 9_000])
def test_moves_are_told_at_every_size(limit: int) -> None:
    """However little is left: who moved is told, and a known difference stays one."""
    baseline, encoded = squeeze(limit)

    assert bool(encoded.lost) is (limit < 9_000)
    assert moves(baseline, SENT, HELD) == []
    assert moves(baseline, changed(SENT, script="new"), HELD) == [("/properties/script", "change", "user")]
    assert moves(baseline, SENT, changed(HELD, script="new")) == [("/properties/script", "change", "drift")]
    both = moves(baseline, changed(SENT, script="new"), changed(HELD, script="other"))
    assert both == [("/properties/script", "change", "both")]
    assert moves(baseline, changed(SENT, tier="Cold"), HELD) == [("/properties/tier", "change", "user")]
    assert moves(baseline, SENT, changed(HELD, tier="Cold")) == [("/properties/tier", "change", "drift")]


def test_what_left_a_printed_part_is_sent_with_all_of_it() -> None:
    """A member that left a part of the manifest that is a print: the part is a change of the user."""
    baseline, _ = squeeze(1_500)

    found = moves(baseline, changed(SENT, inner={"a": SENT["properties"]["inner"]["a"]}), HELD)

    assert found in ([("/properties/inner/b", "remove", "user")], [("/properties/inner", "change", "user")])


def test_a_printed_part_that_left_is_removed() -> None:
    """A part that holds prints is removed when the manifest drops it; what Azure added to it since stays its own."""
    baseline, _ = squeeze(1_500)
    held = changed(HELD, inner={**SENT["properties"]["inner"], "added": "by Azure"})

    assert moves(baseline, changed(SENT, inner=None), HELD) == [("/properties/inner", "remove", "user")]
    more = moves(baseline, changed(SENT, inner=None), held)
    assert [(place, kind) for place, kind, _ in more] == [
        ("/properties/inner/a", "remove"),
        ("/properties/inner/b", "remove"),
    ]


def test_a_print_of_other_rules_tells_nothing() -> None:
    """Where a print cannot be compared, what differs is a change of unknown origin, and what does not is none."""
    baseline, _ = squeeze(1_500)
    other = [Document(value=_with_version(d.value, "0")) for d in (baseline.desired, baseline.actual)]
    old = replace(baseline, desired=other[0], actual=other[1])

    assert moves(old, SENT, changed(HELD, script="new")) == [("/properties/script", "change", "unknown")]
    assert moves(old, SENT, HELD) == []


def _with_version(value: Any, version: str) -> Any:
    if is_print(value):
        return {**value, PRINT_KEY: f"{version}:{value[PRINT_KEY].partition(':')[2]}", "$alike": False}
    return {k: _with_version(v, version) for k, v in value.items()} if isinstance(value, dict) else value


def test_a_limit_that_nothing_meets_is_refused() -> None:
    """No text is cut."""
    with pytest.raises(ValueError, match="does not fit"):
        encode_baseline(build_baseline(SENT, HELD), 100)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.",
        "2.AAAA",
        "1.not base64!",
        "1." + base64.b64encode(b"no frame").decode(),
        "1." + base64.b64encode(zstandard.compress(b"[]")).decode(),
        "1." + base64.b64encode(zstandard.compress(b"{}")).decode(),
        "1." + base64.b64encode(zstandard.compress(b"not json")).decode(),
        "1." + base64.b64encode(zstandard.compress(bytes(33 * 1024 * 1024))).decode(),
    ],
)
def test_a_damaged_text_is_refused(text: str) -> None:
    """What cannot be a baseline is a clear error, and no bomb."""
    with pytest.raises(ValueError, match="baseline"):
        decode_baseline(text)


def test_a_cut_text_is_refused() -> None:
    """Half a text is no baseline."""
    text = encode_baseline(build_baseline(SENT, HELD)).text

    with pytest.raises(ValueError, match="damaged"):
        decode_baseline(text[: len(text) // 8 * 4])


NODE = shape({"region": REGION, "tier": TIER, "list": list_of(TIER)})


@pytest.mark.parametrize(
    ("now", "has_moved"),
    [
        ({"region": "westus2", "tier": "Hot", "list": ["Hot"]}, False),
        ({"region": "West US 2", "tier": "hot", "list": ["HOT"], "more": None, "none": {}}, False),
        ({"region": "West US 2", "tier": "Cool", "list": ["Hot"]}, True),
        ({"region": "westus2", "tier": "Hot", "list": ["Hot", "Hot"]}, True),
        ({"region": "westus2", "tier": "Hot"}, True),
        ({"region": "westus2", "tier": "Hot", "list": ["Hot"], "more": 1}, True),
        ({"region": UNKNOWN}, None),
        (UNKNOWN, None),
    ],
)
def test_prints_hold_for_what_the_rules_call_one(now: Any, has_moved: bool | None) -> None:
    """Other forms of one value have one print; what is not known yet cannot be compared."""
    marker = make_print({"region": "westus2", "tier": "Hot", "list": ["Hot"]}, NODE)

    assert is_print(orjson.loads(orjson.dumps(marker)))
    assert read_print(marker, now, NODE).has_moved is has_moved


def test_numbers_texts_and_times() -> None:
    """1 and 1.0 have one print, 1 and "1" have not; an instant has one, however it is written."""
    assert make_print({"a": 1}, ANY) == make_print({"a": 1.0}, ANY) | {"$size": len(b'{"a":1}')}
    assert make_print({"a": 1}, ANY)[PRINT_KEY] != make_print({"a": "1"}, ANY)[PRINT_KEY]
    assert make_print({"a": True}, ANY)[PRINT_KEY] != make_print({"a": 1}, ANY)[PRINT_KEY]
    assert not read_print(make_print("2026-01-01T00:00:00Z", ANY), "2026-01-01T01:00:00+01:00", ANY).has_moved
