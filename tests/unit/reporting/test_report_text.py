"""The sentences of text reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.model.change import Attribution, ChangeOrigin
from engine.model.document import UNKNOWN
from engine.model.path import ByKey, FieldPath
from engine.model.plan import Action, Budget, Guard, Reason
from engine.model.result import Outcome
from engine.model.state import Wait
from engine.reporting.allowances import allowance_lines
from engine.reporting.changes import count_unchanged, known_after
from engine.reporting.phrases import age_text, duration_text, reason_sentence, request_label
from engine.reporting.style import TextOptions
from engine.reporting.summary import apply_line, plan_line, summarize_apply
from engine.reporting.text import guard_text, render_plan
from engine.reporting.text_explain import render_explanation, select_below
from engine.reporting.text_results import render_drift, render_progress
from tests.builders import (
    ENDPOINT,
    build_apply,
    build_change,
    build_desired,
    build_diff,
    build_id,
    build_plan,
    build_request,
    build_result,
    build_step,
)


def steps(action: Action, count: int, **fields: object) -> list[object]:
    """Return several steps of one action."""
    return [build_step(action, f"default/StorageAccount/{action.value}{n}", **fields) for n in range(count)]


def test_last_line_counts_everything() -> None:
    """The last line of a plan counts steps, methods, drift and writes."""
    drift = (build_change(origin=ChangeOrigin.DRIFT),)
    plan = build_plan(
        [
            *steps(Action.CREATE, 2),
            *steps(Action.UPDATE, 2, changes=drift),
            build_step(Action.UPDATE, "a/StorageAccount/put", requests=(build_request("PUT"),), changes=drift),
            *steps(Action.REPLACE, 1, changes=drift),
            *steps(Action.BLOCKED, 1),
            *steps(Action.NOOP, 2041),
        ],
        budget=Budget(writes=6, deletes=1, floor_s=0.7),
    )

    assert plan_line(plan) == (
        "Plan: 2 to create, 3 to update (2 PATCH, 1 PUT), 1 to replace, 0 to delete, 4 drifted, 1 blocked; "
        "2,041 unchanged; 7 writes."
    )


def test_write_budget_is_told_where_it_takes_time() -> None:
    """The time that ARM's write limits cost is in the last line once somebody would notice it."""
    create = build_step(Action.CREATE, requests=(build_request("PUT"),))

    assert plan_line(build_plan([create], budget=Budget(writes=1, deletes=0, floor_s=9.9))).endswith("; 1 write.")
    assert plan_line(build_plan([create], budget=Budget(writes=1, deletes=0, floor_s=1234.5))).endswith(
        "; 1 write, about 1,235 s of write budget."
    )


def test_clean_plan_is_one_sentence() -> None:
    """A plan without anything to do says so and nothing else."""
    plan = build_plan(steps(Action.NOOP, 12))

    assert render_plan(plan) == "No changes. Azure matches the manifests (12 resources, 0 writes).\n"


@pytest.mark.parametrize("fields", [{"complete": False}, {"problems": ("bad.yaml: not YAML",)}], ids=["unread", "bad"])
def test_what_could_not_be_looked_at_is_not_clean(fields: dict[str, object]) -> None:
    """A plan that is not complete, or has problems, never says that Azure matches."""
    text = render_plan(build_plan(steps(Action.NOOP, 7), **fields))

    assert "Azure matches" not in text
    assert "No changes in the 7 resources that could be planned" in text


def test_problems_are_counted_in_the_last_line_even_where_they_are_told_already() -> None:
    """What the reader has seen is not printed again, and the last line still counts it."""
    problems = ("bad.yaml: not YAML", "worse.yaml: not YAML")
    plan = build_plan(steps(Action.NOOP, 7), problems=problems)
    told = TextOptions(told=frozenset(problems))

    assert render_plan(plan, told) == "No changes in the 7 resources that could be planned; 2 errors.\n"
    assert render_drift(plan, told) == "No drift in the 7 resources that could be checked; 2 errors.\n"
    assert apply_line(build_apply(plan=plan)) == (
        "Applied what could be planned: 0 created, 0 updated, 0 deleted, 7 unchanged, 0 failed, 0 skipped; 0 writes; "
        "2 errors."
    )
    assert "! worse.yaml: not YAML" in render_plan(plan, TextOptions(told=frozenset(problems[:1])))


