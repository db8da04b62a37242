"""The file of a snapshot holds every part of a recording, and nothing of it is lost on the way."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.app.snapshot_file import encode_snapshot, is_snapshot, read_snapshot
from engine.errors import InvalidSpecError
from engine.model.document import Document, Secret
from engine.model.hold import Denial, HoldKind, Holds, Lock, Unread
from engine.model.ids import ApiVersion, ArmId, Fingerprint, Generation
from engine.model.path import FieldPath
from engine.model.policy import ReconcilePolicy
from engine.model.problem import Problem
from engine.model.state import ActualState, Baseline, CustomResource, Mended, Presence, ReadTarget, StatusTrust
from engine.runtime.recording import Recording
from tests.builders import STORAGE, STORAGE_API, build_id, build_key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OBJECT = CustomResource(
    key=build_key(),
    spec=Document(value={"a": [1, 1.0, None, "ü\u2028"]}),
    status=Document(value={"b": 1}),
    trust=StatusTrust.SETTLED,
    annotations={"trueup.dev/ignore": "/a"},
    labels={"app": "x"},
    generation=Generation(7),
    uid="u",
    resource_version="9",
    deleting=True,
    origin="app.yaml:3",
    namespace_annotations={"serviceoperator.azure.com/reconcile-policy": "skip"},
)
ACTUAL = ActualState(
    id=build_id(),
    presence=Presence.PRESENT,
    document=Document(value={"id": "x"}),
    etag='W/"1"',
    cause="because",
    body_hash="ab",
)
BASELINE = Baseline(
    id=build_id(),
    api_version=ApiVersion(STORAGE_API),
    desired=Document(value={"a": 1}),
    actual=Document(value={"a": 2}),
    body_hash=Fingerprint("cd"),
    rules="1",
    key=build_key(),
    reconcile=ReconcilePolicy.DETACH_ON_DELETE,
    protect=True,
    at=NOON,
    source="app.yaml",
    mended=(Mended(place="tags.a", print="cd", is_told=True),),
    renewing=True,
    as_asked=True,
)
GROUP = ArmId("/subscriptions/s/resourceGroups/g")
RECORDING = Recording(
    taken=NOON,
    endpoint="https://arm.example",
    subscription="s",
    strict=True,
    objects=(OBJECT,),
    problems=(Problem(error=InvalidSpecError("bad"), origin="f:1", key=build_key(), path=FieldPath(("spec", "a"))),),
    secrets={("a", "b"): {"k": Secret("stand-in")}, ("a", "c"): None},
    config_maps={("a", "b"): {"k": "v"}, ("a", "c"): None},
    places={("f:1", "/spec/a"): "f:4"},
    targets={build_id(): ReadTarget(id=build_id(), arm_type=STORAGE, api_version=ApiVersion(STORAGE_API))},
    resources={build_id(): ACTUAL},
    contents={GROUP: (build_id(),), ArmId("/x"): None},
    holds={
        (GROUP, HoldKind.LOCK): Holds(locks=(Lock(id=f"{GROUP}/lock", scope=GROUP, is_read_only=True),)),
        (GROUP, HoldKind.DENIAL): Holds(
            denials=(Denial(id="/d", name="d", scope=GROUP, actions=("*",), excluded=("User Kim",), children=False),),
            unread=(Unread(kind=HoldKind.DENIAL, scope=GROUP, cause="403"),),
        ),
    },
    roles={("/s", "Reader"): "/role", ("/s", "None"): None},
    baselines={build_id(): BASELINE},
    secret_key=b"\x00key",
    inputs=("app.yaml",),
)


@pytest.mark.parametrize("value", [OBJECT, ACTUAL, BASELINE, RECORDING], ids=lambda v: type(v).__name__)
def test_sample_says_something_of_every_field(value: Any) -> None:
    """A field added to the model is added to the samples here, and so to the file."""
    defaults = {f.name: f.default_factory() if callable(f.default_factory) else f.default for f in fields(value)}

    assert [name for name, default in defaults.items() if getattr(value, name) == default] == []


@pytest.mark.parametrize("compress", [False, True])
def test_file_and_back(tmp_path: Path, *, compress: bool) -> None:
    """What is read from the file is what was saved; the same recording gives the same bytes."""
    file = tmp_path / "s"
    file.write_bytes(encode_snapshot(RECORDING, compress=compress))

    again = read_snapshot(file)

    assert [str(p) for p in again.problems] == ["f:1: bad"]
    assert {k: s.reveal() for k, s in (again.secrets["a", "b"] or {}).items()} == {"k": "stand-in"}
    same = {"problems": RECORDING.problems, "secrets": RECORDING.secrets}
    assert replace(again, **same) == RECORDING
    assert encode_snapshot(again, compress=compress) == file.read_bytes()
    assert is_snapshot(file)


def test_other_files_are_no_snapshots(tmp_path: Path) -> None:
    """Manifests, folders and what is not there are told apart from snapshots."""
    (tmp_path / "a.yaml").write_text("kind: X\n")

    assert not any(is_snapshot(path) for path in (tmp_path / "a.yaml", tmp_path, tmp_path / "none"))


@pytest.mark.parametrize("cut", [8, 40, -8])
def test_file_that_was_cut_is_damaged(tmp_path: Path, cut: int) -> None:
    """Half a file is an error that names it."""
    for compress in (False, True):
        (tmp_path / "s").write_bytes(encode_snapshot(RECORDING, compress=compress)[:cut])

        with pytest.raises(InvalidSpecError, match=r"s is (damaged|no snapshot)"):
            read_snapshot(tmp_path / "s")
