"""Saved plans: carried out exactly, refused where something moved, and never more than was planned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verbs_desk import SECRET_TEXT, Desk, Run, account, group, identity, secret, server

pytestmark = pytest.mark.loopback


def save(desk: Desk, *arguments: str) -> Path:
    """Save a plan and start a new record of what reaches Azure."""
    path = desk.folder / "plan.json"
    done = desk.run("plan", "--out", str(path), *arguments)
    assert done.code == 0, done.out + done.err
    desk.azure.forget_traffic()
    return path


def apply_saved(desk: Desk, path: Path, *arguments: str) -> Run:
    """Apply a saved plan; it knows its input itself."""
    return desk.run("apply", str(path), "-o", "json", "--yes", *arguments, files=False)


def spawn_saved(desk: Desk, path: Path, *arguments: str, folder: Path) -> Run:
    """Apply a saved plan from another folder."""
    return desk.spawn("apply", str(path), "--yes", *arguments, files=False, state=False, folder=folder)


def test_saved_plan_is_carried_out_exactly(desk: Desk) -> None:
    """apply PLAN sends the very requests that the file holds, from the input the file names."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    path = save(desk)

    done = apply_saved(desk, path)

    assert done.code == 0
    planned = [s["request"]["method"] + " " + s["id"].split("/")[-1] for s in json.loads(path.read_bytes())["steps"]]
    assert [w.split()[0] + " " + w.split()[1].split("/")[-1] for w in desk.azure.writes] == planned
    desk.check_clean()


def test_saved_plan_is_readable_by_its_owner_alone_and_holds_no_secret(desk: Desk) -> None:
    """The file is public JSON of the plan; secrets are masked in it."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())

    path = save(desk)

    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_bytes())["format"] == "trueup.plan/1"
    assert SECRET_TEXT not in path.read_text()


def test_changed_manifest_makes_its_step_stale(desk: Desk) -> None:
    """What the object asks for since the plan is not written, exit 6; what did not move is."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name), identity("app", desk.name))
    path = save(desk)
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, accessTier="Cool"), identity("app", desk.name))

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert done.result(f"{desk.name}store")["outcome"] == "skipped"
    assert "the object changed since: properties.accessTier" in done.result(f"{desk.name}store")["cause"]
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == [
        f"PUT resourceGroups/{desk.name}",
        "PUT userAssignedIdentities/app",
    ]


def test_what_azure_moved_since_makes_its_step_stale(desk: Desk) -> None:
    """An update is refused when the resource is not what the plan was made from."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    desk.apply()
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, accessTier="Cool"))
    path = save(desk)
    resource = desk.id_of("account", f"{desk.name}store")
    desk.azure.edit("PATCH", resource, {"properties": {"accessTier": "Premium"}})
    desk.azure.forget_traffic()

    done = apply_saved(desk, path)

    assert done.code == 6
    assert "Azure moved since: properties.accessTier" in done.err
    assert "the object changed" not in done.err
    assert desk.azure.writes == []


def test_place_that_only_azure_moved_is_not_laid_to_the_object(desk: Desk) -> None:
    """A colleague's edit beside what the plan changes makes the step stale, and the object is not blamed."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    desk.apply()
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, accessTier="Cool"))
    path = save(desk)
    resource = desk.id_of("account", f"{desk.name}store")
    desk.azure.edit("PATCH", resource, {"properties": {"allowBlobPublicAccess": True}, "tags": {"by": "hand"}})
    desk.azure.forget_traffic()

    done = apply_saved(desk, path)

    assert done.code == 6
    assert "Azure moved since" in done.err
    assert "the object changed" not in done.err
    assert desk.azure.writes == []


def test_changed_secret_makes_its_step_stale(desk: Desk) -> None:
    """Another password than at planning time is noticed although the file does not hold it."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())
    path = save(desk)
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret("another-77"))

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert "Secret web/database, key password changed since" in done.result(f"{desk.name}-pg")["cause"]
    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]


def test_resource_that_somebody_created_since_is_not_written(desk: Desk) -> None:
    """A planned create of what exists by now is stale: it would be an adoption."""
    desk.write(group(desk.name))
    desk.apply()
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    path = save(desk)
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    resource = desk.id_of("account", f"{desk.name}store")
    desk.azure.edit("PUT", resource, {**body, "properties": {"accessTier": "Cool"}})
    desk.azure.forget_traffic()

    done = apply_saved(desk, path)

    assert done.code == 6
    assert "somebody created it in Azure since; planned was create, now it is" in done.err
    assert desk.azure.writes == []


def test_object_that_left_the_input_makes_the_plan_stale(desk: Desk) -> None:
    """A planned create whose manifest is gone is refused and named."""
    desk.write(group(desk.name), identity("app", desk.name))
    path = save(desk)
    desk.write(group(desk.name))

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert "web/UserAssignedIdentity/app" in done.err
    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]


def test_what_is_done_already_is_left_alone(desk: Desk) -> None:
    """A saved plan applied twice sends nothing the second time and exits with 0."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name))
    path = save(desk)
    assert apply_saved(desk, path).code == 0
    desk.azure.forget_traffic()

    done = apply_saved(desk, path)

    assert done.code == 0
    assert desk.azure.writes == []


