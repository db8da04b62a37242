"""Several inputs with one state folder: none prunes what another one applied, and each can be taken over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import yaml

from benchmarks.fake_kube import FakeKind, FakeKube, KubeServer, kubeconfig
from tests.verbs_desk import Desk, Object, Run, group, identity

pytestmark = pytest.mark.loopback

GROUPS = FakeKind("resources.azure.com", "ResourceGroup", "resourcegroups", ("v1api20200601",))


def write(desk: Desk, folder: str, *objects: Object, file: str = "app") -> tuple[str, str]:
    """Write a file of a folder beside the state folder; return the arguments that name the folder."""
    path = desk.folder / folder
    path.mkdir(parents=True, exist_ok=True)
    (path / f"{file}.yaml").write_text(yaml.safe_dump_all(objects))
    return ("-f", str(path))


def run(desk: Desk, verb: str, *arguments: str) -> Run:
    """Run a verb on the named input alone."""
    more = ("--yes",) if verb == "apply" else ()
    return desk.run(verb, *arguments, *more, "-o", "json", files=False)


@pytest.fixture
def shared(desk: Desk) -> tuple[Desk, tuple[str, str], tuple[str, str]]:
    """Two folders that were applied with one state folder."""
    shop = write(desk, "shop", group(desk.name), identity("web", desk.name))
    billing = write(desk, "billing", identity("bill", desk.name), group(desk.name))
    assert (run(desk, "apply", *shop).code, run(desk, "apply", *billing).code) == (0, 0)
    return desk, shop, billing


def test_one_input_never_prunes_what_another_applied(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """What the other folder applied is no step; a warning names its file and how to take it over."""
    desk, _, billing = shared
    desk.azure.forget_traffic()

    plan = run(desk, "plan", "--prune", *billing)
    done = run(desk, "apply", "--prune", *billing)

    assert plan.actions == {"bill": "noop", desk.name: "noop"}
    assert "applied from shop/app.yaml, not from this input" in plan.err
    assert "--prune-from shop/app.yaml takes over" in plan.err
    assert (done.code, desk.azure.writes) == (0, [])


def test_what_left_its_own_input_is_pruned_from_there(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """A file that is gone from a folder has left that folder, whoever else uses the state folder."""
    desk, shop, _ = shared
    write(desk, "shop", group(desk.name))

    plan = run(desk, "plan", "--prune", *shop)

    assert plan.actions == {"web": "delete", desk.name: "noop"}


def test_the_folder_around_stands_for_all_inside(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """-f of the folder that holds both inputs prunes from both."""
    desk, _, _ = shared
    for name in ("shop", "billing"):
        (desk.folder / name / "app.yaml").unlink()
    write(desk, "shop", group(desk.name))

    plan = run(desk, "plan", "--prune", "--allow-mass-delete", "-f", str(desk.folder))

    assert {n: a for n, a in plan.actions.items() if n != desk.name} == {"web": "delete", "bill": "delete"}


def test_a_renamed_folder_is_taken_over(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """An apply notes the new name of what is still there; what left with the old name needs --prune-from."""
    desk, _, _ = shared
    (desk.folder / "shop").rename(desk.folder / "store")
    store = write(desk, "store", group(desk.name))

    left = run(desk, "plan", "--prune", *store)
    taken = run(desk, "plan", "--prune", "--prune-from", "shop", *store)
    done = run(desk, "apply", "--prune", "--prune-from", "./shop/", *store)
    write(desk, "store", identity("x", desk.name))
    later = run(desk, "plan", "--prune", "--allow-mass-delete", *store)

    assert "web" not in left.actions
    assert taken.actions["web"] == "delete"
    assert (done.code, "web" in later.actions, later.actions[desk.name]) == (0, False, "blocked")


def test_a_name_that_nothing_was_applied_from_is_told(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """A misspelt --prune-from is no silence."""
    desk, shop, _ = shared

    assert "--prune-from sop: nothing is remembered" in run(desk, "plan", "--prune-from", "sop", *shop).err


def test_a_group_that_holds_what_another_input_applied_stays(desk: Desk) -> None:
    """The deletion of a group waits while another input's resource is in it: it must stay."""
    shop = write(desk, "shop", group(desk.name), identity("own", desk.name))
    owner = {"armId": desk.group_id}
    other = identity("bill", desk.name)
    other["spec"]["owner"] = owner
    billing = write(desk, "billing", other)
    run(desk, "apply", *shop)
    run(desk, "apply", *billing)
    write(desk, "shop")

    plan = run(desk, "plan", "--prune", "--allow-mass-delete", *shop)

    assert plan.actions[desk.name] == "blocked"
    assert "UserAssignedIdentity/bill, which must stay" in plan.out


