"""Planted secrets are in no output of any verb, in no file and in no error, whatever goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.emulator.connection import EmulatorConnection
from tests.canary import files_with, find_canaries
from tests.conftest import ROOT
from tests.verbs_desk import Azure, Desk, Object, Run, account, group, make_object, server, walk_files

pytestmark = pytest.mark.loopback

BY_TEXT = "canary-stringData-1f2e"
BY_DATA = 'canary-data-"7\\a'
IN_MAP = "canary-secretMap-9c41"
PLAIN_KEY = "canary-accountKey-55aa"
IN_TEXT = "canary-inText-e4d0"
IN_AZURE = "canary-azure-77b3"
CANARIES = (BY_TEXT, BY_DATA, IN_MAP, PLAIN_KEY, IN_TEXT, IN_AZURE)
PLANS = ("text", "json", "ndjson", "markdown")
CONTAINERS = "Microsoft.ContainerInstance/containerGroups"
SITE_API = "2022-03-01"
TOKEN_START = b"eyJ"


def secrets() -> list[Object]:
    """Return the Secrets, in every form that a manifest has for them."""
    metadata = {"name": "database", "namespace": "web"}
    data = {"admin": b64encode(BY_DATA.encode()).decode()}
    more = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "all", "namespace": "web"}}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": BY_TEXT}, "data": data},
        {**more, "stringData": {"one": IN_MAP, "two": f"{IN_MAP}-2"}},
    ]


def containers(name: str, owner: str, key: str = PLAIN_KEY) -> Object:
    """Return a container group whose manifest holds the key of a storage account in plain."""
    spec = {
        "owner": {"name": owner},
        "location": "westeurope",
        "osType": "Linux",
        "containers": [{"name": "a", "image": "nginx", "resources": {"requests": {"cpu": 1, "memoryInGB": 1}}}],
        "volumes": [
            {"name": "v", "azureFile": {"shareName": "s", "storageAccountName": "acct", "storageAccountKey": key}}
        ],
    }
    return make_object("ContainerGroup", "containerinstance/v1api20211001", name, spec)


def site(name: str, owner: str, password: str = IN_TEXT) -> Object:
    """Return a web site whose connection string holds a password in plain."""
    string = {"name": "db", "type": "SQLAzure", "connectionString": f"Server=db;Password={password};Encrypt=true"}
    spec = {"owner": {"name": owner}, "location": "westeurope", "siteConfig": {"connectionStrings": [string]}}
    return make_object("Site", "web/v1api20220301", name, spec)


def extension(name: str, owner: str) -> Object:
    """Return an extension all of whose protected settings come from one Secret."""
    spec = {
        "owner": {"group": "storage.azure.com", "kind": "StorageAccount", "name": owner},
        "extensionType": "microsoft.flux",
        "configurationProtectedSettings": {"name": "all"},
    }
    return make_object("Extension", "kubernetesconfiguration/v1api20230501", name, spec)


def sql(name: str, owner: str) -> Object:
    """Return a SQL server whose password is base64 in a Secret."""
    spec = {
        "owner": {"name": owner},
        "location": "westeurope",
        "administratorLogin": "admin1",
        "administratorLoginPassword": {"name": "database", "key": "admin"},
    }
    return make_object("Server", "sql/v1api20211101", name, spec)


def application(desk: Desk, **more: str) -> list[Object]:
    """Return objects that take secrets in every way there is."""
    name = desk.name
    return [
        group(name),
        server(f"{name}-pg", name, tags={"app": "web"}),
        sql(f"{name}-sql", name),
        account(f"{name}acct", name),
        extension("flux", f"{name}acct"),
        containers(f"{name}-cg", name),
        site(f"{name}-site", name, **more),
    ]


def check(runs: dict[str, Run], *canaries: str) -> None:
    """Fail when a run printed a secret, or ended in a traceback."""
    for name, run in runs.items():
        assert "Traceback" not in run.err, f"{name}: {run.err}"
        assert not find_canaries((run.out + run.err).encode(), canaries or CANARIES), name


def look(desk: Desk, *, verb: str = "", names: tuple[str, ...] = ("pg", "sql", "cg", "site")) -> dict[str, Run]:
    """Run every verb that only looks, in every form."""
    runs = {f"{v} {form}": desk.run(v, "-o", form, "--verbose") for v in ("plan", "drift") for form in PLANS}
    for name in names:
        runs |= {f"explain {name} {f}": desk.run("explain", f"{desk.name}-{name}", "-o", f) for f in ("text", "json")}
    forms = ("text", "yaml", "http", "ndjson")
    return runs | {f"render {form}": desk.run("render", "-o", form) for form in forms}


def check_files(desk: Desk) -> None:
    """Fail when the state folder or a saved plan holds a secret."""
    held = files_with(desk.folder, CANARIES)
    assert {name for name in held if not name.startswith("manifests")} == set()


def test_secrets_of_a_new_application_are_never_seen(desk: Desk) -> None:
    """Planned, saved, applied, in sync and looked at: no form of any verb and no file holds a secret."""
    desk.write(*application(desk), *secrets())

    runs = look(desk)
    runs["saved"] = desk.run("plan", "--out", str(desk.folder / "plan.json"))
    runs["apply"] = desk.run("apply", "--yes", "--verbose", "-o", "ndjson")
    runs |= {f"{name} again": run for name, run in look(desk).items()}

    assert runs["apply"].code == 0, runs["apply"].out + runs["apply"].err
    assert "0 to create" in runs["plan text again"].out or "No changes" in runs["plan text again"].out
    check(runs)
    check_files(desk)


def test_show_secrets_is_the_only_way_to_see_them(desk: Desk) -> None:
    """``render --show-secrets`` prints every value that would be sent."""
    desk.write(*application(desk), *secrets())

    shown = desk.run("render", "-o", "ndjson", "--show-secrets")

    assert set(find_canaries(shown.out.encode(), CANARIES)) == set(CANARIES) - {IN_AZURE}


@pytest.fixture
def applied(desk: Desk) -> Desk:
    """Return a desk whose application is there."""
    desk.write(*application(desk), *secrets())
    done = desk.run("apply", "--yes")
    assert done.code == 0, done.out + done.err
    return desk


def site_id(desk: Desk) -> str:
    return f"{desk.group_id}/providers/Microsoft.Web/sites/{desk.name}-site"


def test_what_azure_echoes_or_holds_instead_is_never_seen(applied: Desk) -> None:
    """A tag that is or quotes the secret, and another value at a secret place, are drift without values."""
    desk = applied
    tags = {"copied": BY_TEXT, "note": f"the password is {BY_TEXT}!", "other": "harmless"}
    desk.azure.edit_tags(desk.id_of("server", f"{desk.name}-pg"), "Merge", tags)
    body = desk.azure.get(site_id(desk), api=SITE_API)
    string = {"name": "db", "type": "SQLAzure", "connectionString": f"Password={IN_AZURE}"}
    body["properties"]["siteConfig"] = {"connectionStrings": [string]}
    match = {"method": "GET", "path_regex": f"sites/{desk.name}-site$"}
    desk.azure.script({"match": match, "times": None, "answer": {"status": 200, "body": body}})

    runs = look(desk)
    runs["saved"] = desk.run("plan", "-o", "json", "--out", str(desk.folder / "plan.json"))
    runs["snapshot"] = desk.run("snapshot", "--out", str(desk.folder / "snapshot.json"))
    runs["apply"] = desk.run("apply", "--yes", "--verbose", "-o", "json")

    assert (desk.folder / "snapshot.json").stat().st_size > 1_000
    assert "harmless" in runs["drift text"].out
    assert "(secret)" in runs["drift text"].out
    assert "connectionString" in runs["drift json"].out
    assert [c["before"] for c in runs["saved"].step(f"{desk.name}-pg")["changes"]] == ["***", "***", "harmless"]
    check(runs)
    check_files(desk)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("form", PLANS)
def test_refusals_that_quote_secrets_are_told_without_them(desk: Desk, method: str, form: str) -> None:
    """Whatever write Azure refuses, and however its words spell the secret, no form of the result holds it."""
    desk.write(*application(desk), *secrets())
    if method == "PATCH":
        desk.run("apply", "--yes")
        changed = [o | {"spec": o["spec"] | {"tags": {"a": "b"}}} for o in application(desk)[1:4]]
        desk.write(application(desk)[0], *changed, *secrets())
    words = "; ".join((*CANARIES, b64encode(BY_DATA.encode()).decode(), f'{{"p":"{BY_TEXT}"}}', "x" * 990 + BY_TEXT))
    answer = {"status": 400, "body": {"error": {"code": "InvalidParameter", "message": f"refused: {words}"}}}
    for verb in ("PUT", "PATCH"):
        match = {"method": verb, "path_regex": f"{desk.name}-"}
        desk.azure.script({"match": match, "times": None, "answer": answer})

    done = desk.run("apply", "--yes", "--verbose", "-o", form)

    assert "refused: " in done.out
    check({"apply": done}, BY_TEXT, BY_DATA)
    check_files(desk)


def test_operations_that_fail_with_a_secret_are_told_without_it(desk: Desk) -> None:
    """An operation that was accepted and fails later, quoting the password, is told without it."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), *secrets())
    fault = {"code": "PasswordTooWeak", "message": f"it is '{BY_TEXT}'"}
    match = {"method": "PUT", "path_regex": "flexibleServers"}
    desk.azure.script({"match": match, "times": None, "operation_fails": fault})

    done = desk.run("apply", "--yes", "--verbose", "--timeout", "5")

    assert "PasswordTooWeak" in done.out
    check({"apply": done})
    check_files(desk)