def test_nothing_at_all_is_not_called_a_match() -> None:
    """An input without objects is said to be one."""
    empty = build_plan([])

    assert render_plan(empty) == "No objects to plan.\n"
    assert render_drift(empty) == "No objects to check.\n"
    assert apply_line(build_apply(plan=empty)) == "No objects to apply."
    assert plan_line(build_plan([], problems=("x: not YAML",))) == "No objects to plan; 1 error."


def test_details_replace_sentences_and_causes_follow_them() -> None:
    """A detail is the explanation, except where it is only the cause."""
    skip = build_step(Action.SKIP, detail="its reconcile-policy is skip")
    unreadable = build_step(Action.UNREADABLE, detail="403")
    path = build_step(Action.BLOCKED, reason=Reason.IMMUTABLE_CHANGE, detail="sku.name can only be set once")

    assert reason_sentence(skip) == "Its reconcile-policy is skip."
    assert reason_sentence(unreadable) == "Azure could not be read, so nothing is planned for it: 403."
    assert reason_sentence(path) == "sku.name can only be set once."


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """No reason code is left without words."""
    assert reason_sentence(build_step(reason=reason)).endswith(".")


def test_guard_that_was_answered_names_the_option() -> None:
    """A guard says what was found, what would happen and which option let it pass."""
    lost = Guard(name="data-bearing", text="it holds files", effect="that would be lost for good")

    assert guard_text(lost.allowed("--allow-data-loss")) == (
        "warning (data-bearing): it holds files; that would be lost for good; allowed by --allow-data-loss."
    )


def test_options_and_what_they_let_pass_are_listed() -> None:
    """A report names each option that was given with the guards that it let pass, also where there were none."""
    lost = Guard(name="data-bearing", text="it holds files").allowed("--allow-data-loss")
    plan = replace(
        build_plan([build_step(Action.DELETE, "default/StorageAccount/a", guards=(lost,))]),
        allowed=("--allow-data-loss", "--allow-mass-delete"),
    )

    assert allowance_lines(plan) == [
        "--allow-data-loss let pass: data-bearing of default/StorageAccount/a.",
        "--allow-mass-delete: no guard needed it.",
    ]
    assert "let pass" in render_plan(plan)


def test_empty_members_of_a_create_are_counted() -> None:
    """A create shows what has content, and says how many members have none."""
    body = {"location": "westeurope", "tags": {}, "properties": {"rules": [], "note": None, "flag": False, "text": ""}}
    plan = build_plan([build_step(Action.CREATE, body=body)])

    short, whole = render_plan(plan), render_plan(plan, TextOptions(verbose=True))

    assert "3 empty members hidden" in short
    assert "tags" not in short
    assert "properties.flag: false" in short
    assert 'properties.text: ""' in short
    assert "hidden" not in whole
    assert "+ tags: {}" in whole


def test_explaining_a_create_shows_what_is_sent() -> None:
    """What is not in Azure cannot be the same: explain says so and shows what apply would send."""
    create = build_step(Action.CREATE, body={"location": "westeurope", "properties": {"tier": "Hot"}})

    whole, part = render_explanation(create), render_explanation(create, "/properties")

    assert "Nothing differs" not in whole + part
    assert "nothing in Azure to compare with" in whole
    assert '+ location: "westeurope"' in whole
    assert '+ properties.tier: "Hot"' in part
    assert "location" not in part
    assert "Nothing could be compared." in render_explanation(build_step(Action.WAIT))
    assert "Nothing differs." in render_explanation(build_step())


