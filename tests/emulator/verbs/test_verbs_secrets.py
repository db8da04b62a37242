"""Secrets: compared by what was last sent, written when they change, and never seen in any output or file."""

from __future__ import annotations

import pytest

from tests.verbs_desk import SECRET_TEXT, Desk, group, secret, server, walk_files

pytestmark = pytest.mark.loopback


def write_server(desk: Desk, *more: object, **spec: object) -> str:
    desk.write(group(desk.name), server(f"{desk.name}-pg", desk.name, **spec), *more)  # type: ignore[arg-type]
    return f"{desk.name}-pg"


def test_new_resource_waits_for_a_secret_that_is_not_there(desk: Desk) -> None:
    """Without the Secret nothing is sent for a new resource; plan says what it waits for, apply that it is not done."""
    name = write_server(desk)

    step = desk.plan().step(name)

    assert (step["action"], step["reason"]) == ("wait", "WaitingForInput")
    assert "database" in step["detail"]
    desk.apply(code=3)
    assert desk.azure.writes == [f"PUT resourceGroups/{desk.name} 201"]


def test_existing_resource_is_planned_without_its_secret(desk: Desk) -> None:
    """Where the Secret cannot be read, as in CI, the rest is compared and the plan says so."""
    name = write_server(desk, secret())
    desk.apply()
    write_server(desk)

    same = desk.plan("--detailed-exitcode")
    write_server(desk, storage={"storageSizeGB": 256})
    other = desk.plan()

    assert (same.code, same.step(name)["action"]) == (0, "noop")
    assert "secret not compared" in same.step(name)["notes"]
    assert other.step(name)["action"] == "update"
    assert [c["text"] for c in other.step(name)["changes"]] == ["properties.storage.storageSizeGB"]


def test_other_secret_is_noticed_and_written(desk: Desk) -> None:
    """Azure never returns a password; that the manifest's is another than the one last sent is seen all the same."""
    name = write_server(desk, secret())
    desk.apply()
    desk.check_clean()
    write_server(desk, secret("rotated-2031"))

    plan = desk.plan()

    assert [(c["text"], c["origin"], c["sensitive"]) for c in plan.step(name)["changes"]] == [
        ("properties.administratorLoginPassword", "user", True)
    ]
    assert "rotated-2031" not in plan.out
    desk.apply()
    assert len(desk.azure.writes) == 1
    desk.check_clean()


def test_secret_is_in_no_output_and_no_file(desk: Desk) -> None:
    """Plan, apply, drift, explain, saved plan and state folder: none of them holds the password."""
    name, other = write_server(desk, secret()), SECRET_TEXT + "-2"
    printed = []
    for form in ("text", "json", "ndjson", "markdown"):
        printed.append(desk.run("plan", "-o", form, "--verbose", "--out", str(desk.folder / "plan.json")))
    printed.append(desk.run("apply", "--yes", "--verbose", "-o", "ndjson"))
    write_server(desk, secret(other), storage={"storageSizeGB": 256})
    for verb in ("plan", "drift"):
        printed += [desk.run(verb, "-o", form, "--verbose") for form in ("text", "json", "ndjson", "markdown")]
    printed += [desk.run("explain", name, "-o", form, "--verbose") for form in ("text", "json")]
    answer = {"status": 400, "body": {"error": {"code": "InvalidPassword", "message": f"{other} is too weak."}}}
    for method in ("PUT", "PATCH"):
        match = {"method": method, "path_regex": desk.name}
        desk.azure.script({"match": match, "times": None, "answer": answer})
    printed.append(desk.run("apply", "--yes", "--verbose"))

    assert "InvalidPassword" in printed[-1].out
    assert all(SECRET_TEXT not in p.out + p.err for p in printed)
    (desk.manifests / "app.yaml").unlink()
    assert all(SECRET_TEXT.encode() not in content for content in walk_files(desk.folder))


def test_put_waits_for_a_secret_that_is_not_there(desk: Desk) -> None:
    """A plan without the Secret shows the update; apply sends nothing that would lack the password, and says so."""
    name = write_server(desk, secret())
    desk.apply()
    write_server(desk, storage={"storageSizeGB": 256})

    plan, done = desk.plan(), desk.apply(code=3)

    assert plan.step(name)["action"] == "update"
    assert plan.step(name)["request"]["method"] == "PUT"
    assert desk.azure.writes == []
    assert done.result(name)["outcome"] == "skipped"
    assert "database" in done.result(name)["cause"]


def test_write_without_the_secret_does_not_forget_it(desk: Desk) -> None:
    """After an apply that did not know the Secret the one sent before still counts as sent."""
    name = write_server(desk, secret())
    desk.apply()
    write_server(desk, tags={"app": "web"})
    desk.apply()
    assert desk.azure.writes == ["PATCH tags/default 200"]
    write_server(desk, secret(), tags={"app": "web"})

    desk.check_clean()

    write_server(desk, secret("rotated-2031"), tags={"app": "web"})
    assert desk.plan().step(name)["action"] == "update"


def lose_state(desk: Desk) -> None:
    desk.forget_state()


def test_secret_that_was_never_sent_is_not_taken_for_sent(desk: Desk) -> None:
    """After the state folder is lost nobody knows what Azure holds: plans say so until the secret is sent again."""
    name = write_server(desk, secret())
    desk.apply()
    lose_state(desk)
    write_server(desk, secret("rotated-2031"))

    first = desk.plan().step(name)
    desk.apply()
    second, before = desk.plan().step(name), desk.azure.writes
    write_server(desk, secret("rotated-2032"))
    third = desk.plan().step(name)
    desk.apply()

    assert before == []
    assert [(s["action"], s["notes"]) for s in (first, second)] == [("noop", ["secret not compared"])] * 2
    assert [c["text"] for c in third["changes"]] == ["properties.administratorLoginPassword"]
    assert len(desk.azure.writes) == 1
    assert desk.plan().step(name)["notes"] == []
    desk.check_clean()


def test_write_of_something_else_sends_no_secret_and_remembers_none(desk: Desk) -> None:
    """A write of tags leaves a secret as unknown, or as known, as it was; a PUT sends it along."""
    name = write_server(desk, secret())
    desk.apply()
    write_server(desk, secret(), tags={"app": "web"})
    desk.apply()
    known = desk.plan().step(name)
    lose_state(desk)
    write_server(desk, secret("rotated-2031"), tags={"app": "shop"})

    desk.apply("--adopt")
    writes, unknown = desk.azure.writes, desk.plan().step(name)
    write_server(desk, secret("rotated-2031"), tags={"app": "shop"}, storage={"storageSizeGB": 512})
    desk.apply()

    assert known["notes"] == []
    assert writes == ["PATCH tags/default 200"]
    assert (unknown["action"], unknown["notes"]) == ("noop", ["secret not compared"])
    assert [w.split()[0] for w in desk.azure.writes] == ["PUT"]
    assert desk.plan().step(name)["notes"] == []
