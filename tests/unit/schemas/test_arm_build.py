"""The compiler of ARM types, on a small made-up folder that holds every kind of node."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas import arm, store
from schemas.build.arm import compile_types
from schemas.build.verdicts import is_unread
from schemas.nodes import (
    AnyNode,
    BooleanNode,
    EnumNode,
    Flag,
    ListNode,
    NumberNode,
    ObjectNode,
    Property,
    ResourceType,
    TextNode,
    UnionNode,
)

ENVELOPE = {"id": (0, 10, ""), "name": (9, 9, ""), "type": (0, 10, ""), "apiVersion": (0, 10, "")}


def ref(index: int) -> dict[str, str]:
    return {"$ref": f"#/{index}"}


def obj(members: dict[str, tuple[int, int, str]], **extra: Any) -> dict[str, Any]:
    properties = {n: {"type": ref(i), "flags": f, "description": d} for n, (i, f, d) in members.items()}
    return {"$type": "ObjectType", "name": "O", "properties": properties, **extra}


def resource(name: str, body: int, readable: int = 8, writable: int = 8) -> dict[str, Any]:
    return {
        "$type": "ResourceType",
        "name": name,
        "body": ref(body),
        "readableScopes": readable,
        "writableScopes": writable,
    }


def widget_file(version: str = "2024-01-01", name: str = "Contoso.Things/widgets") -> list[dict[str, Any]]:
    """Every kind of node; node 13 is recursive."""
    inner = {
        "flag": (1, 0, ""),
        "anything": (2, 0, ""),
        "count": (3, 1, ""),
        "bounded": (4, 0, ""),
        "secret": (5, 4, ""),
        "closed": (8, 0, ""),
        "open": (10, 0, ""),
        "subnet": (0, 0, "The resource id of the subnet."),
        "targetResourceId": (0, 0, ""),
        "parts": (12, 0, ""),
        "zones": (14, 0, ""),
        "tree": (13, 0, ""),
        "free": (16, 0, ""),
        "shape": (18, 0, ""),
        "stamp": (0, 2, ""),
    }
    return [
        {"$type": "StringType"},
        {"$type": "BooleanType"},
        {"$type": "AnyType"},
        {"$type": "IntegerType"},
        {"$type": "IntegerType", "minValue": 1, "maxValue": 9},
        {"$type": "StringType", "sensitive": True},
        {"$type": "StringLiteralType", "value": "A"},
        {"$type": "StringLiteralType", "value": "B"},
        {"$type": "UnionType", "elements": [ref(6), ref(7)]},
        {"$type": "StringType", "pattern": "^[a-z]+$", "minLength": 3, "maxLength": 24},
        {"$type": "UnionType", "elements": [ref(6), ref(7), ref(0)]},
        obj({"name": (0, 1, ""), "value": (0, 0, "")}),
        {"$type": "ArrayType", "itemType": ref(11), "maxLength": 5},
        obj({"child": (13, 0, ""), "label": (0, 0, "")}),
        {"$type": "ArrayType", "itemType": ref(0)},
        obj(inner),
        obj({}, additionalProperties=ref(0), sensitive=True),
        obj({"radius": (3, 1, "")}),
        {
            "$type": "DiscriminatedObjectType",
            "name": "Shape",
            "discriminator": "kind",
            "baseProperties": {"colour": {"type": ref(0), "flags": 0}},
            "elements": {"Circle": ref(17)},
        },
        obj({**ENVELOPE, "location": (0, 1, ""), "properties": (15, 1, "")}),
        resource(f"{name}@{version}", 19),
        {"$type": "ResourceFunctionType", "name": "listKeys", "resourceType": name, "apiVersion": version},
    ]


def write_file(root: Path, service: str, nodes: list[dict[str, Any]], version: str = "2024-01-01") -> None:
    target = root / service / "contoso.things" / version / "types.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(nodes), encoding="utf-8")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "generated"
    folder.mkdir()
    return folder


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Redirect look-ups to a data folder of this test."""
    data = tmp_path / "data"
    monkeypatch.setattr(store, "DATA", data)
    arm._provider.cache_clear()
    arm.type_names.cache_clear()
    yield data / "arm"
    arm._provider.cache_clear()
    arm.type_names.cache_clear()


