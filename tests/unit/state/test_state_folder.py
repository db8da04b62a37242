from __future__ import annotations

import contextlib
import resource
import signal
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.errors import EngineError, InvalidSpecError
from engine.model.document import Document
from engine.model.ids import ApiVersion, ArmId, Fingerprint, ResourceKey
from engine.model.policy import ReconcilePolicy
from engine.model.refusal import Refusal
from engine.model.state import Baseline, Mended
from providers.state.folder import StateFolder

GROUP = "/subscriptions/s/resourceGroups/app"
KEY = ResourceKey(namespace="default", group="resources.azure.com", version="v1", kind="ResourceGroup", name="app")


def build_baseline(arm_id: str = GROUP) -> Baseline:
    return Baseline(
        id=ArmId(arm_id),
        api_version=ApiVersion("2020-06-01"),
        desired=Document(value={"location": "westeurope"}),
        actual=Document(raw=b'{"location":"westeurope","id":"x"}'),
        body_hash=Fingerprint("1:ab"),
        rules="1",
        key=KEY,
    )


def test_what_was_saved_is_loaded_by_another_process(tmp_path: Path) -> None:
    """A baseline survives the process, whatever letter case its id has."""
    StateFolder(tmp_path / "state").save(build_baseline())

    loaded = StateFolder(tmp_path / "state").load()

    assert loaded[ArmId(GROUP.upper())] == build_baseline()
    assert loaded[ArmId(GROUP)].key == KEY


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    """A folder that is only read is not made."""
    folder = StateFolder(tmp_path / "state")

    assert (dict(folder.load()), dict(folder.operations()), len(folder.secret_key())) == ({}, {}, 32)
    assert not (tmp_path / "state").exists()


def test_the_key_for_secrets_stays_the_same(tmp_path: Path) -> None:
    """The key made before the first write is the one later processes read."""
    first = StateFolder(tmp_path)
    key = first.secret_key()
    first.save(build_baseline())

    assert StateFolder(tmp_path).secret_key() == key


def test_forgetting_a_group_forgets_what_is_inside_and_nothing_beside(tmp_path: Path) -> None:
    """Forgetting takes everything below an id, and not ids that merely start alike."""
    folder = StateFolder(tmp_path)
    for name in (GROUP, f"{GROUP}/providers/Microsoft.X/y/z", f"{GROUP}2"):
        folder.save(build_baseline(name))

    folder.forget(ArmId(GROUP))

    assert list(folder.load()) == [ArmId(f"{GROUP}2")]


def test_operations_are_kept_until_they_are_cleared(tmp_path: Path) -> None:
    """A poller that was saved is found by the next process, and is gone once cleared."""
    StateFolder(tmp_path).save_operation(ArmId(GROUP), KEY, "token")
    folder = StateFolder(tmp_path)

    found = dict(folder.operations())
    folder.clear_operation(ArmId(GROUP))

    assert found == {ArmId(GROUP): "token"}
    assert dict(folder.operations()) == {}


def test_a_damaged_file_says_that_it_may_be_deleted(tmp_path: Path) -> None:
    """A file that is no database is an error that names the file and the way out."""
    (tmp_path / "state.db").write_bytes(b"not a database, but long enough to be read as a header of one" * 20)

    with pytest.raises(InvalidSpecError, match=r"state\.db is not a usable state file.*safe to delete"):
        StateFolder(tmp_path).load()