def test_nothing_is_done_that_was_not_planned(desk: Desk) -> None:
    """New objects do not widen a saved plan, and neither does what left the input."""
    desk.write(group(desk.name), identity("old", desk.name))
    desk.apply()
    desk.write(group(desk.name), identity("new", desk.name))
    path = save(desk)
    desk.write(group(desk.name), identity("new", desk.name), identity("newer", desk.name))

    done = apply_saved(desk, path)

    assert done.code == 0
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == ["PUT userAssignedIdentities/new"]


def test_plan_that_prunes_does_so_later(desk: Desk) -> None:
    """The options a plan was made with belong to it."""
    desk.write(group(desk.name), identity("old", desk.name))
    desk.apply()
    desk.write(group(desk.name))
    path = save(desk, "--prune")

    done = apply_saved(desk, path)

    assert done.code == 0
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == ["DELETE userAssignedIdentities/old"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "JSON"),
        (
            b'{"format": "trueup.plan/2", "steps": []}',
            "'trueup.plan/2', version 1 is read here: a newer trueup wrote it",
        ),
        (b'{"format": "trueup.plan/0", "steps": []}', "an older trueup wrote it"),
        (b'{"format": "trueup.snapshot/1"}', "not 'trueup.plan/1'"),
        (b'{"steps": []}', "format"),
        (b"[]", "format"),
        (b'{"format": "trueup.plan/1", "id": "x", "complete": true, "steps": [{"id": 7}]}', "steps"),
        (b'{"format": "trueup.plan/1", "id": "x", "complete": true, "steps": []}', "trueup plan --out"),
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"\x28\xb5\x2f\xfd\x00", "trueup plan --snapshot"),
    ],
    ids=[
        "no JSON",
        "newer",
        "older",
        "snapshot",
        "no plan",
        "list",
        "broken step",
        "not saved",
        "empty",
        "binary",
        "packed",
    ],
)
def test_file_that_is_no_saved_plan_is_a_clear_error(desk: Desk, content: bytes, words: str) -> None:
    """A corrupt, foreign or newer file is refused with one error that says what is wrong, exit 1."""
    path = desk.folder / "plan.json"
    path.write_bytes(content)

    done = apply_saved(desk, path)

    assert done.code == 1
    assert done.err.count("trueup: error:") == 1
    assert words in done.err
    assert desk.azure.reads == 0


def test_missing_plan_file_is_a_clear_error(desk: Desk) -> None:
    """A path that leads nowhere is named."""
    done = apply_saved(desk, desk.folder / "none.json")

    assert done.code == 1
    assert "none.json" in done.err


@pytest.mark.parametrize(
    "option",
    [
        ("-f", "other"),
        ("--target", "x"),
        ("--exclude", "x"),
        ("-n", "x"),
        ("-A",),
        ("-l", "a=b"),
        ("--context",),
        ("--context", "x"),
        ("--kubeconfig", "x"),
        ("--subscription", "x"),
        ("--ignore", "x"),
        ("--prune",),
        ("--adopt",),
        ("--allow-data-loss",),
        ("--allow-replace", "x"),
        ("--strict",),
        ("--state", "other"),
    ],
    ids=" ".join,
)
def test_options_beside_a_saved_plan_are_refused(desk: Desk, option: tuple[str, ...]) -> None:
    """What could only make another plan than the saved one is one error that names it."""
    desk.write(group(desk.name))
    path = save(desk)

    done = apply_saved(desk, path, *option)

    assert done.code == 1
    assert done.err.count("trueup: error:") == 1
    assert f"beside it stand {option[0]}" in done.err
    assert (done.out, desk.azure.writes) == ("", [])


def test_saved_plan_is_applied_from_anywhere(desk: Desk) -> None:
    """Paths of input and state folder mean the same in every folder; what is printed stays as it was given."""
    desk.write(group(desk.name))
    (desk.folder / "elsewhere").mkdir()
    planned = desk.spawn(
        "plan", "--out", "plan.json", "-f", "manifests", "--state", "st", files=False, state=False, folder=desk.folder
    )

    done = spawn_saved(desk, Path("../plan.json"), folder=desk.folder / "elsewhere")

    assert (planned.code, done.code) == (0, 0), done.out + done.err
    assert "1 created" in done.out
    assert (desk.folder / "st").is_dir()
    assert not (desk.folder / "elsewhere" / ".trueup").exists()
    assert json.loads((desk.folder / "plan.json").read_bytes())["steps"][0]["origin"].startswith("manifests/")


def test_saved_plan_whose_input_is_gone_stops_at_once(desk: Desk) -> None:
    """Without the files it was made from a saved plan is one error, and nothing else is said."""
    desk.write(group(desk.name))
    path = save(desk)
    desk.manifests.rename(desk.folder / "moved")

    done = apply_saved(desk, path)

    assert done.code == 1
    assert done.out == ""
    assert done.err.splitlines() == [
        f"trueup: error: {path} was made from what is not there any more: {desk.manifests} (put it back, or plan again)"
    ]
    assert desk.azure.reads == 0
