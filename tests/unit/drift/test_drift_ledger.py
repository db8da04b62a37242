"""What is kept of drift from look to look and from process to process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.drift.document import build_report, content_of, read_report
from engine.drift.finding import Standing, State, look_at
from engine.drift.ledger import Ledger
from engine.model.change import Attribution, ChangeOrigin
from engine.model.document import ABSENT, REDACTED, encode_public
from engine.model.plan import Action, Reason
from engine.model.policy import DriftPolicy, ObjectPolicy
from tests.builders import build_desired, build_step
from tests.drift_cases import NOON, drifted, ledger_of, missing, moved

LATER = NOON + timedelta(minutes=5)
APP = drifted().key.identity


def test_a_finding_says_what_moved_and_what_would_mend_it() -> None:
    """Values read as it was, then as it is; the request is the one that apply would send."""
    step = drifted("app", moved(before="TLS1_0", after="TLS1_2", baseline="TLS1_2"))

    found = look_at(step).finding

    assert found is not None
    (move,) = found.moves
    assert (move.place, move.before, move.after) == ("properties.minimumTlsVersion", '"TLS1_2"', '"TLS1_0"')
    assert (found.state, found.severity.value) == (State.DRIFTED, "critical")
    assert found.request.startswith("apply would send: PATCH /subscriptions/")


def test_what_is_gone_and_what_nobody_remembers() -> None:
    """A resource that was deleted is missing; a difference without a memory is none of Azure's moves."""
    differs = look_at(drifted("app", moved(origin=ChangeOrigin.UNKNOWN))).finding
    gone = look_at(missing()).finding

    assert differs is not None
    assert gone is not None
    assert (differs.state, differs.is_drift) == (State.DIFFERS, False)
    assert (gone.state, gone.moves) == (State.MISSING, ())


def test_edits_are_no_drift_and_ignored_drift_is_only_counted() -> None:
    """What the author moved is pending; what the author does not want to hear of is a number."""
    edited = build_step(Action.UPDATE, changes=(moved(origin=ChangeOrigin.USER),))
    ignored = drifted("app", desired=build_desired(policy=ObjectPolicy(drift=DriftPolicy.IGNORE)))

    assert look_at(edited).standing is Standing.PENDING
    assert (look_at(ignored).standing, look_at(ignored).ignored) == (Standing.UNHEARD, 1)


def test_drift_keeps_the_time_it_was_first_seen() -> None:
    """Another value at the same resource is the same drift with another fingerprint."""
    ledger = ledger_of(drifted("app", moved(before="TLS1_0")))
    first = ledger.tracked()[APP]

    ledger.note(APP, look_at(drifted("app", moved(before="TLS1_1"))), LATER)

    again = ledger.tracked()[APP]
    assert (first.since, again.since) == (NOON, NOON)
    assert first.finding.fingerprint != again.finding.fingerprint


def test_drift_that_ended_says_how() -> None:
    """A write of ours, a look that finds nothing, a new policy, and an object that is gone are four ends."""
    names = ("corrected", "undone", "ignored", "gone")
    ledger = ledger_of(*(drifted(name) for name in names))
    keys = {name: drifted(name).key.identity for name in names}
    policy = ObjectPolicy(drift=DriftPolicy.IGNORE)

    ledger.corrected(keys["corrected"], LATER)
    ledger.note(keys["undone"], look_at(build_step(key="default/StorageAccount/undone")), LATER)
    ledger.note(keys["ignored"], look_at(drifted("ignored", desired=build_desired(policy=policy))), LATER)
    ledger.drop(keys["gone"], LATER)

    assert [(e.object.partition("/")[2], e.how) for e in ledger.ended()] == [
        ("corrected", "Corrected"),
        ("undone", "NoLongerDiffers"),
        ("ignored", "Ignored"),
        ("gone", "ObjectGone"),
    ]
    assert ledger.tracked() == {}


def test_what_cannot_be_read_ends_nothing() -> None:
    """An unreadable resource may still be as it was seen last."""
    ledger = ledger_of(drifted())

    ledger.note(APP, look_at(build_step(Action.UNREADABLE, detail="HTTP 403")), LATER)

    summary = build_report("default", ledger)["summary"]
    assert (summary["drifted"], summary["unreadable"], summary["state"]) == (1, 1, "Drifted")