def widget(arm_type: str = "Contoso.Things/widgets", version: str = "2024-01-01") -> ResourceType:
    found = arm.lookup(arm_type, version)
    assert found is not None
    return found


def members_of(found: ResourceType) -> dict[str, Property]:
    assert isinstance(found.body, ObjectNode)
    inner = found.body.properties["properties"].node
    assert isinstance(inner, ObjectNode)
    return dict(inner.properties)


def test_every_kind_of_node_comes_back(source: Path, compiled: Path) -> None:
    """Each kind of published node becomes the node with the same meaning."""
    write_file(source, "things", widget_file())
    compile_types(source, catalogue=None, out=compiled)

    members = members_of(widget())

    assert members["flag"].node == BooleanNode()
    assert members["anything"].node == AnyNode()
    assert members["count"].node == NumberNode()
    assert members["bounded"].node == NumberNode(minimum=1, maximum=9)
    assert members["secret"].node == TextNode(sensitive=True)
    assert members["closed"].node == EnumNode(("A", "B"))
    assert members["open"].node == EnumNode(("A", "B"), is_open=True)
    parts, free, shape = members["parts"].node, members["free"].node, members["shape"].node
    assert isinstance(parts, ListNode)
    assert (parts.identifiers, parts.max_length) == (("name",), 5)
    assert isinstance(free, ObjectNode)
    assert free.is_map
    assert free.sensitive
    assert free.additional == TextNode()
    assert isinstance(shape, UnionNode)
    assert set(shape.select("circle").properties) == {"colour", "radius"}
    assert set(shape.select("Square").properties) == {"colour"}


def test_flags_and_rules_survive(source: Path, compiled: Path) -> None:
    """Required, read-only, write-only and string rules are kept; scopes are names."""
    write_file(source, "things", widget_file())
    compile_types(source, catalogue=None, out=compiled)

    found = widget()
    members = members_of(found)

    assert isinstance(found.body, ObjectNode)
    assert found.scopes == {"resourceGroup"}
    assert not found.readable_only
    assert found.body.properties["name"].node == TextNode(pattern="^[a-z]+$", min_length=3, max_length=24)
    assert found.body.properties["type"].node == EnumNode(("Contoso.Things/widgets",))
    assert members["count"].flags == Flag.REQUIRED
    assert members["secret"].is_write_only
    assert members["stamp"].is_read_only


def test_verdicts_come_from_names_and_wording(source: Path, compiled: Path) -> None:
    """A text is an ARM id by its name or its description, a region by its name; a known scalar list is a set."""
    write_file(source, "things", widget_file())
    compile_types(source, catalogue=None, out=compiled)

    found = widget()
    members = members_of(found)

    assert isinstance(found.body, ObjectNode)
    assert found.body.properties["location"].node == TextNode(location=True)
    assert members["subnet"].node == TextNode(arm_id=True)
    assert members["targetResourceId"].node == TextNode(arm_id=True)
    zones = members["zones"].node
    assert isinstance(zones, ListNode)
    assert zones.is_set


def test_recursive_type_resolves_without_end(source: Path, compiled: Path) -> None:
    """A type that contains itself is one node, however deep one walks."""
    write_file(source, "things", widget_file())
    compile_types(source, catalogue=None, out=compiled)

    tree = members_of(widget())["tree"].node

    assert isinstance(tree, ObjectNode)
    assert tree.properties["child"].node is tree


def test_equal_shapes_are_stored_once(source: Path, compiled: Path) -> None:
    """A second version of the same shape adds a row, no nodes: both versions share every node."""
    write_file(source, "things", widget_file())
    write_file(source, "things", widget_file("2025-01-01"), "2025-01-01")

    count, _ = compile_types(source, catalogue=None, out=compiled)

    assert count == 2
    older, newer = members_of(widget()), members_of(widget(version="2025-01-01"))
    assert older["tree"].node is newer["tree"].node


def test_compiling_twice_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    """The same source gives the same files, byte for byte."""
    write_file(source, "things", widget_file())

    compile_types(source, catalogue=None, out=tmp_path / "one")
    compile_types(source, catalogue=None, out=tmp_path / "two")

    one = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    assert one == {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}
    assert set(one) == {"index.zst", "contoso.things.zst"}