def test_a_full_disk_is_no_reason_to_delete_the_file(tmp_path: Path) -> None:
    """What cannot be written is told as such: the file says what is under way, and is worth keeping."""
    folder = StateFolder(tmp_path)
    folder.save_operation(ArmId(GROUP), KEY, "token")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (folder.path.stat().st_size, hard))
    try:
        with pytest.raises(InvalidSpecError, match=r"state\.db cannot be written.*keep the file"):
            folder.save_operation(ArmId(f"{GROUP}2"), KEY, "x" * 500_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert dict(folder.operations()) == {ArmId(GROUP): "token"}
    folder.close()


def test_one_damaged_row_is_left_out_and_reported(tmp_path: Path) -> None:
    """Rows that cannot be read are skipped with a warning that names the resource; the others are there."""
    folder = StateFolder(tmp_path)
    folder.save(build_baseline())
    folder.save(build_baseline(f"{GROUP}2"))
    folder.close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE baselines SET object = '{' WHERE id = ?", (GROUP,))
    connection.close()

    loaded = folder.load()

    assert list(loaded) == [ArmId(f"{GROUP}2")]
    assert [GROUP in w for w in folder.warnings()] == [True]
    folder.close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    """A file of a newer release is never read as if it were ours."""
    StateFolder(tmp_path).save(build_baseline())
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'format'")
    connection.close()

    with pytest.raises(EngineError, match="newer release"):
        StateFolder(tmp_path).load()


def test_time_of_a_baseline_is_kept(tmp_path: Path) -> None:
    """A baseline says when it was taken, with time zone."""
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    StateFolder(tmp_path).save(replace(build_baseline(), at=noon))

    assert StateFolder(tmp_path).load()[ArmId(GROUP)].at == noon


@pytest.mark.parametrize(
    ("number", "newer"),
    [
        (1, ("taken", "source", "mended", "renewing")),
        (2, ("source", "mended", "renewing")),
        (3, ("mended", "renewing")),
    ],
)
def test_folder_of_an_older_format_is_brought_up_to_date(tmp_path: Path, number: int, newer: tuple[str, ...]) -> None:
    """What an older release wrote is read, what it did not note unknown, and can be written again."""
    folder = StateFolder(tmp_path)
    folder.save(build_baseline())
    folder.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as connection, connection:
        for column in newer:
            connection.execute(f"ALTER TABLE baselines DROP COLUMN {column}")
        connection.execute("UPDATE meta SET value = ? WHERE name = 'format'", (number,))

    again = StateFolder(tmp_path)

    assert dict(again.load()) == {ArmId(GROUP): build_baseline()}
    mended = (Mended(place="tags.a", print="cd", is_told=True),)
    full = replace(
        build_baseline(), at=datetime(2026, 3, 1, tzinfo=UTC), source="app/a.yaml", mended=mended, renewing=True
    )
    again.save(full)
    again.close()
    assert StateFolder(tmp_path).load()[ArmId(GROUP)] == full


def test_many_baselines_are_stored_together(tmp_path: Path) -> None:
    """One call stores all or none; none at all is no write."""
    folder = StateFolder(tmp_path / "state")
    folder.save()
    assert not (tmp_path / "state").exists()

    folder.save(build_baseline(), build_baseline(f"{GROUP}/providers/Microsoft.Storage/storageAccounts/a"))

    assert len(StateFolder(tmp_path / "state").load()) == 2


def test_policy_of_an_object_outlives_it(tmp_path: Path) -> None:
    """Protection and the reconcile policy are stored with the baseline."""
    kept = replace(build_baseline(), protect=True, reconcile=ReconcilePolicy.DETACH_ON_DELETE)
    StateFolder(tmp_path).save(kept)

    loaded = StateFolder(tmp_path).load()[ArmId(GROUP)]

    assert (loaded.protect, loaded.reconcile) == (True, ReconcilePolicy.DETACH_ON_DELETE)


def test_two_processes_that_begin_together_use_one_key(tmp_path: Path) -> None:
    """Whoever writes second takes over the key of the first before it hashes anything to store."""
    first, second = StateFolder(tmp_path), StateFolder(tmp_path)
    keys = first.secret_key(), second.secret_key()
    first.prepare()
    second.prepare()

    assert first.secret_key() == second.secret_key() == keys[0] != keys[1]


def test_what_azure_refused_is_kept(tmp_path: Path) -> None:
    """A refusal outlives the process; the same again has the newer words; a file of an older release has none."""
    first = Refusal(arm_type="a/b", api_version=ApiVersion("1"), member="", why="405 no")
    newer = Refusal(arm_type="a/b", api_version=ApiVersion("1"), member="", why="415 no")
    folder = StateFolder(tmp_path)
    before = folder.refusals()

    folder.save_refusal(first)
    folder.save_refusal(newer)
    folder.close()

    assert before == ()
    assert StateFolder(tmp_path).refusals() == (newer,)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("DROP TABLE refusals")
    assert StateFolder(tmp_path).refusals() == ()
