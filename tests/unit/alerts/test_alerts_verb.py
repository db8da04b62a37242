"""``trueup alerts``: a file is looked at, sinks are tried, and what nobody took is listed and sent again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.alerts.alert import alerts_of
from engine.alerts.delivery import failed, revive
from engine.alerts.outbox import Outbox, plan_messages
from engine.alerts.settings import parse_settings
from engine.app.cli import main
from engine.drift.document import build_report
from tests.drift_cases import NOON, drifted, ledger_of, missing, moved
from tests.receivers import receiver

FILE = """\
cluster: prod-1
sinks:
- {name: web, type: slack, url: {env: TRUEUP_TEST_SLACK}}
- {name: am, type: alertmanager, url: "http://am.example:9093/T0KEN"}
routes:
- {sinks: [web], match: {severity: critical, namespaces: ["shop-*"], labels: {team: web}}, minAge: 10m, digest: 1h}
- {sinks: [am], repeat: 90s, resolved: false}
silences:
- {match: {types: [missing]}, until: 2999-12-24T18:00:00Z, reason: migration}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "alerts.yaml"
    path.write_text(text)
    return str(path)


def hook(folder: Path, *urls: str) -> str:
    """Write a file with a webhook for each address."""
    (folder / "key").write_text("shared")
    sinks = [
        {"name": f"hook{n}", "type": "webhook", "url": url, "key": {"file": str(folder / "key")}}
        for n, url in enumerate(urls)
    ]
    return write(folder, json.dumps({"cluster": "c1", "sinks": sinks}))


def test_check_says_what_a_file_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every sink, route and silence is a line; no address is repeated."""
    monkeypatch.setenv("TRUEUP_TEST_SLACK", "https://hooks.example/S3CRET")

    code = main(["alerts", "check", write(tmp_path, FILE)])

    said = capsys.readouterr()
    assert code == 0
    assert said.out.splitlines()[:5] == [
        "cluster: prod-1",
        "sink web: slack, url from environment variable TRUEUP_TEST_SLACK",
        "sink am: alertmanager, url in the file",
        (
            "route 1 to web: severity critical or worse, namespace shop-*, label team=web; "
            "when 10 min old; one message in 1 h; 20 alerts a message"
        ),
        "route 2 to am: everything; again every 1 min 30 s; 20 alerts a message; ends are not told",
    ]
    assert said.out.splitlines()[5].startswith("silence: type missing; until 2999-12-24T18:00:00Z (")
    assert "silences[0] lasts for" in said.err
    assert "S3CRET" not in said.out + said.err
    assert "T0KEN" not in said.out + said.err


def test_check_names_secrets_that_are_not_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file may be right where its secrets are not: that is exit code 3."""
    text = FILE.replace("{env: TRUEUP_TEST_SLACK}", "{file: /nowhere/url}")

    code = main(["alerts", "check", write(tmp_path, text)])

    assert code == 3
    assert "sink web: url: /nowhere/url cannot be read" in capsys.readouterr().err


def test_check_names_every_fault_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that is wrong is told at once."""
    text = FILE.replace("minAge: 10m", "minAge: ten").replace("reason: migration", "reason: ''")
    path = write(tmp_path, text.replace("type: slack", "type: slak"))

    code = main(["alerts", "check", path])

    lines = capsys.readouterr().err.splitlines()
    assert code == 1
    assert [line.partition(" must")[0].partition(" 'slak'")[0] for line in lines] == [
        f"trueup: error: {path}:3: sinks[0].type",
        f"trueup: error: {path}:6: routes[0].minAge",
        f"trueup: error: {path}:9: silences[0].reason",
    ]


def test_check_remarks_what_is_hardly_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sink that no route names, a route that is never reached, a silence that is over."""
    monkeypatch.setenv("U", "hooks.example/x")
    text = """\
sinks: [{name: a, type: slack, url: {env: U}}, {name: b, type: slack, url: {env: U}}]
routes: [{sinks: [a]}, {sinks: [a], match: {severity: critical}}]
silences: [{until: 2020-01-01, reason: old}]
"""

    path = write(tmp_path, text)

    code = main(["alerts", "check", path])

    said = capsys.readouterr().err
    assert code == 3
    assert f"{path}:1: sinks[1] b hears of nothing: no route names it" in said
    assert f"{path}:2: routes[1] is never reached" in said
    assert "silences[0] ended at 2020-01-01T00:00:00Z" in said
    assert "sink a: url from environment variable U begins with neither http:// nor https://" in said


