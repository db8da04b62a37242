"""Laws of recordings without secrets."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.app.snapshot_file import encode_snapshot
from engine.compare.secrets import HASH_KEY
from engine.model.document import Document, Secret
from engine.model.ids import ApiVersion
from engine.model.state import ActualState, Presence, ReadTarget
from engine.runtime.recording import Recording
from engine.runtime.scrub import scrub
from tests.builders import STORAGE, STORAGE_API, build_baseline, build_id

KEY = b"the state folder's key"
SECRETS = st.text(st.sampled_from("abXY019-_$"), min_size=6, max_size=12).map(lambda t: f"s3!{t}")


def bodies(secret: str) -> st.SearchStrategy[Any]:
    """Return bodies in which the secret stands alone, inside other texts, or not at all."""
    texts = st.sampled_from((secret, f"pre {secret} post", f"{secret}{secret}", "plain", ""))
    leaves = st.none() | st.booleans() | st.integers(-9, 9) | texts
    names = st.sampled_from(("a", "tags", "properties", "b/c"))
    values = st.recursive(
        leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=9
    )
    return st.dictionaries(names, values, max_size=4)


def record(secret: str, body: Any, **fields: Any) -> Recording:
    """Return a recording of one resource and one Secret."""
    where = build_id()
    return Recording(
        secrets={("web", "s"): {"k": Secret(secret)}},
        targets={where: ReadTarget(id=where, arm_type=STORAGE, api_version=ApiVersion(STORAGE_API))},
        resources={where: ActualState(id=where, presence=Presence.PRESENT, document=Document(value=body))},
        secret_key=KEY,
        **fields,
    )


def held(recording: Recording) -> Any:
    """Return the body of the one resource."""
    (actual,) = recording.resources.values()
    assert actual.document is not None
    return actual.document.value


@settings(deadline=None)
@given(st.data())
def test_no_secret_is_left(data: st.DataObject) -> None:
    """Whatever a body holds, the file holds no secret, and what holds none is as it was."""
    secret = data.draw(SECRETS)
    body = data.draw(bodies(secret))

    scrubbed = scrub(record(secret, body))

    assert secret.encode() not in encode_snapshot(scrubbed)
    if secret not in str(body):
        assert held(scrubbed) == body


@settings(deadline=None)
@given(SECRETS, SECRETS)
def test_equal_secrets_have_equal_stand_ins_everywhere(one: str, other: str) -> None:
    """Secrets, echoes and remembered hashes agree after scrubbing exactly where they agreed before."""
    body = {"properties": {"a": one, "b": other}}
    hashes = {"x": {HASH_KEY: Secret(one).hash_with(KEY)}, "y": {HASH_KEY: Secret(other).hash_with(KEY)}}
    baseline = build_baseline(hashes, hashes)

    scrubbed = scrub(record(one, body, baselines={baseline.id: baseline}))

    stand_in = (scrubbed.secrets["web", "s"] or {})["k"]
    assert held(scrubbed)["properties"]["a"] == stand_in.reveal()
    assert (held(scrubbed)["properties"]["a"] == held(scrubbed)["properties"]["b"]) is (one == other)
    remembered = scrubbed.baselines[baseline.id].actual.value
    assert remembered["x"] == {HASH_KEY: stand_in.hash_with(scrubbed.secret_key)}
    assert (remembered["x"] == remembered["y"]) is (one == other)


@settings(deadline=None)
@given(SECRETS)
def test_text_that_holds_a_secret_still_holds_its_stand_in(secret: str) -> None:
    """A text around a secret is told as one after scrubbing, since it holds the stand-in."""
    scrubbed = scrub(record(secret, {"note": f"x {secret} y"}))

    stand_in = (scrubbed.secrets["web", "s"] or {})["k"].reveal()
    assert stand_in in held(scrubbed)["note"]
    assert held(scrubbed)["note"] != stand_in
