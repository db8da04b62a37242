"""The compiled facts in the repository: complete, small, and what the compilers make of their sources today."""

from __future__ import annotations

import lzma
import tarfile
from pathlib import Path

import orjson
import pytest

from schemas import arm, store
from schemas.build import pack
from schemas.build.arm import compile_types
from schemas.build.behaviours import compile_behaviours
from schemas.build.descriptions import compile_descriptions
from schemas.build.durations import compile_durations
from schemas.build.kinds import compile_folder
from schemas.build.operations import compile_operations
from schemas.build.poll_actions import compile_poll_actions
from schemas.build.secret_members import compile_secret_members

LIMIT_BYTES = 1_500_000


def test_all_type_versions_are_there() -> None:
    """Every type@version Azure published is in the data, and the index says the same number."""
    index = orjson.loads(store.require("arm/index.zst"))

    assert len(arm.type_names()) == 3_405
    assert sum(len(arm.versions(name)) for name in arm.type_names()) == index["versions"] == 34_509


def test_arm_types_are_small() -> None:
    """All ARM types together stay within 1.5 MB."""
    assert sum(p.stat().st_size for p in (store.DATA / "arm").iterdir()) <= LIMIT_BYTES


def test_every_file_belongs_to_a_provider() -> None:
    """There is one file per provider of the index and nothing else."""
    index = orjson.loads(store.require("arm/index.zst"))

    assert {p.name for p in (store.DATA / "arm").iterdir()} == {f"{name}.zst" for name in index["types"]} | {
        "index.zst"
    }


def test_newest_version_of_every_type_can_be_walked() -> None:
    """The body of every type's newest version decodes, two levels deep."""
    for name in arm.type_names():
        found = arm.lookup(name, arm.versions(name)[-1])
        assert found is not None
        members = getattr(found.body, "properties", None) or getattr(found.body, "base", {})
        assert all(member.node is not None for member in members.values())


@pytest.mark.shared
def test_arm_types_are_current(shared: Path, tmp_path: Path) -> None:
    """Two providers, compiled from the published archive, are byte for byte what is committed."""
    providers = ("microsoft.containerservice", "microsoft.keyvault")
    with tarfile.open(shared / "arm" / "bicep-types.tar.xz", mode="r|xz") as archive:
        for member in archive:
            if member.name.split("/")[-3] in providers:
                archive.extract(member, tmp_path / "source", filter="data")

    compile_types(tmp_path / "source", catalogue=shared / "aso" / "catalog", out=tmp_path / "out")

    for provider in providers:
        name = f"{provider}.zst"
        assert (tmp_path / "out" / name).read_bytes() == (store.DATA / "arm" / name).read_bytes()


@pytest.mark.shared
def test_operations_are_current(shared: Path) -> None:
    """The committed facts are what the compiler makes of their source."""
    assert store.require("operations.zst") == compile_operations(shared / "arm" / "operations.json")


@pytest.mark.shared
def test_behaviours_are_current(shared: Path) -> None:
    """The committed table is what the compiler makes of its sources."""
    made = compile_behaviours(shared / "aso" / "extensions.yaml", shared / "aso" / "catalog")

    assert store.require("behaviours.zst") == made


@pytest.mark.shared
def test_durations_are_current(shared: Path) -> None:
    """The committed durations are what the compiler reads off the recordings."""
    assert (store.DATA / "durations.json").read_bytes() == compile_durations(shared / "corpus")


@pytest.mark.shared
def test_rights_to_poll_are_current(shared: Path) -> None:
    """The committed actions are what the compiler reads off the recordings."""
    with lzma.open(shared / "corpus" / "lro.jsonl.xz") as writes:
        assert (store.DATA / "poll_actions.json").read_bytes() == compile_poll_actions(writes)


@pytest.mark.shared
def test_kinds_are_current(shared: Path, tmp_path: Path) -> None:
    """The committed kinds are what the compiler makes of the catalogue."""
    compile_folder(shared / "aso" / "catalog", tmp_path)

    made = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert made == {p.name: p.read_bytes() for p in (store.DATA / "kinds").iterdir()}


@pytest.mark.shared
def test_descriptions_are_current(shared: Path) -> None:
    """The committed descriptions are what the compiler makes of what Azure published."""
    made = compile_descriptions(shared / "arm" / "bicep-types.tar.xz")

    files = (store.DATA / "descriptions").glob("*.zst")
    assert made == {p.stem: store.require(f"descriptions/{p.name}") for p in files}


def test_descriptions_are_small() -> None:
    """What is read only on demand adds no more than 300 kB, and names its authors."""
    assert "Microsoft" in (store.DATA / "descriptions" / "LICENSE").read_text()
    assert sum(p.stat().st_size for p in (store.DATA / "descriptions").iterdir()) <= 300_000


def test_secret_members_are_current() -> None:
    """The committed list is what the compiler makes of the committed kinds."""
    assert (store.DATA / "secret_members.json").read_bytes() == compile_secret_members()


def test_packing_is_reproducible() -> None:
    """The same content compresses to the same bytes."""
    assert pack.compress(b"facts" * 1000) == pack.compress(b"facts" * 1000)
