"""The catalog of ASO kinds."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from schemas import kinds, store
from schemas.build.kinds import compile_folder, main
from schemas.kind_types import EnumType, ListType, MapType, ObjectType, OwnerRule, RuledType, Scalar, Scope, Special


def test_every_kind_is_there() -> None:
    """All 781 kind-versions of 47 groups are known, four of them outside ARM."""
    every = list(kinds.all_kinds())

    assert len(every) == 781
    assert [str(kind) for kind in every if not kind.is_arm] == [
        "dbformysql.azure.com/v1 User",
        "dbforpostgresql.azure.com/v1 User",
        "entra.azure.com/v1 SecurityGroup",
        "sql.azure.com/v1 User",
    ]


def test_facts_of_a_kind() -> None:
    """A kind says what it is in ARM, who owns it and where it lies."""
    kind = kinds.lookup_kind("storage.azure.com", "v1api20230101", "StorageAccountsBlobService")

    assert kind is not None
    assert (kind.arm_type, kind.api_version) == ("Microsoft.Storage/storageAccounts/blobServices", "2023-01-01")
    assert (kind.scope, kind.owner) == (Scope.RESOURCE_GROUP, OwnerRule("storage.azure.com", "StorageAccount"))
    assert (kind.fixed_name, kind.plural) == ("default", "storageaccountsblobservices")
    assert kind.operations == {"Get", "Put"}


def test_types_of_a_spec() -> None:
    """Members have types, places, rules and what is always sent."""
    kind = kinds.lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    assert kind is not None
    spec = kind.spec

    assert spec.members["accessTier"].place == ("properties", "accessTier")
    assert isinstance(spec.members["accessTier"].type, EnumType)
    assert spec.members["owner"].type is Special.OWNER
    assert spec.members["owner"].place is None
    assert spec.members["tags"].type == MapType(Scalar.TEXT)
    assert spec.members["azureName"].rules is not None
    assert spec.members["azureName"].rules.max_length == 24
    assert spec.always_sent[("tags",)] is None
    assert {"kind", "location", "owner", "sku"} == spec.required
    identity = spec.members["identity"].type
    assert isinstance(identity, ObjectType)
    assert identity.members["userAssignedIdentities"].is_id_map


def test_same_shapes_are_one_instance() -> None:
    """Two versions whose specs have the same shape share it."""
    old = kinds.lookup_kind("storage.azure.com", "v1api20230101", "StorageAccount")
    new = kinds.lookup_kind("storage.azure.com", "v20230101", "StorageAccount")

    assert old is not None
    assert new is not None
    assert old.spec is new.spec


def test_no_kind_has_a_loose_end() -> None:
    """Every type of every spec and status can be resolved, and unions know their variants."""
    seen: set[int] = set()
    stack: list[object] = [side for kind in kinds.all_kinds() for side in (kind.spec, kind.status)]
    while stack:
        expr = stack.pop()
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        if isinstance(expr, ObjectType):
            assert set(expr.variants.values()) <= set(expr.members)
            assert expr.required <= set(expr.members)
            stack.extend(member.type for member in expr.members.values())
        elif isinstance(expr, ListType | MapType):
            stack.append(expr.item)
        elif isinstance(expr, RuledType):
            stack.append(expr.base)

    assert len(seen) > 4000


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        (("storage.azure.com", "v1api20230301", "StorageAccount"), "storage.azure.com/v1api20230101 StorageAccount"),
        (("storage.azure.com", "v9", "StorageAcount"), "storage.azure.com/v20250601 StorageAccount"),
        (("storge.azure.com", "v9", "StorageAccount"), "storage.azure.com/v20250601 StorageAccount"),
        (("databases.azure.com", "v1", "RedisEnterprise"), "cache.azure.com/"),
    ],
    ids=["version", "kind", "group", "kind of another group"],
)
def test_nearest_kind(name: tuple[str, str, str], nearest: str) -> None:
    """The nearest version counts by date, the nearest name by letters; a right name in a wrong group is found."""
    assert kinds.lookup_kind(*name) is None
    assert any(found.startswith(nearest) for found in kinds.nearest_kind(*name))


def test_versions_are_in_order() -> None:
    """Versions of a kind are listed oldest first; an unknown kind has none."""
    known = kinds.versions("storage.azure.com", "StorageAccount")

    assert known[0] == "v1api20210401"
    assert known[-1] == "v20250601"
    assert not kinds.versions("storage.azure.com", "None")


def test_groups_are_sorted() -> None:
    """Group names are whole and sorted."""
    assert list(kinds.groups()) == sorted(kinds.groups())
    assert "network.frontdoor.azure.com" in kinds.groups()


def test_compiled_catalog_is_small() -> None:
    """All groups together stay below 200 kB on disk."""
    assert sum(file.stat().st_size for file in (store.DATA / "kinds").glob("*.zst")) < 200_000


CATALOG = {
    "group": "test.azure.com",
    "types": [{"k": "o", "p": {"b": "string", "a": "int"}}],
    "versions": {"v1": {"kinds": {"Thing": {"plural": "things", "categories": [], "spec": 0, "swagger": "x"}}}},
}


def test_compiling_the_same_gives_the_same(tmp_path: Path) -> None:
    """The compiler leaves provenance out and writes the same bytes for the same catalog."""
    (tmp_path / "test.json").write_bytes(orjson.dumps(CATALOG))

    compile_folder(tmp_path, tmp_path / "one")
    compile_folder(tmp_path, tmp_path / "two")

    names = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert names == ["index.zst", "test.zst"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_compiler_refuses_loose_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A catalog whose kinds point nowhere, an empty folder and wrong usage are refused."""
    broken = orjson.loads(orjson.dumps(CATALOG).replace(b'"spec":0', b'"spec":7'))
    (tmp_path / "test.json").write_bytes(orjson.dumps(broken))

    with pytest.raises(ValueError, match="Thing: spec points at type 7"):
        compile_folder(tmp_path, tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        compile_folder(tmp_path / "out", tmp_path)
    assert main([]) == 1
    assert "usage" in capsys.readouterr().err


@pytest.mark.shared
def test_compiled_catalog_is_up_to_date(shared: Path, tmp_path: Path) -> None:
    """The data in the package is what the compiler makes of the catalog."""
    compile_folder(shared / "aso" / "catalog", tmp_path)

    for file in tmp_path.iterdir():
        assert file.read_bytes() == (store.DATA / "kinds" / file.name).read_bytes(), file.name