def test_brief_keeps_why_a_step_does_not_run() -> None:
    """Without values a plan still says what blocked and waiting steps need."""
    plan = build_plan(
        [
            build_step(Action.WAIT, detail="owner a is not in the input"),
            build_step(Action.BLOCKED, "default/StorageAccount/b", reason=Reason.DEPENDENCY_BLOCKED, detail="of a"),
            build_step(Action.CREATE, "default/StorageAccount/c"),
        ]
    )

    text = render_plan(plan, TextOptions(brief=True))

    assert "owner a is not in the input." in text
    assert "Something it depends on cannot go on: of a." in text
    assert "does not exist" not in text


def test_transient_is_a_word_for_what_was_retried() -> None:
    """A failure that no retry followed is told in Azure's words alone."""
    failed = build_result(
        build_step(Action.CREATE), outcome=Outcome.FAILED, reason="Transient", cause="Azure refused PUT x: 400 Odd: no"
    )

    once = render_progress(failed, done=1, total=1)
    often = render_progress(replace(failed, requests=3), done=1, total=1)

    assert once.endswith("\n      Azure refused PUT x: 400 Odd: no.")
    assert often.endswith("\n      Transient: Azure refused PUT x: 400 Odd: no.")


def test_guards_say_what_to_do_once() -> None:
    """The way to allow it is added to a guard that blocks, not to a warning."""
    guard = Guard(name="mass-delete", text="20 of 30 would go", allow="pass --allow-mass-delete")

    assert guard_text(guard) == "blocked (mass-delete): 20 of 30 would go. To allow it once: pass --allow-mass-delete."
    assert guard_text(replace(guard, blocks=False)) == "warning (mass-delete): 20 of 30 would go."


def test_unknown_values_name_their_wait() -> None:
    """An unknown value is printed with the wait of its place, or of the nearest place above."""
    say = known_after(
        [
            Wait(text="known after a is created", path=FieldPath(("properties", "a"))),
            Wait(text="Secret b", path=FieldPath(("properties", "b"))),
        ]
    )

    assert say(FieldPath(("properties", "a", "id"))) == "(known after a is created)"
    assert say(FieldPath(("properties", "b"))) == "(known after: Secret b)"
    assert say(FieldPath(("other",))) == "(known after apply)"


def test_unchanged_values_are_counted_beside_the_changed_ones() -> None:
    """Values at, below and above a changed place are not unchanged."""
    step = build_step(
        Action.UPDATE,
        desired=build_desired(body={"a": {"b": 1, "c": 2}, "d": [{"e": 1}, {"e": 2}], "f": 3}),
        changes=(build_change("/a/b"), build_change("/d/1"), build_change("/f/deeper")),
    )

    assert count_unchanged(step) == 2


def test_colour_is_only_what_the_caller_allows() -> None:
    """With colour the same text carries escape codes, without it none."""
    plan = build_plan([build_step(Action.UPDATE, changes=(build_change(),))])

    coloured = render_plan(plan, TextOptions(colour=True))

    assert "\x1b[" not in render_plan(plan)
    assert "\x1b[33m~ default/StorageAccount/app" in coloured


def test_verbose_shows_unchanged_resources() -> None:
    """Resources that need nothing are hidden with a count, or shown when asked for."""
    plan = build_plan([build_step(Action.CREATE), build_step(key="default/StorageAccount/same")])

    assert "1 unchanged resource hidden (--verbose shows them)." in render_plan(plan)
    assert "= default/StorageAccount/same" in render_plan(plan, TextOptions(verbose=True))


def test_tags_requests_have_a_name() -> None:
    """A request to the tags API is told from a PATCH of the resource."""
    url = f"{ENDPOINT}{build_id()}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"

    assert request_label(build_request("PATCH", url=url)) == "PATCH tags"
    assert request_label(build_request("PATCH")) == "PATCH"


