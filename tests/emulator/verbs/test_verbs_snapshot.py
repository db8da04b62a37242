"""A saved snapshot gives the same reports, byte for byte, and holds no secret."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.verbs_desk import SECRET_TEXT, Desk, Object, account, group, identity, network, secret, server, subnet

pytestmark = pytest.mark.loopback
IDENTITY_API = "2023-01-31"
SERVER_API = "2022-12-01"
FORMS = ("text", "json", "ndjson", "markdown")
REPORTS = list(itertools.product(("plan", "drift"), FORMS))


def with_tags(wanted: Object, **tags: str) -> Object:
    """Return the object with tags."""
    wanted["spec"]["tags"] = tags
    return wanted


def start(desk: Desk) -> str:
    """Apply an application, then let it drift in many ways; return the account's name."""
    name = f"{desk.name}snap"
    ignored = {"trueup.dev/ignore": "/tags/touched\n/tags/nothing"}
    owner = desk.name
    common = [group(owner), secret(), server("db", owner), network("net", owner), subnet("web", "net", "10.0.1.0/24")]
    leaving = with_tags(identity("left", owner), a="b")
    desk.write(
        *common, with_tags(identity("app", owner), env="prod"), account(name, owner, annotations=ignored), leaving
    )
    desk.apply()
    desk.azure.edit("PATCH", desk.id_of("identity", "app"), {"tags": {"env": "test"}}, api=IDENTITY_API)
    desk.azure.edit(
        "PATCH", desk.id_of("account", name), {"properties": {"accessTier": "Cool"}, "tags": {"touched": "x"}}
    )
    desk.azure.edit(
        "PATCH", desk.id_of("server", "db"), {"properties": {"storage": {"storageSizeGB": 256}}}, api=SERVER_API
    )
    new = [account(f"{desk.name}new", owner), {**group("x"), "spec": {"location": 7}}]
    changed = account(name, owner, annotations=ignored, minimumTlsVersion="TLS1_2")
    desk.write(*common, with_tags(identity("app", owner), env="prod"), changed, *new)
    return name


@pytest.fixture(params=["now.json", "now.json.zst"])
def saved(desk: Desk, request: pytest.FixtureRequest) -> str:
    """Return a snapshot of a world that differs in many ways."""
    start(desk)
    file = str(desk.folder / request.param)
    done = desk.run("snapshot", "-o", file)
    assert done.code == 1, done.out + done.err
    assert done.out.startswith("Saved 8 objects and ")
    return file


def test_reports_are_the_same_without_azure(desk: Desk, saved: str) -> None:
    """Plan and drift in every format, and explain, are byte for byte what they were; nothing is read again."""
    live = {(v, f): desk.run(v, "-o", f, "--prune") if v == "plan" else desk.run(v, "-o", f) for v, f in REPORTS}
    explained = {
        (n, f): desk.run("explain", n, "-o", f) for n, f in itertools.product(("app", "db", "net"), ("text", "json"))
    }
    desk.azure.forget_traffic()
    (desk.state / "state.db").unlink()
    desk.environment = {"AZURE_RESOURCE_MANAGER_ENDPOINT": "http://127.0.0.1:9", "AZURE_SUBSCRIPTION_ID": "other"}

    for (verb, form), wanted in live.items():
        more = ("--prune",) if verb == "plan" else ()
        again = desk.run(verb, "--snapshot", saved, "-o", form, *more, files=False)
        assert (again.code, again.out, again.err) == (wanted.code, wanted.out, wanted.err)
    for (name, form), wanted in explained.items():
        again = desk.run("explain", name, "--snapshot", saved, "-o", form, files=False)
        assert (again.code, again.out) == (wanted.code, wanted.out)
    assert desk.azure.reads == 0


def test_selection_and_ignore_are_those_of_the_later_run(desk: Desk, saved: str) -> None:
    """What a report is about is chosen when it is made."""
    rules = desk.folder / "rules.yaml"
    rules.write_text("- {kind: UserAssignedIdentity, jsonPointers: [/tags]}\n")

    done = desk.run("drift", "--snapshot", saved, "--target", "app", "--ignore", str(rules), files=False)

    assert "No drift. 1 resource checked, 1 ignored." in done.out or "1 ignored" in done.out


