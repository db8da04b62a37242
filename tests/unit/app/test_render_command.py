"""``trueup render`` from the outside."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import orjson
import pytest

from engine.app.cli import main
from engine.app.exit_codes import ExitCode
from tests.manifest_cases import ACCOUNT, GROUP, SUBSCRIPTION
from tests.unit.desired.test_convert import SERVER

SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: pg-admin}, stringData: {password: hunter2}}"
OTHER = GROUP.replace("{name: rg}", "{name: other, namespace: prod, labels: {tier: web}}")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a small application; the environment is empty."""
    for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_MANAGER_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "app.yaml").write_text(f"{GROUP}\n---\n{ACCOUNT}\n---\n{SERVER}\n---\n{SECRET}\n---\n{OTHER}")
    return tmp_path


def _lines(text: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in text.splitlines()]


def test_ndjson_has_the_public_keys(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each object is one line with the documented keys, objects in a stable order."""
    code = main(["render", "-f", str(folder), "--subscription", SUBSCRIPTION, "-o", "ndjson"])

    lines = _lines(capsys.readouterr().out)
    assert code == ExitCode.CLEAN
    assert [line["object"]["name"] for line in lines] == ["pg", "rg", "acct", "other"]  # type: ignore[index]
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    assert lines[1] == {
        "object": {
            "apiVersion": "resources.azure.com/v1api20200601",
            "kind": "ResourceGroup",
            "namespace": "default",
            "name": "rg",
        },
        "id": group,
        "type": "Microsoft.Resources/resourceGroups",
        "api": "2020-06-01",
        "method": "PUT",
        "url": f"https://management.azure.com{group}?api-version=2020-06-01",
        "body": {"location": "westeurope", "name": "rg"},
        "unknown": [],
        "waits": [],
    }


@pytest.mark.parametrize("form", ["text", "yaml", "http", "ndjson"])
def test_secrets_are_masked_unless_asked_for(folder: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """A secret prints as three stars in every format, and as itself only with --show-secrets."""
    arguments = ["render", "-f", str(folder), "--subscription", SUBSCRIPTION, "-o", form]

    main(arguments)
    masked = capsys.readouterr()
    main([*arguments, "--show-secrets"])
    shown = capsys.readouterr()

    assert "hunter2" not in masked.out + masked.err
    assert "***" in masked.out
    assert "hunter2" in shown.out


def test_errors_go_to_standard_error_and_others_are_rendered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A manifest that does not fit its kind is an error with file, line, place and suggestion, and exit code 1."""
    bad = folder / "bad.yaml"
    bad.write_text(ACCOUNT.replace("name: acct", "name: bad").replace("accessTier", "acessTier"))

    code = main(["render", "-f", str(folder), "--subscription", SUBSCRIPTION, "-o", "ndjson"])

    captured = capsys.readouterr()
    assert code == ExitCode.ERROR
    assert captured.err == (
        f"trueup: error: {bad}:9: default/StorageAccount/bad does not fit its kind: /spec/acessTier: unknown member"
        " 'acessTier' (did you mean 'accessTier'?)\n"
    )
    assert len(_lines(captured.out)) == 4


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["-n", "prod"], ["other"]),
        (["-A"], ["pg", "rg", "acct", "other"]),
        (["-l", "tier=web"], ["other"]),
        (["--target", "StorageAccount/acct"], ["acct"]),
        (["--exclude", "default/*"], ["other"]),
    ],
)
def test_filters(folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], names: list[str]) -> None:
    """Filters choose what is printed; owners outside the choice still count."""
    main(["render", "-f", str(folder), "--subscription", SUBSCRIPTION, "-o", "ndjson", *options])

    lines = _lines(capsys.readouterr().out)
    assert [line["object"]["name"] for line in lines] == names  # type: ignore[index]
    assert all(line["id"] for line in lines)


def test_subscription_from_the_environment(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AZURE_SUBSCRIPTION_ID serves where the option is not given; without both the error names both."""
    arguments = ["render", "-f", str(folder), "--target", "rg", "-o", "ndjson"]

    assert main(arguments) == ExitCode.ERROR
    without = capsys.readouterr()
    monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", "sub-1")
    assert main(arguments) == ExitCode.CLEAN
    with_variable = capsys.readouterr()

    assert "give --subscription or set AZURE_SUBSCRIPTION_ID" in without.err
    assert _lines(without.out)[0]["url"] is None
    assert _lines(with_variable.out)[0]["id"] == "/subscriptions/sub-1/resourceGroups/rg"


def test_endpoint_of_another_cloud(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses begin with the endpoint that the environment names."""
    monkeypatch.setenv("AZURE_RESOURCE_MANAGER_ENDPOINT", "https://management.usgovcloudapi.net/")

    main(["render", "-f", str(folder), "--subscription", "s", "--target", "rg", "-o", "http"])

    out = capsys.readouterr().out
    assert "PUT https://management.usgovcloudapi.net/subscriptions/s/resourceGroups/rg?api-version=2020-06-01" in out
    assert "Host: management.usgovcloudapi.net" in out


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GROUP.encode())))

    assert main(["render", "-f", "-", "--subscription", "s", "-o", "ndjson"]) == ExitCode.CLEAN
    assert _lines(capsys.readouterr().out)[0]["id"] == "/subscriptions/s/resourceGroups/rg"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no input (name files, folders or - with -f"),
        (["-f", "x", "-n", "a", "-A"], "-n and -A exclude each other"),
        (["-f", "x", "-l", "a b"], "is no label selector"),
    ],
)
def test_wrong_usage(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Options that make no sense are an error that says what to do."""
    assert main(["render", *options]) == ExitCode.ERROR
    assert message in capsys.readouterr().err


def test_waits_are_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An object that waits is rendered as far as it is known, with exit code 0."""
    (tmp_path / "a.yaml").write_text(SERVER)

    code = main(["render", "-f", str(tmp_path), "--subscription", "s", "-o", "ndjson"])

    (line,) = _lines(capsys.readouterr().out)
    assert code == ExitCode.CLEAN
    assert (line["id"], line["url"], line["unknown"]) == (None, None, ["/properties/administratorLoginPassword"])
    assert len(line["waits"]) == 2  # type: ignore[arg-type]


def test_http_requests_have_clean_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with a space does not break the request line."""
    (tmp_path / "a.yaml").write_text(GROUP.replace("location: westeurope", "location: westeurope, azureName: my group"))

    main(["render", "-f", str(tmp_path), "--subscription", "s", "-o", "http"])

    assert "/resourceGroups/my%20group?api-version=2020-06-01 HTTP/1.1\n" in capsys.readouterr().out


def test_exports_that_cannot_be_written_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Colliding destinations and expressions that do not fit are errors of their object, which is rendered."""
    operator = """
  operatorSpec:
    configMapExpressions:
    - {name: a, key: b, value: self.spec.location}
    - {name: a, key: b, value: "self.spec.locaton"}
    - {name: a, key: c, value: "size(self.spec.location)"}"""
    (folder / "app.yaml").write_text(GROUP.replace("{location: westeurope}", "\n  location: westeurope" + operator))

    code = main(["render", "-f", str(folder), "--subscription", SUBSCRIPTION])

    captured = capsys.readouterr()
    assert code == ExitCode.ERROR
    first, second, third = captured.err.splitlines()
    assert "cannot write more than one configmap value to destination Name: a, Key: b" in first
    assert "operatorSpec.configMapExpressions[1]: undefined field 'locaton'" in second
    assert "must return one of [string,map(string, string)], but was int" in third
    assert "ResourceGroup/rg" in captured.out
