"""Files of saved plans: stale as a whole unless asked otherwise, shown alone, old ones read, damaged ones refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.verbs_desk import SECRET_TEXT, Desk, Run, account, group, identity, secret, server

pytestmark = pytest.mark.loopback

OLD = Path(__file__).parent / "saved_plans" / "trueup.plan-1.json"


def save(desk: Desk) -> Path:
    """Save a plan and start a new record of what reaches Azure."""
    path = desk.folder / "plan.json"
    done = desk.run("plan", "--out", str(path))
    assert done.code == 0, done.out + done.err
    desk.azure.forget_traffic()
    return path


def apply_saved(desk: Desk, path: Path, *arguments: str) -> Run:
    """Apply a saved plan; it knows its input itself."""
    return desk.run("apply", str(path), "-o", "json", "--yes", *arguments, files=False)


def show(desk: Desk, path: Path, *arguments: str) -> Run:
    """Print a saved plan."""
    return desk.run("show", str(path), *arguments, files=False)


def test_one_stale_step_keeps_the_whole_plan_from_being_sent(desk: Desk) -> None:
    """Without --partial nothing of a plan in which something moved is sent; each such step is named."""
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name), identity("app", desk.name))
    path = save(desk)
    desk.write(group(desk.name), account(f"{desk.name}store", desk.name, accessTier="Cool"), identity("app", desk.name))

    done = apply_saved(desk, path)

    assert (done.code, done.out, desk.azure.writes) == (6, "", [])
    assert done.err.splitlines() == [
        (
            f"trueup: error: web/StorageAccount/{desk.name}store: the saved plan is stale: "
            "the object changed since: properties.accessTier; plan again"
        ),
        "trueup: error: 1 of 3 steps of the saved plan is stale, nothing was sent (--partial applies the rest)",
    ]


def test_partial_leaves_what_is_stale_and_what_needs_it(desk: Desk) -> None:
    """Dependents of a stale step are left as well; the summary counts both."""
    desk.write(group(desk.name), group(f"{desk.name}b"), identity("one", desk.name), identity("two", f"{desk.name}b"))
    path = save(desk)
    desk.write(
        group(desk.name, tags={"new": "1"}),
        group(f"{desk.name}b"),
        identity("one", desk.name),
        identity("two", f"{desk.name}b"),
    )

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert [w.rpartition(" ")[0] for w in desk.azure.writes] == [
        f"PUT resourceGroups/{desk.name}b",
        "PUT userAssignedIdentities/two",
    ]
    assert (done.json["summary"]["outcomes"]["created"], done.json["summary"]["heldBack"]) == (2, {"blocked": 2})


def test_partial_without_a_saved_plan_is_refused(desk: Desk) -> None:
    """There is nothing to be partial about."""
    desk.write(group(desk.name))

    done = desk.run("apply", "--yes", "--partial")

    assert (done.code, desk.azure.writes) == (1, [])
    assert "--partial is about a saved plan" in done.err


def test_secret_of_the_plan_is_named_and_marked(desk: Desk) -> None:
    """The file says where a secret is read, and a hash that no other plan shares tells whether it moved."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())
    marks = []
    for text in ("first", "second"):
        desk.write(group(desk.name, tags={"plan": text}), server(f"{desk.name}-pg", desk.name), secret())
        (step,) = [s for s in json.loads(save(desk).read_bytes())["steps"] if s["object"]["kind"] == "FlexibleServer"]
        marks.append(step["preconditions"]["secrets"])

    ((one,), (two,)) = marks
    assert one["at"] == "/properties/administratorLoginPassword"
    assert one["source"] == "Secret web/database, key password"
    assert one["hash"] != two["hash"]


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "markdown"])
def test_shown_plan_is_the_plan_that_was_printed(desk: Desk, form: str) -> None:
    """Without Azure or input, show prints what plan printed; the text says too which secrets apply will need."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())
    desk.apply()
    desk.write(
        group(desk.name),
        server(f"{desk.name}-pg", desk.name, storage={"storageSizeGB": 256}),
        secret(),
        identity("a", desk.name),
    )
    path = desk.folder / "plan.json"
    planned = desk.run("plan", "-o", form, "--out", str(path))
    desk.manifests.rename(desk.folder / "gone")
    desk.azure.forget_traffic()

    done = show(desk, path, "-o", form)

    assert (done.code, done.err, desk.azure.reads) == (0, "", 0)
    if form in ("json", "ndjson"):
        assert without_marks(done.out) == without_marks(planned.out)
    else:
        # The file holds what differs: how many values are the same is known only where it was planned.
        printed = re.sub(r"\d+ unchanged values hidden; ", "", planned.out)
        assert done.out.startswith(printed)
    assert SECRET_TEXT not in done.out


def without_marks(text: str) -> list[Any]:
    """Return printed JSON without the hashes that only the saved form has."""
    lines = [json.loads(text)] if text.startswith("{\n") else [json.loads(line) for line in text.splitlines()]
    for line in lines:
        for step in [*line.get("steps", ()), *([line["step"]] if "step" in line else [])]:
            step["preconditions"] |= {"desiredHash": "", "secrets": []}
    return lines


def test_shown_plan_tells_its_secrets_and_its_input(desk: Desk) -> None:
    """Who gets a plan sees what applying it takes."""
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name), secret())

    done = show(desk, save(desk))

    assert done.out.splitlines()[-3:-1] == [
        "Sends 1 secret that the file does not hold:",
        "  Secret web/database, key password",
    ]
    assert done.out.endswith(f", made from {desk.manifests}.\n")


def test_plan_saved_by_an_earlier_release_is_applied(desk: Desk) -> None:
    """A file of the first format version, without marks of secrets, is carried out as it was planned."""
    path = place_old(desk)
    desk.write(group("savedbefore"), server("savedbefore-pg", "savedbefore"), secret())

    done = apply_saved(desk, path)

    assert done.code == 0, done.err
    assert [w.split()[1] for w in desk.azure.writes if w.startswith("PUT")] == [
        "resourceGroups/savedbefore",
        "flexibleServers/savedbefore-pg",
    ]


def test_plan_saved_by_an_earlier_release_notices_another_secret(desk: Desk) -> None:
    """Its one hash over everything still tells that a secret moved."""
    path = place_old(desk)
    desk.write(group("savedbefore"), server("savedbefore-pg", "savedbefore"), secret("another-77"))

    done = apply_saved(desk, path)

    assert done.code == 6
    assert desk.azure.writes == []


def place_old(desk: Desk) -> Path:
    """Put the old file on the desk, as if it had been saved for this Azure."""
    desk.azure.call("DELETE", f"{desk.azure.subscription}/resourceGroups/savedbefore?api-version=2021-04-01")
    desk.azure.get(f"{desk.azure.subscription}/resourceGroups/savedbefore", api="2021-04-01")
    text = OLD.read_text().replace("https://arm.example", desk.azure.connection.arm)
    text = text.replace("11111111-1111-1111-1111-111111111111", desk.azure.connection.subscription)
    path = desk.folder / "old.json"
    path.write_text(text.replace("/folder/", f"{desk.folder}/"))
    desk.azure.forget_traffic()
    return path


@pytest.mark.parametrize("verb", ["apply", "show"])
def test_every_truncation_is_a_clear_error(desk: Desk, verb: str) -> None:
    """A file that ends too early is refused with one error, wherever it ends, and nothing is read or sent."""
    whole = OLD.read_bytes()
    path = desk.folder / "plan.json"
    for end in range(0, len(whole) - 3, 293):
        path.write_bytes(whole[:end])

        done = desk.run(verb, str(path), files=False)

        assert (done.code, done.out) == (1, ""), end
        assert done.err.startswith("trueup: error: the saved plan cannot be read")
        assert len(done.err.splitlines()) == 1
    assert desk.azure.reads == 0


def test_file_is_replaced_as_a_whole_and_stays_private(desk: Desk) -> None:
    """Saving over a readable file leaves one that its owner alone reads, and nothing beside it."""
    path = desk.folder / "plan.json"
    path.write_text("before")
    path.chmod(0o644)
    desk.write(group(desk.name))

    save(desk)

    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in desk.folder.iterdir() if p.name.startswith("plan.json")] == ["plan.json"]


def write_and_leave(desk: Desk) -> tuple[Path, str]:
    """Apply two groups, one with an identity; save a plan that prunes the second group and what is in it."""
    other = f"{desk.name}b"
    desk.write(group(desk.name), group(other), identity("one", other))
    assert desk.run("apply", "--yes").code == 0
    desk.write(group(desk.name))
    path = desk.folder / "plan.json"
    desk.run("plan", "--prune", "--allow-mass-delete", "--out", str(path))
    return path, f"{desk.azure.subscription}/resourceGroups/{other}"


def test_a_child_that_moved_keeps_the_group_that_would_take_it_along(desk: Desk) -> None:
    """A child goes with its group and has no request of its own: where it is stale, so is the group's delete."""
    path, other = write_and_leave(desk)
    one = f"{other}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one"
    api = "2023-01-31"
    desk.azure.edit("PUT", one, {"location": "westeurope", "tags": {"keep": "me"}}, api=api)
    desk.azure.forget_traffic()

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert "it holds web/UserAssignedIdentity/one, which is not as it was planned" in done.err
    assert desk.azure.writes == []
    assert desk.azure.get(one, api=api)["tags"] == {"keep": "me"}


def test_what_came_into_a_group_since_is_not_deleted_with_it(desk: Desk) -> None:
    """What was applied and left the input after a plan was saved is in no file that somebody agreed to."""
    path, _other = write_and_leave(desk)
    desk.write(
        group(desk.name), group(f"{desk.name}b"), identity("one", f"{desk.name}b"), identity("two", f"{desk.name}b")
    )
    assert desk.run("apply", "--yes").code == 0
    desk.write(group(desk.name))
    desk.azure.forget_traffic()

    done = apply_saved(desk, path, "--partial")

    assert done.code == 6
    assert "it holds web/UserAssignedIdentity/two, which is not as it was planned" in done.err
    assert desk.azure.writes == []
