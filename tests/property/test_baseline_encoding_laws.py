"""Laws of baselines as short texts: they come back, they fit, and what they lost hides nothing."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from typing import Any

import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.compare.compare import compare
from engine.compare.decoding import decode_baseline
from engine.compare.encoding import FORMAT, encode_baseline
from engine.model.change import ResourceDiff
from engine.model.document import canonical
from engine.model.state import Baseline
from tests.builders import build_actual, build_baseline, build_desired
from tests.compare_cases import told

LEAST = 1_600
ROOMY = 1_000_000

texts = st.text("0123456789abcdefghijklmnopqrstuvwxyz+-", min_size=1, max_size=40)


def noise(seed: int) -> str:
    """Return a long text that does not compress."""
    return "".join(hashlib.sha256(f"{seed} {n}".encode()).hexdigest() for n in range(12))


bulk = st.integers(0, 1_000).map(noise)
scalars = st.one_of(texts, bulk, st.integers(0, 10**12), st.booleans())
names = st.sampled_from(["alpha", "beta", "gamma", "delta"])
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.dictionaries(names, inner, min_size=1), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=25,
)
bodies = st.fixed_dictionaries(
    {
        "location": st.just("westus2"),
        "properties": st.fixed_dictionaries(
            {"alpha": values, "omega": bulk, "inner": st.fixed_dictionaries({"one": bulk, "two": values})},
            optional={"beta": values, "gamma": st.lists(bulk, max_size=3)},
        ),
    },
    optional={"tags": st.dictionaries(names, texts), "extra": values, "sku": values},
)
Way = tuple[str, ...]


def leaves(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the places of all leaves."""
    if isinstance(value, dict):
        return [place for key, inner in value.items() for place in leaves(inner, (*at, key))]
    if isinstance(value, list):
        return [place for n, inner in enumerate(value) for place in leaves(inner, (*at, n))]
    return [at]


def with_other(body: Any, place: tuple[str | int, ...]) -> Any:
    """Return a copy of the body with another leaf at a place."""
    body = copy.deepcopy(body)
    at = body
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = "another value altogether"
    return body


@st.composite
def moments(draw: st.DrawFn) -> tuple[Any, Any]:
    """Return what was sent and what Azure held: with members of its own, and now and then another value."""
    sent = draw(bodies)
    held: Any = {**copy.deepcopy(sent), "etag": draw(texts), "zone": draw(values)}
    held["properties"]["provisioned"] = draw(values)
    for place in draw(st.lists(st.sampled_from(leaves(sent)), max_size=2)):
        held = with_other(held, place)
    return sent, held


def verdict(sent: Any, held: Any, baseline: Baseline) -> ResourceDiff:
    """Compare."""
    return compare(build_desired(body=sent), build_actual(held), baseline)


def squeeze(baseline: Baseline, share: float) -> Baseline:
    """Return the baseline after it was a text of at most a share of its length."""
    limit = max(LEAST, int(len(encode_baseline(baseline, ROOMY).text) * share))
    text = encode_baseline(baseline, limit).text
    assert len(text) <= limit
    return decode_baseline(text)


@given(moments())
def test_a_baseline_with_room_comes_back_whole(both: tuple[Any, Any]) -> None:
    """What fits is read back exactly."""
    baseline = build_baseline(*both)

    encoded = encode_baseline(baseline, ROOMY)

    assert decode_baseline(encoded.text) == baseline
    assert encoded.lost == ()


shares = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95])


@settings(max_examples=120)
@given(moments(), shares)
def test_what_did_not_move_is_no_change(both: tuple[Any, Any], share: float) -> None:
    """However much was lost, a resource that nobody moved is in sync."""
    assert verdict(*both, squeeze(build_baseline(*both), share)).changes == ()


