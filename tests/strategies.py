"""Hypothesis strategies for the model; grow them with every new field.

Names and values come from small alphabets with the awkward ones in: escapes, markup, direction marks, big numbers.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from engine.model.change import Attribution, ChangeKind, ChangeOrigin, DiffState, FieldChange, ResourceDiff, Suppressed
from engine.model.document import ABSENT, REDACTED, UNKNOWN
from engine.model.ids import ApiVersion, ArmId, Generation, PlanId, ResourceKey
from engine.model.path import ByKey, FieldPath
from engine.model.plan import (
    Action,
    Budget,
    Expectation,
    Guard,
    Plan,
    Precondition,
    Reason,
    Request,
    SecretPrint,
    Spending,
    Step,
)
from engine.model.state import Wait
from tests.builders import build_id

AWKWARD = (
    "",
    "a/b",
    "~1",
    "a.b",
    "[x]",
    "0",
    "\x1b[2J",
    "</details>",
    "`" * 4,
    "|",
    "@all",
    "\u202e",
    "line\nline",
    "ü",
)

names = st.sampled_from(("app", "db", "web-1", "Storage", *AWKWARD))
texts = st.one_of(names, st.text(max_size=12))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)


def json_values(*markers: Any) -> st.SearchStrategy[Any]:
    """Return JSON values in which the markers may stand at any depth."""
    leaves = st.one_of(scalars, st.sampled_from(markers)) if markers else scalars
    return st.recursive(leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=5)


keys = st.builds(
    ResourceKey,
    namespace=names,
    group=st.sampled_from(("storage.azure.com", "network.azure.com", "")),
    kind=st.sampled_from(("StorageAccount", "VirtualNetwork")),
    name=names,
    version=st.sampled_from(("v1", "v1api20230101")),
)
segments = st.one_of(names, st.integers(min_value=0, max_value=20), st.builds(ByKey, st.integers(0, 20), names, names))
paths = st.lists(segments, max_size=4).map(lambda s: FieldPath(tuple(s)))
pointers = st.lists(names, max_size=4).map(lambda s: FieldPath(tuple(s)))
public_values = st.one_of(st.just(ABSENT), json_values(UNKNOWN, REDACTED))
masked_values = st.sampled_from((ABSENT, UNKNOWN, REDACTED))
changes = st.booleans().flatmap(
    lambda sensitive: st.builds(
        FieldChange,
        path=paths,
        kind=st.sampled_from(ChangeKind),
        before=masked_values if sensitive else public_values,
        after=masked_values if sensitive else public_values,
        baseline=masked_values if sensitive else public_values,
        origin=st.sampled_from(ChangeOrigin),
        spec_path=st.none() | pointers,
        sensitive=st.just(sensitive),
        rule=st.just("") | names,
    )
)
suppressed = st.builds(Suppressed, path=paths, rule=names, why=texts, origin=st.sampled_from(ChangeOrigin))
authors = st.builds(Attribution, by=names, by_type=names, at=st.datetimes(timezones=st.just(UTC)))
diffs = st.builds(
    ResourceDiff,
    changes=st.lists(changes, max_size=2).map(tuple),
    suppressed=st.lists(suppressed, max_size=2).map(tuple),
    state=st.sampled_from(DiffState),
    last_modified=st.none() | authors,
)
requests = st.builds(
    Request,
    method=st.sampled_from(("PUT", "PATCH", "DELETE")),
    url=texts.map(lambda t: f"https://arm.example/{t}"),
    body=public_values,
    headers=st.sampled_from(((), (("If-Match", '"1"'),))),
)
guards = st.builds(Guard, name=names, text=texts, blocks=st.booleans())
waits = st.builds(Wait, text=texts, on=st.none() | keys, path=st.none() | paths, secret_only=st.booleans())
steps = st.builds(
    Step,
    key=keys,
    id=st.none() | names.map(lambda n: build_id(n.replace("/", "-"))) | st.just(ArmId("/providers/Microsoft.X/y/z")),
    arm_type=st.sampled_from(("Microsoft.Storage/storageAccounts", "Microsoft.Network/virtualNetworks")),
    api_version=st.sampled_from((ApiVersion("2023-01-01"), ApiVersion(""))),
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    detail=texts,
    requests=st.lists(requests, max_size=2).map(tuple),
    fallback=st.none() | requests,
    diff=diffs,
    precondition=st.builds(
        Precondition,
        generation=st.integers(0, 99).map(Generation),
        etag=texts,
        actual_hash=names,
        desired_hash=names,
        secrets=st.lists(st.builds(SecretPrint, pointer=names, source=texts, mark=names), max_size=2).map(tuple),
    ),
    depends_on=st.lists(keys, max_size=2).map(tuple),
    guards=st.lists(guards, max_size=2).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
    waits=st.lists(waits, max_size=2).map(tuple),
    origin=texts,
)
spendings = st.builds(
    Spending,
    kind=st.sampled_from(["reads", "writes", "deletes"]),
    requests=st.integers(0, 9_999),
    at_once=st.integers(1, 999),
    per_s=st.floats(0.1, 99),
)
expectations = st.builds(
    Expectation,
    expected_s=st.floats(0, 1e6),
    slow_s=st.floats(0, 1e6),
    path=st.lists(keys, max_size=6).map(tuple),
    recordings=st.integers(0, 999),
    assumed=st.integers(0, 9),
)
budgets = st.builds(
    Budget,
    writes=st.integers(0, 9),
    deletes=st.integers(0, 9),
    floor_s=st.floats(0, 1e6),
    spending=st.lists(spendings, max_size=3).map(tuple),
    expectation=st.none() | expectations,
)
plans = st.builds(
    Plan,
    steps=st.lists(steps, max_size=2).map(tuple),
    complete=st.booleans(),
    id=names.map(PlanId),
    problems=st.lists(texts, max_size=2).map(tuple),
    budget=budgets,
)
"""Plans that hold only what is public: no Secret, no desired states, no values of hidden differences."""