def test_rotated_secrets_are_never_seen(applied: Desk) -> None:
    """Of a secret that changes neither the old nor the new value is seen, also in a saved plan that went stale."""
    desk, new = applied, "canary-rotated-0b0b"
    plan = desk.folder / "plan.json"
    saved = desk.run("plan", "--out", str(plan))
    rotated = [s | {"stringData": {"password": new}} for s in secrets()[:1]]
    desk.write(*application(desk), *rotated, *secrets()[1:])

    runs = look(desk) | {"saved": saved, "stale": desk.run("apply", str(plan), "--yes", files=False)}
    runs["apply"] = desk.run("apply", "--yes", "-o", "json")

    check(runs, *CANARIES, new)
    assert set(files_with(desk.folder, [new])) == {"manifests/app.yaml"}
    check_files(desk)


def test_misfits_do_not_repeat_what_stands_where_a_secret_belongs(desk: Desk) -> None:
    """A password in the place of a reference, a Secret that is not base64, a damaged document: values stay out."""
    wrong = server(f"{desk.name}-pg", desk.name, administratorLoginPassword=BY_TEXT)
    broken = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "x", "namespace": "web"},
        "data": {"k": BY_DATA},
    }
    desk.write(group(desk.name), wrong, broken, containers("cg", desk.name, key=IN_MAP), file="wrong")
    cut = f"kind: Secret\nstringData: {{password: '{PLAIN_KEY}\n---\nkind: Secret\nstringData: [{IN_TEXT}: : }}\n"
    (desk.manifests / "cut.yaml").write_text(cut)
    (desk.manifests / "cut.json").write_text(f'{{"kind": "Secret", "stringData": {{"a": "{IN_TEXT}", "a": "{BY_TEXT}"')

    runs = look(desk, names=())

    assert "administratorLoginPassword" in runs["plan text"].err
    check(runs)
    check_files(desk)