@settings(max_examples=120)
@given(moments(), shares, st.data())
def test_what_moved_is_never_missed(both: tuple[Any, Any], share: float, data: st.DataObject) -> None:
    """Whatever was lost: for each change there is one at the same place, or around it."""
    baseline = build_baseline(*both)
    sent, held = move(data, both[0]), move(data, both[1])
    small = squeeze(baseline, share)

    wanted, found = verdict(sent, held, baseline), verdict(sent, held, small)

    places = [c.path.segments for c in found.changes]
    for change in wanted.changes:
        assert any(change.path.segments[: len(at)] == at for at in places), (change, found.changes)


@settings(max_examples=120)
@given(moments(), shares, st.data())
def test_moves_of_one_side_are_told_as_before(both: tuple[Any, Any], share: float, data: st.DataObject) -> None:
    """While the manifest's side is whole and what was lost held what was asked for, verdicts are those of the whole."""
    baseline = build_baseline(*both)
    limit = max(LEAST, int(len(encode_baseline(baseline, ROOMY).text) * share))
    encoded = encode_baseline(baseline, limit)
    assume(all(part.is_alike for part in encoded.lost))
    sent, held = both
    if data.draw(st.booleans()):
        sent = move(data, sent)
    else:
        held = move(data, held)

    assert told(verdict(sent, held, decode_baseline(encoded.text))) == told(verdict(sent, held, baseline))


def move(data: st.DataObject, body: Any) -> Any:
    """Return the body with one leaf changed, gone, or another member beside it."""
    place = data.draw(st.sampled_from(leaves(body)))
    how = data.draw(st.sampled_from(["keep", "change", "drop", "add"]))
    if how == "change":
        return with_other(body, place)
    body = copy.deepcopy(body)
    at = body
    for step in place[:-1]:
        at = at[step]
    if how == "drop":
        del at[place[-1]]
    elif how == "add" and isinstance(at, dict):
        at["newcomer"] = "x"
    elif how == "add":
        at.append("x")
    return body


def packed(content: Any) -> str:
    """Return a text of the right form, whatever it holds."""
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(canonical(content))
    return f"{FORMAT}.{base64.b64encode(frame).decode()}"


def unpacked(text: str) -> Any:
    """Return what a text holds."""
    return json.loads(zstandard.ZstdDecompressor().decompress(base64.b64decode(text.partition(".")[2])))


WHOLE = build_baseline(
    {"location": "westus2", "properties": {"list": [{"name": "a", "password": "x"}], "inner": {"a": 1}}},
    {"location": "westus2", "etag": "1", "properties": {"list": [{"name": "a"}], "inner": {"a": 1}}},
)
odd = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1, 3), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["$print", "$hash", "$size", "$alike", "name", "a"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(st.data())
def test_a_text_that_was_touched_is_refused(data: st.DataObject) -> None:
    """One other character, anywhere: the text is refused, and never read as another memory."""
    text = encode_baseline(WHOLE).text
    n = data.draw(st.integers(0, len(text) - 1))
    touched = text[:n] + data.draw(st.characters(max_codepoint=0x2FF)) + text[n + 1 :]
    assume(touched != text)

    try:
        read = decode_baseline(touched)
    except ValueError:
        return

    assert read == WHOLE


@settings(max_examples=500)
@given(st.data())
def test_whatever_is_inside_nothing_breaks(data: st.DataObject) -> None:
    """A text with any other member in it is refused or compared; it never ends a pass."""
    content = unpacked(encode_baseline(WHOLE).text)
    place = data.draw(st.sampled_from([*([key] for key in content), *WAYS]))
    at = content
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = data.draw(odd)

    try:
        read = decode_baseline(packed(content))
    except ValueError:
        return

    sent, held = WHOLE.desired.value, WHOLE.actual.value
    verdict({**sent, "location": "eastus"}, {**held, "etag": "2"}, read)
    encode_baseline(read)
    assert str(read.key)


WAYS = [
    [body, "properties", *inner]
    for body in ("desired", "actual")
    for inner in ((), ("list",), ("list", 0), ("list", 0, "name"), ("inner",), ("inner", "a"))
]