def test_progress_line() -> None:
    """A step that ended is one line: count, outcome, object, method, status, duration."""
    line = render_progress(build_result(http_status=201), done=3, total=12)

    assert line == "[3/12] created default/StorageAccount/app  PUT 201, 3.2 s"


def test_apply_counts_what_the_plan_held_back_apart() -> None:
    """Steps that wait or are blocked are not called skipped, whether they have a result or not."""
    waiting = build_result(build_step(Action.WAIT, "default/StorageAccount/w"))
    skipped = build_result(build_step(Action.CREATE), outcome=Outcome.SKIPPED, requests=0)
    blocked = build_step(Action.BLOCKED, "default/StorageAccount/b")

    result = build_apply(waiting, skipped, plan=build_plan([waiting.step, skipped.step, blocked, build_step()]))
    summary = summarize_apply(result)

    assert summary.held_back == {Action.WAIT: 1, Action.BLOCKED: 1}
    assert summary.outcomes[Outcome.SKIPPED] == 1


def test_apply_line() -> None:
    """The last line of an apply counts outcomes and writes."""
    result = build_apply(build_result(), build_result(build_step(key="default/StorageAccount/b")))

    assert apply_line(result) == (
        "Apply complete: 1 created, 0 updated, 0 deleted, 1 unchanged, 0 failed, 0 skipped; 1 write."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s"), (3840, "1 h 4 min"), (-1, "0.0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    """Durations are short and never read 60 seconds."""
    assert duration_text(timedelta(seconds=seconds)) == text


def test_explain_selects_by_place() -> None:
    """A pointer into the body or into the object selects what lies at or below it, whole names only."""
    near = build_change("/properties/sku", spec_path=FieldPath(("spec", "sku")), after=UNKNOWN)
    step = build_step(Action.UPDATE, changes=(near, build_change("/properties/skus")))

    assert select_below(step, "/properties/SKU")[0] == [near]
    assert select_below(step, "/spec/sku")[0] == [near]
    assert len(select_below(step, "")[0]) == 2


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=-90), "just now"),
        (timedelta(seconds=0.4), "just now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5, seconds=59), "5 min ago"),
        (timedelta(hours=3, minutes=40), "3 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=1200), "1,200 days ago"),
    ],
)
def test_ages(age: timedelta, text: str) -> None:
    """Ages are whole units, rounded down; a clock that is behind Azure's is no reason to speak of the future."""
    assert age_text(age) == text


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("User", "a person"),
        ("Application", "an application"),
        ("ManagedIdentity", "a managed identity"),
        ("", "somebody"),
    ],
)
def test_author_is_told_with_the_age_of_the_write(kind: str, who: str) -> None:
    """A drifted resource says who wrote it last; the age is counted from the time that is passed in."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    author = Attribution(by="x\x1b@contoso.example", by_type=kind, at=noon)
    change = build_change(origin=ChangeOrigin.DRIFT)
    plan = build_plan([build_step(Action.UPDATE, diff=build_diff(change, last_modified=author))])

    aged = render_drift(plan, TextOptions(now=noon + timedelta(hours=3)))

    assert f"    changed by {who}, x\\u001b@contoso.example, 3 h ago\n" in aged
    assert f"changed by {who}, x\\u001b@contoso.example, at 2026-03-01 12:00 UTC\n" in render_plan(plan)


@pytest.mark.parametrize(
    ("pointer", "count"), [("/subnets/1", 1), ("/subnets/[Name=web]", 1), ("/subnets/[name=we]", 0)]
)
def test_explain_selects_elements_by_position_and_by_key(pointer: str, count: int) -> None:
    """A list element is named by its position or by its key."""
    change = build_change(FieldPath(("subnets", ByKey(1, "name", "web"), "properties", "addressPrefix")))

    assert len(select_below(build_step(Action.UPDATE, changes=(change,)), pointer)[0]) == count