def test_pairs_are_compared_without_showing_secrets(desk: Desk, tmp_path: Path) -> None:
    """``diff --pairs`` prints no value at a place that is secret by type, by fact or by name."""
    pair = {
        "type": "Microsoft.Web/sites",
        "api": SITE_API,
        "id": site_id(desk),
        "desired": {"properties": {"siteConfig": {"connectionStrings": [{"name": "a", "connectionString": IN_TEXT}]}}},
        "actual": {"properties": {"siteConfig": {"connectionStrings": [{"name": "a", "connectionString": IN_AZURE}]}}},
    }
    admin = {"properties": {"administratorLoginPassword": BY_TEXT, "version": "14"}}
    held = {"properties": {"administratorLoginPassword": IN_AZURE, "version": "13"}}
    server_pair = pair | {"type": "Microsoft.DBforPostgreSQL/flexibleServers", "api": "2022-12-01"}
    lines = [pair, server_pair | {"desired": admin, "actual": held}, {"type": BY_DATA}]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in lines))

    done = desk.run("diff", "--pairs", str(file), files=False)

    assert done.out.count('"kind":"change"') == 3
    check({"diff": done})


def test_a_defect_does_not_print_what_it_was_working_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even the traceback of a defect, its notes and its causes hold no secret."""
    desk.write(*application(desk), *secrets())

    def explode(*args: object, **_: object) -> None:
        raise RuntimeError(f"defect at {args!r}")

    monkeypatch.setattr("engine.runtime.one_pass.build_plan", explode)
    monkeypatch.setattr("engine.runtime.executor.check_applied", explode)

    with pytest.raises(RuntimeError) as caught:
        desk.run("plan")

    assert not find_canaries("".join(traceback.format_exception(caught.value)).encode(), CANARIES)


@pytest.fixture
def spoken(tmp_path: Path) -> Iterator[tuple[EmulatorConnection, Path]]:
    """Return an emulator over HTTPS in a process of its own, and the file that takes everything it says."""
    log = tmp_path / "said.txt"
    command = [sys.executable, "-m", "engine", "emulator", "--retry-after", "none", "--state", str(tmp_path / "azure")]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, cwd=ROOT)
        try:
            assert process.stdout is not None
            yield EmulatorConnection(**json.loads(process.stdout.readline())), log
        finally:
            process.terminate()
            process.wait(20)
            process.stdout.close()


def test_credentials_and_tokens_are_never_seen(
    spoken: tuple[EmulatorConnection, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a real sign-in over TLS neither client secret nor token is printed or stored, and the emulator says none."""
    connection, log = spoken
    environment = dict(connection.environment())
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, environment[name])
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(folder, Azure(connection), monkeypatch, capsys, name="rg", environment=environment)
    desk.write(*application(desk), *secrets())

    runs = {verb: desk.run(verb, "-o", "json", *more) for verb, more in (("plan", ()), ("apply", ("--yes",)))}
    desk.environment["AZURE_CLIENT_SECRET"] = wrong = "canary~wrong.Secret-3c3c"
    runs["wrong"] = desk.run("plan")
    desk.environment["AZURE_TENANT_ID"] = ""
    runs["incomplete"] = desk.run("plan")
    desk.environment["AZURE_TENANT_ID"] = connection.tenant
    runs["process"] = desk.spawn("plan", AZURE_CLIENT_SECRET=wrong, SSL_CERT_FILE=connection.ca)

    assert [run.code for run in runs.values()] == [0, 0, 1, 1, 1], runs
    assert all("trueup: error: No token could be had" in runs[name].err for name in ("wrong", "process"))
    assert all(len(runs[name].err.splitlines()) == 1 for name in ("wrong", "process"))
    check(runs, *CANARIES, wrong, connection.secret)
    check_files(desk)
    assert not files_with(desk.state, [wrong, connection.secret])
    assert not find_canaries(log.read_bytes(), [*CANARIES, wrong, connection.secret])
    said = "".join(run.out + run.err for run in runs.values()).encode() + log.read_bytes()
    assert TOKEN_START not in b"".join([said, *walk_files(desk.state)])
