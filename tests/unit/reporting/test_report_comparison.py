"""Two states side by side: what is printed of them."""

from __future__ import annotations

import orjson

from engine.reporting.comparison import Comparison, Standing, comparison_lines, encode_comparison, render_comparison
from engine.reporting.style import TextOptions
from tests.report_cases import compared


def test_text_says_how_each_resource_stands() -> None:
    """Every standing has its sign; what is the same is only counted unless all is asked for."""
    shown, whole = render_comparison(compared()), render_comparison(compared(), TextOptions(verbose=True))

    assert shown.startswith("From old to new\\u001b[2J:\n")
    assert "\n~ default/StorageAccount/changed  Microsoft.Storage/storageAccounts@2023-01-01\n" in shown
    assert '\n    ~ properties.minimumTlsVersion: "TLS1_0" → "TLS1_2"\n' in shown
    assert "\n+ default/StorageAccount/added" in shown
    assert "\n- /subscriptions/" in shown
    assert "\n? default/StorageAccount/unreadable" in shown
    assert "\n    403 Not you.\n" in shown
    assert "StorageAccount/same" not in shown
    assert "\n= default/StorageAccount/same" in whole
    assert shown.endswith("Diff: 1 changed, 1 added, 1 removed, 1 unreadable; 1 the same.\n")


def test_same_states_are_one_sentence() -> None:
    """Without differences there is nothing but the last line."""
    same = Comparison(first="a", second="b", resources=tuple(compared().of(Standing.SAME)))

    assert render_comparison(same) == "No differences. 1 resource compared.\n"
    assert not same.has_differences


def test_json_and_events_carry_the_same_resources() -> None:
    """Both forms hold what differs, and the counts."""
    document = orjson.loads(encode_comparison(compared()))
    lines = [orjson.loads(line) for line in comparison_lines(compared())]

    assert [line["type"] for line in lines] == ["version", *["resource_diff"] * 4, "diff_summary"]
    assert [line["resource"] for line in lines[1:-1]] == document["resources"]
    assert lines[-1]["summary"] == document["summary"]
    assert [r["state"] for r in document["resources"]] == ["changed", "added", "removed", "unreadable"]
    assert document["resources"][0]["changes"][1]["before"] == "***"
    assert compared().has_differences