def test_no_secret_is_saved(desk: Desk) -> None:
    """Neither Secrets, nor plain secrets of manifests, nor what Azure echoes of them is in the file."""
    plain, other = "Plain-Canary-5512", "Renewed-Canary-881"
    desk.write(group(desk.name), secret(), server("db", desk.name))
    desk.apply()
    note = {"note": f"the password is {other}"}
    desk.azure.edit("PATCH", desk.id_of("server", "db"), {"tags": note}, api=SERVER_API)
    held = desk.azure.get(desk.id_of("server", "db"), api=SERVER_API)["properties"]
    desk.azure.rewrite(
        desk.id_of("server", "db"), api=SERVER_API, properties={**held, "administratorLoginPassword": plain}
    )
    desk.write(group(desk.name), secret(other), server("db", desk.name, tags={"keep": "x"}))
    live = desk.run("plan", "-o", "json"), desk.run("explain", "db", "-o", "json"), desk.run("explain", "db")

    file = desk.folder / "now.json"
    done = desk.run("snapshot", "-o", str(file))
    played = (
        desk.run("plan", "--snapshot", str(file), "-o", "json", files=False),
        desk.run("explain", "db", "--snapshot", str(file), "-o", "json", files=False),
        desk.run("explain", "db", "--snapshot", str(file), files=False),
    )

    assert done.code == 0
    content = file.read_text()
    assert [text for text in (plain, other, SECRET_TEXT) if text in content] == []
    assert [p.out for p in played] == [run.out for run in live]
    assert file.stat().st_mode & 0o777 == 0o600


def test_secret_that_a_manifest_repeats_in_plain_is_not_saved(desk: Desk) -> None:
    """A text that holds a secret is replaced as a whole, wherever it stands."""
    desk.write(group(desk.name), secret(), server("db", desk.name, tags={"keep": f"not {SECRET_TEXT}"}))

    file = desk.folder / "now.json"
    desk.run("snapshot", "-o", str(file))

    assert SECRET_TEXT not in file.read_text()
    assert "hash:" in file.read_text()


def test_exit_codes_are_those_of_plan(desk: Desk) -> None:
    """Clean 0, differences 2 where asked for, unreadable 3."""
    name = f"{desk.name}code"
    desk.write(group(desk.name), account(name, desk.name))
    file = str(desk.folder / "s.json")
    codes = [desk.run("snapshot", "-o", file).code, desk.run("snapshot", "-o", file, "--detailed-exitcode").code]
    denied = {"status": 403, "body": {"error": {"code": "AuthorizationFailed", "message": "Not you."}}}
    desk.azure.script({"match": {"method": "GET", "path_regex": "storageAccounts"}, "times": None, "answer": denied})
    codes.append(desk.run("snapshot", "-o", file).code)

    assert codes == [0, 2, 3]
    assert "Not you." in desk.run("plan", "--snapshot", file, files=False).out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "no snapshot"),
        ("[]", "no snapshot"),
        ('{"format": "trueup.snapshot/9"}', "trueup.snapshot/9 (upgrade trueup"),
        ('{"format": "trueup.snapshot/1"}', "is damaged"),
        ("\x28", "no snapshot"),
    ],
)
def test_what_is_no_snapshot_is_an_error(desk: Desk, content: str | None, words: str) -> None:
    """A file that is missing, damaged or of another version ends the run with its name."""
    file = desk.folder / "bad.json"
    if content is not None:
        file.write_text(content)

    done = desk.run("plan", "--snapshot", str(file), files=False)

    assert done.code == 1
    assert words in done.err
    assert "bad.json" in done.err


def test_snapshot_is_the_whole_input(desk: Desk) -> None:
    """Other input beside it, and a plan to apply from it, are refused."""
    desk.write(group(desk.name))
    file = desk.folder / "s.json"
    assert desk.run("snapshot", "--out", str(file)).code == 0

    beside = desk.run("plan", "--snapshot", str(file))
    saving = desk.run("plan", "--snapshot", str(file), "--out", str(desk.folder / "p.json"), files=False)

    assert (beside.code, saving.code) == (1, 1)
    assert "leave out -f" in beside.err
    assert "cannot be applied" in saving.err
    assert json.loads(file.read_text())["format"] == "trueup.snapshot/1"