@pytest.mark.loopback
def test_a_test_is_sent_with_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each sink gets an alert that says it is a test, and the end of the same; what happened is told for each."""
    with receiver() as well, receiver(403) as shut:
        code = main(["alerts", "test", hook(tmp_path, well.url, shut.url)])

    told = [json.loads(body) for _, _, body in well.got]
    assert [(len(m["firing"]), len(m["resolved"])) for m in told] == [(1, 0), (0, 1)]
    assert told[0]["firing"] == told[1]["resolved"]
    assert (told[0]["firing"][0]["type"], "nothing is the matter" in told[0]["title"]) == ("test", True)
    assert (code, len(shut.got)) == (1, 1)
    assert capsys.readouterr().out.splitlines() == [
        "hook0 (webhook): took the test and its end",
        "hook1 (webhook): the test was not taken: sink hook1 answered HTTP 403",
    ]


@pytest.mark.loopback
def test_one_sink_can_be_tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Others are left alone; a name that is none is an error before anything is sent."""
    with receiver() as one, receiver() as other:
        path = hook(tmp_path, one.url, other.url)
        codes = [main(["alerts", "test", path, "--sink", name]) for name in ("hook1", "hok1")]

    assert (codes, len(one.got), len(other.got)) == ([0, 1], 0, 2)
    assert "has no sink 'hok1' (did you mean 'hook1'?)" in capsys.readouterr().err


def store(folder: Path, outbox: Outbox) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "alerts.json").write_text(json.dumps({**outbox.to_json(), "reports": {}}))


def alerts(*steps: Any) -> Any:
    return alerts_of(build_report("default", ledger_of(*steps)), cluster="c1", labels_of=lambda _: {})


def dead_outbox() -> Outbox:
    """Return an outbox with a message that was refused for good."""
    settings = parse_settings({"sinks": [{"name": "hook0", "type": "webhook", "url": "http://x", "key": {"env": "K"}}]})
    outbox = plan_messages(Outbox(), alerts(drifted(), missing("gone")), settings, NOON)
    return failed(outbox, outbox.waiting[0], "sink hook0 refuses the message: HTTP 400", NOON, is_final=True)


@pytest.mark.loopback
def test_dead_letters_are_listed_and_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was refused is named with its cause; when the receiver is mended it is sent again, once."""
    state = tmp_path / "state"
    store(state, dead_outbox())
    with receiver(400) as there:
        path = hook(tmp_path, there.url)
        where = ["--state", str(state)]
        main(["alerts", "list", *where])
        codes = [main(["alerts", "retry", path, *where])]
        there.status = 200
        codes += [main(["alerts", "retry", path, *where]) for _ in range(2)]
        main(["alerts", "list", *where])

    said = capsys.readouterr()
    lines = said.out.splitlines()
    number = dead_outbox().dead[0].id
    assert lines[0] == "hook0 knows of 2 alerts:"
    assert lines[3] == "1 message that nobody took (trueup alerts retry FILE sends them again):"
    assert lines[4].startswith(f"  {number} for hook0, made 2026-11-23T12:00:00Z: 2 drifted, worst critical; ")
    assert lines[4].endswith("tried 1 time: sink hook0 refuses the message: HTTP 400")
    assert lines[6:9] == [f"{number}: was not taken", f"{number}: taken", "nothing waits and nothing is dead"]
    assert (codes, len(there.got)) == ([1, 0, 0], 2)
    assert lines[-1] == "2 were not taken in all"


def test_the_list_is_for_programs_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON it is what is stored; without a state folder it is empty, and that is said."""
    store(tmp_path, dead_outbox())
    codes = [main(["alerts", "list", "-o", "json", "--state", str(tmp_path)])]
    told = json.loads(capsys.readouterr().out)
    codes.append(main(["alerts", "list", "--state", str(tmp_path / "none")]))
    said = capsys.readouterr()

    assert codes == [0, 0]
    assert (told["format"], told["deadCount"], told["dead"][0]["sink"]) == ("trueup.alerts/1", 1, "hook0")
    assert "was never run with the state folder" in said.err
    assert said.out == "nothing was told, nothing waits, nothing was refused\n"


def test_what_is_not_so_any_more_is_not_sent_again() -> None:
    """Of a dead message only alerts remain that still hold; a message of which nothing remains is left out."""
    settings = parse_settings({"sinks": [{"name": "hook0", "type": "webhook", "url": "http://x", "key": {"env": "K"}}]})
    outbox = dead_outbox()
    half = plan_messages(outbox, alerts(drifted()), settings, NOON + timedelta(minutes=5))
    changed = plan_messages(half, alerts(drifted("app", moved("/tags/a"))), settings, NOON + timedelta(minutes=6))
    number = outbox.dead[0].id

    once, none = (revive(replace(o, waiting=()), [], NOON) for o in (half, changed))
    named = revive(outbox, [number, "nobody"], NOON)

    assert [[a.object for a in m.firing] for m in once.outbox.waiting] == [["default/StorageAccount/app"]]
    assert (none.sent, none.over, none.outbox.waiting, none.outbox.dead) == ((), (number,), (), ())
    assert (named.sent, named.unknown) == ((number,), ("nobody",))