def test_a_new_process_goes_on_where_the_last_one_ended() -> None:
    """From the report alone the next process makes the very same report, times included."""
    before = build_report("default", ledger_of(*(drifted(f"app{n}") for n in range(70))))

    ledger = ledger_of(*(drifted(f"app{n}") for n in range(70)), at=LATER)
    ledger.recall(read_report(before), LATER)

    assert build_report("default", ledger) == before


def test_what_ended_while_nobody_looked_is_told() -> None:
    """Drift of the last report that the first look does not find again has ended since."""
    before = build_report("default", ledger_of(drifted()))
    ledger = ledger_of(build_step(), at=LATER)

    ledger.recall(read_report(before), LATER)

    (ended,) = ledger.ended()
    assert (ended.object, ended.how, ended.since, ended.until) == (
        "StorageAccount/app", "NoLongerDiffers", NOON, LATER,
    )  # fmt: skip


def test_objects_that_were_not_looked_at_keep_their_time() -> None:
    """What an earlier process knew of an object waits until somebody looks at it; of gone objects it goes."""
    before = read_report(build_report("default", ledger_of(drifted("app"), drifted("gone"))))
    ledger = Ledger()
    ledger.recall(before, LATER)

    ledger.keep({APP}, LATER)
    ledger.note(APP, look_at(drifted()), LATER)

    assert ledger.tracked()[APP].since == NOON
    assert ledger.earlier() == {}


def test_a_report_of_500_drifted_objects_is_bounded() -> None:
    """The worst stand on top, all are counted, and the report stays small whatever the values are."""
    long = "x" * 100_000
    changes = [moved(f"/properties/p{n}", before=long, after=long[:-1]) for n in range(30)]
    steps = [drifted(f"app{n:03}", *changes) for n in range(499)]
    worst = drifted("zz", moved("/properties/publicNetworkAccess", before="Enabled", after="Disabled"))

    report = build_report("default", ledger_of(*steps, worst))

    summary = report["summary"]
    assert len(encode_public(report)) <= 64 * 1024
    assert (summary["checked"], summary["drifted"], summary["critical"], summary["worst"]) == (500, 500, 1, "critical")
    assert report["findings"][0]["object"]["name"] == "zz"
    assert summary["notShown"] == 500 - len(report["findings"])
    assert report["findings"][1]["changesNotShown"] == 20
    remembered = " ".join(item["objects"] for item in report["remembered"]).split()
    assert len(remembered) == summary["notShown"]


def test_no_secret_is_in_a_report() -> None:
    """A place that must not be seen shows that it moved, and nothing else."""
    secret = moved("/properties/password", before="canary-1", after="canary-2", baseline="canary-3", sensitive=True)
    inside = moved("/properties/list", before={"key": REDACTED}, after=ABSENT)

    report = build_report("default", ledger_of(drifted("app", secret, inside)))

    assert "canary" not in str(report)
    changes = report["findings"][0]["changes"]
    assert [(c["before"], c["after"]) for c in changes] == [
        ("(none)", '{"key": (secret)}'),
        ("(secret)", "(secret)"),
    ]


def test_a_report_says_who() -> None:
    """Where Azure names the author, the finding does."""
    step = drifted()
    by = Attribution(by="colleague@contoso.example", by_type="User", at=NOON)
    step = replace(step, diff=replace(step.diff, last_modified=by))

    (finding,) = build_report("default", ledger_of(step))["findings"]

    assert finding["lastModified"] == {
        "by": "colleague@contoso.example", "byType": "User", "at": "2026-11-23T12:00:00Z",
    }  # fmt: skip


def test_the_same_drift_makes_the_same_report() -> None:
    """Neither the time nor the order of looks is in it."""
    one = build_report("default", ledger_of(drifted("a"), drifted("b")))
    other = build_report("default", ledger_of(drifted("b"), drifted("a")))

    assert content_of(one) == content_of(other)


def test_a_plain_namespace_has_a_short_report() -> None:
    """Without drift there are counts alone."""
    report = build_report("default", ledger_of(build_step(reason=Reason.IN_SYNC)))

    assert content_of(report).keys() == {"summary"}
    assert (report["summary"]["state"], report["summary"]["checked"]) == ("InSync", 1)


def test_a_report_that_somebody_damaged_is_read_as_far_as_it_goes() -> None:
    """Whatever stands in a report, reading it fails never."""
    broken = {
        "findings": [1, {"object": 3}, {"object": {"name": "a"}, "since": "noon"}],
        "ended": {},
        "remembered": [{}],
    }

    found = read_report(broken)

    assert (dict(found.since), found.ended) == ({}, ())