def test_standard_input_is_many_inputs(desk: Desk) -> None:
    """What one pipeline applied is not pruned by another, unless it is said that there is only one."""
    first = yaml.safe_dump_all([group(desk.name), identity("web", desk.name)]).encode()
    second = yaml.safe_dump_all([group(desk.name)]).encode()
    desk.spawn("apply", "-f", "-", "--yes", files=False, stdin=first)

    left = desk.spawn("plan", "-o", "json", "-f", "-", "--prune", files=False, stdin=second)
    said = desk.spawn("plan", "-o", "json", "-f", "-", "--prune", "--prune-from", "-", files=False, stdin=second)

    assert ("web" in left.actions, said.actions["web"]) == (False, "delete")
    assert "applied from standard input" in left.err
    assert "--prune-from - takes over" in left.err


def test_files_do_not_prune_what_a_cluster_asked_for(desk: Desk, tmp_path: Path) -> None:
    """Objects of a cluster and of a folder are two inputs; the cluster is named by its server."""
    fake = FakeKube(token="token")
    fake.add(GROUPS, group(desk.name))
    path = tmp_path / "kubeconfig"
    with KubeServer(fake) as served:
        path.write_text(json.dumps(kubeconfig(served.url)))
        context = ("--kubeconfig", str(path), "--context", "fake")
        applied = run(desk, "apply", *context)
        files = write(desk, "shop", identity("x", "elsewhere"))
        plan = run(desk, "plan", "--prune", *files)
        again = run(desk, "plan", *context)

    host = served.url.partition("//")[2].rstrip("/")
    assert (applied.code, desk.name in plan.actions, again.actions) == (0, False, {desk.name: "noop"})
    assert f"applied from cluster://{host}, not from this input" in plan.err


def test_what_an_older_release_applied_is_kept_until_it_is_applied_again(
    shared: tuple[Desk, tuple[str, str], tuple[str, str]],
) -> None:
    """Without a note of its source nothing is pruned by itself; '*' stands for it, and an apply notes it."""
    desk, shop, _ = shared
    write(desk, "shop", group(desk.name))
    with sqlite3.connect(desk.state / "state.db") as connection:
        connection.execute("UPDATE baselines SET source = ''")
    connection.close()

    left = run(desk, "plan", "--prune", *shop)
    every = run(desk, "plan", "--prune", "--prune-from", "*", "--allow-mass-delete", *shop)
    run(desk, "apply", *shop)

    assert left.actions == {desk.name: "noop"}
    assert "--prune-from '*' takes over" in left.err
    assert (every.actions["web"], every.actions["bill"]) == ("delete", "delete")
    with sqlite3.connect(desk.state / "state.db") as connection:
        sources = dict(connection.execute("SELECT id, source FROM baselines"))
    connection.close()
    assert sources[desk.group_id] == "shop/app.yaml"


def test_a_snapshot_knows_its_input(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """A plan made again from a snapshot prunes, and leaves alone, what the live one does."""
    desk, shop, _ = shared
    write(desk, "shop", group(desk.name))
    file = str(desk.folder / "now.json")
    live = [run(desk, "plan", "--prune", *more, *shop) for more in ((), ("--prune-from", "billing"))]
    desk.run("snapshot", "-o", file, "--prune", "--prune-from", "billing", *shop, files=False)

    played = [run(desk, "plan", "--prune", *more, "--snapshot", file) for more in ((), ("--prune-from", "billing"))]

    assert [(p.out, p.err) for p in played] == [(r.out, r.err) for r in live]
    assert [("bill" in r.actions, r.actions["web"]) for r in live] == [(False, "delete"), (True, "delete")]


def test_a_saved_plan_keeps_what_it_takes_over(shared: tuple[Desk, tuple[str, str], tuple[str, str]]) -> None:
    """apply PLAN deletes what the plan with --prune-from showed."""
    desk, shop, _ = shared
    file = str(desk.folder / "plan.json")
    run(desk, "plan", "--prune", "--prune-from", "billing", "--out", file, *shop)
    desk.azure.forget_traffic()

    done = desk.run("apply", file, "--yes", files=False)

    assert done.code == 0, done.out + done.err
    assert desk.azure.writes == ["DELETE userAssignedIdentities/bill 200"]
