"""``trueup plan`` against the emulator: what it says, what it exits with, that it sends nothing."""

from __future__ import annotations

import os

import pytest

from engine.app.options import REPORTS
from tests.verbs_desk import Desk, account, group, identity, network, subnet

pytestmark = pytest.mark.loopback


def write_application(desk: Desk) -> None:
    desk.write(group(desk.name, tags={"app": "web"}))
    desk.write(subnet("front", "net", "10.0.1.0/24"), network("net", desk.name), file="network")
    desk.write(account(f"{desk.name}store", desk.name), identity("app", desk.name), file="rest")


def test_empty_azure_is_planned_as_creates_and_nothing_is_sent(desk: Desk) -> None:
    """A first plan creates everything, leaves no trace and exits with 0; --detailed-exitcode makes it 2."""
    write_application(desk)

    plain, detailed = desk.plan(), desk.plan("--detailed-exitcode")

    assert (plain.code, detailed.code) == (0, 2)
    assert set(plain.actions.values()) == {"create"}
    assert desk.azure.writes == []
    assert not desk.state.exists()


def test_json_plan_keeps_its_contract(desk: Desk) -> None:
    """Every step names object, id, action, reason and request, and stands after all it depends on."""
    write_application(desk)

    plan = desk.plan().json

    assert plan["format"] == "trueup.plan/1"
    assert plan["summary"]["actions"]["create"] == 5
    seen: list[object] = []
    for step in plan["steps"]:
        assert step["id"].lower().startswith(desk.group_id.lower())
        assert step["object"].keys() == {"apiVersion", "kind", "namespace", "name"}
        assert (step["action"], step["reason"], step["guards"]) == ("create", "Missing", [])
        assert step["request"]["method"] == "PUT"
        assert step["request"]["url"].startswith(desk.azure.connection.arm + step["id"] + "?api-version=")
        assert isinstance(step["request"]["body"], dict)
        assert all(need in seen for need in step["dependsOn"])
        seen.append(step["object"])
    assert seen[0]["name"] == desk.name


@pytest.mark.parametrize("form", REPORTS)
def test_every_form_of_output_names_every_object(desk: Desk, form: str) -> None:
    """Every format shows each resource that is to be created, and no colour."""
    write_application(desk)

    done = desk.run("plan", "-o", form)

    assert done.code == 0
    assert all(name in done.out for name in (desk.name, "net", "front", f"{desk.name}store", "app"))
    assert "\x1b" not in done.out + done.err


def test_same_input_gives_same_bytes(desk: Desk) -> None:
    """Neither the order of files nor the seed of hashes shows in a plan."""
    write_application(desk)
    here = desk.plan().out
    (desk.manifests / "app.yaml").rename(desk.manifests / "zz.yaml")
    (desk.manifests / "rest.yaml").rename(desk.manifests / "aa.yaml")

    first, second = (desk.spawn("plan", "-o", "json", PYTHONHASHSEED=seed).out for seed in ("1", "2"))

    assert first == second
    assert strip_origins(first) == strip_origins(here)


def strip_origins(plan: str) -> list[str]:
    return [line for line in plan.splitlines() if '"origin"' not in line]


def test_plan_says_what_it_costs(desk: Desk) -> None:
    """Requests stand against Azure's limits, and the duration names its recordings and the longest path."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))

    done = desk.run("plan")

    requests, duration = done.out.splitlines()[-4:-2]
    assert requests.startswith("Requests: 2 writes (Azure takes 200 at once, then 10/s), about ")
    assert duration.startswith("Duration: about ")
    assert "typical operation times from " in duration
    assert f"longest path: ResourceGroup/{desk.name} -> StorageAccount/{desk.name}store)." in duration


def test_sarif_points_to_the_line_of_each_field(desk: Desk) -> None:
    """A field that differs is reported at its own line of the manifest, also after that moved to another file."""
    write_application(desk)
    desk.apply()
    desk.write(account(f"{desk.name}store", desk.name, accessTier="Cool"), identity("app", desk.name), file="rest")
    lines = (desk.manifests / "rest.yaml").read_text().splitlines()

    (run,) = desk.run("plan", "-o", "sarif").json["runs"]

    (found,) = run["results"]
    place = found["locations"][0]["physicalLocation"]
    assert (found["ruleId"], found["level"]) == ("SpecChanged", "note")
    assert place["artifactLocation"]["uri"].endswith("/rest.yaml")
    assert lines[place["region"]["startLine"] - 1].strip() == "accessTier: Cool"


def test_reports_are_written_beside_the_output(desk: Desk) -> None:
    """``--report`` writes the same plan to files in other formats; what is printed stays as it is."""
    write_application(desk)
    files = {form: desk.folder / f"plan.{form}" for form in REPORTS}

    umask = os.umask(0o022)
    os.umask(umask)
    done = desk.plan(*(f"--report={form}={file}" for form, file in files.items()))

    assert done.json["summary"]["actions"]["create"] == 5
    assert files["json"].read_text() == done.out
    assert files["html"].read_text().startswith("<!doctype html>")
    assert files["markdown"].read_text().startswith("### Trueup plan")
    assert files["junit"].read_text().count("<failure") == 5
    assert {file.stat().st_mode & 0o777 for file in files.values()} == {0o666 & ~umask}


def test_report_that_cannot_be_written_is_an_error(desk: Desk) -> None:
    """A place that is not there, or a format that does not exist, ends with 1 before anything is sent."""
    write_application(desk)

    missing = desk.apply(f"--report=html={desk.folder}/nowhere/plan.html", code=1)
    unknown = desk.plan("--report=pdf=plan.pdf")
    taken = desk.plan(f"--report=html={desk.folder}")

    assert (missing.code, unknown.code, taken.code) == (1, 1, 1)
    assert desk.azure.writes == []
    assert "nowhere/plan.html cannot be written" in missing.err
    assert f"{desk.folder} cannot be written" in taken.err
    assert "'pdf=plan.pdf' is not FORMAT=FILE with one of text, json" in unknown.err