def test_archive_and_folder_agree(source: Path, tmp_path: Path) -> None:
    """A tar.xz archive compiles to the same bytes as the folder it holds."""
    write_file(source, "things", widget_file())
    archive = tmp_path / "types.tar.xz"
    with tarfile.open(archive, "w:xz") as tar:
        for path in sorted(source.rglob("types.json")):
            content = path.read_bytes()
            member = tarfile.TarInfo(path.relative_to(source).as_posix())
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

    compile_types(source, catalogue=None, out=tmp_path / "one")
    compile_types(archive, catalogue=None, out=tmp_path / "two")

    name = "contoso.things.zst"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_type_defined_twice_is_taken_from_its_main_folder(source: Path, compiled: Path) -> None:
    """Of two definitions the one counts whose folder defines more of the provider, wherever it sorts."""
    other = widget_file()
    other[15] = obj({"onlyInSideFolder": (0, 0, "")})
    write_file(source, "a-side", other)
    write_file(source, "main", widget_file())
    write_file(source, "main", widget_file("2025-01-01"), "2025-01-01")

    count, _ = compile_types(source, catalogue=None, out=compiled)

    assert count == 2
    assert "onlyInSideFolder" not in members_of(widget())


def test_floats_are_known_from_the_kind_catalogue(source: Path, compiled: Path, tmp_path: Path) -> None:
    """A number is a float where a kind of the type says so, an integer where it says that, else unknown."""
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    spec = {
        "k": "o",
        "p": {
            "count": {"t": "number", "a": ["properties", "count"]},
            "bounded": {"t": "int", "a": ["properties", "bounded"]},
        },
    }
    kind = {"armType": "Contoso.Things/widgets", "spec": 0}
    document = {"group": "things", "types": [spec], "versions": {"v1": {"kinds": {"Widget": kind}}}}
    (catalogue / "things.json").write_text(json.dumps(document), encoding="utf-8")
    write_file(source, "things", widget_file())

    compile_types(source, catalogue=catalogue, out=compiled)

    members = members_of(widget())
    assert members["count"].node == NumberNode(is_float=True)
    assert members["bounded"].node == NumberNode(is_float=False, minimum=1, maximum=9)


def test_read_only_type_says_so(source: Path, compiled: Path) -> None:
    """A type that no scope can write is marked; its scopes are those that can read it."""
    nodes = widget_file()
    nodes[20] = resource("Contoso.Things/widgets@2024-01-01", 19, readable=4, writable=0)
    write_file(source, "things", nodes)
    compile_types(source, catalogue=None, out=compiled)

    found = widget()

    assert found.readable_only
    assert found.scopes == {"subscription"}


def test_unknown_kind_of_node_is_refused(source: Path, compiled: Path) -> None:
    """A node this compiler does not know stops it before anything is written."""
    nodes = widget_file()
    nodes[1] = {"$type": "QuantumType"}
    write_file(source, "things", nodes)

    with pytest.raises(ValueError, match="QuantumType"):
        compile_types(source, catalogue=None, out=compiled)

    assert not compiled.exists()


def test_broken_file_is_named(source: Path, compiled: Path) -> None:
    """A file that is not JSON is named in the error."""
    write_file(source, "things", widget_file())
    bad = source / "zz" / "contoso.things" / "2024-01-01" / "types.json"
    bad.parent.mkdir(parents=True)
    bad.write_text("[{", encoding="utf-8")

    with pytest.raises(ValueError, match=r"zz/contoso\.things/2024-01-01/types\.json"):
        compile_types(source, catalogue=None, out=compiled)


@pytest.mark.parametrize(
    ("description", "is_said"),
    [
        ("The package. This is a write-only property and is not returned in GET calls.", True),
        ("Options to be applied for the request. This corresponds to the headers sent with the request.", True),
        ("The trigger's URI (it will not be included in any response).", True),
        ("This value is stored encrypted and not returned on response.", True),
        ("It is not returned in the response until the drive is in transfer.", False),
        ("Names that are not included in the map are restored as they were.", False),
    ],
)
def test_descriptions_tell_what_reads_leave_out(description: str, is_said: bool) -> None:
    """A description that says a member is never read makes up for the flag that it lacks; others say nothing."""
    assert is_unread(description) is is_said
