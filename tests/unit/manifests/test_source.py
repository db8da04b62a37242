"""Files, folders and standard input."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson

from engine.model.path import FieldPath
from providers.manifests.source import ManifestSource
from tests.manifest_cases import ACCOUNT, GROUP

ITEM = {"apiVersion": "resources.azure.com/v1api20200601", "kind": "ResourceGroup", "metadata": {"name": "a"}}


def _source(*paths: object, stdin: bytes = b"") -> ManifestSource:
    return ManifestSource([str(path) for path in paths], read_stdin=lambda: stdin)


def _names(source: ManifestSource) -> list[str]:
    return [resource.key.name for resource in asyncio.run(source.list_resources())]


def _group(name: str) -> str:
    return GROUP.replace("name: rg", f"name: {name}")


def test_folders_are_read_with_all_below(tmp_path: Path) -> None:
    """A folder is taken with all below it, sorted; other files and documents that are no objects are left alone."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.yml").write_text(_group("three"))
    (tmp_path / "a.yaml").write_text(_group("one") + "---\n" + _group("two"))
    (tmp_path / "z.json").write_bytes(orjson.dumps(ITEM | {"metadata": {"name": "four"}}))
    (tmp_path / "notes.txt").write_text("{")
    (tmp_path / "values.yaml").write_text("replicas: 3")
    source = _source(tmp_path)

    assert _names(source) == ["one", "two", "four", "three"]
    assert not source.problems()


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """A file that is named twice, directly and through its folder or a link, is read once."""
    (tmp_path / "a.yaml").write_text(GROUP)
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)

    assert _names(_source(tmp_path, tmp_path / "a.yaml")) == ["rg"]


def test_missing_file_is_a_problem(tmp_path: Path) -> None:
    """A file that cannot be read is a problem that names it; the others go on."""
    (tmp_path / "a.yaml").write_text(GROUP)
    source = _source(tmp_path / "none.yaml", tmp_path / "a.yaml")

    assert _names(source) == ["rg"]
    assert "none.yaml: cannot be read: No such file" in str(source.problems()[0])


def test_standard_input_may_be_yaml_or_json() -> None:
    """Standard input is YAML, JSON as kubectl prints it, or YAML that begins like JSON."""
    as_list = orjson.dumps({"apiVersion": "v1", "kind": "List", "items": [ITEM]})

    assert _names(_source("-", stdin=GROUP.encode())) == ["rg"]
    assert _names(_source("-", stdin=as_list)) == ["a"]
    assert _names(
        _source("-", stdin=b"{apiVersion: resources.azure.com/v1, kind: ResourceGroup, metadata: {name: b}}")
    ) == ["b"]


def test_namespaces_lend_their_annotations() -> None:
    """Annotations of a namespace in the input reach the objects in it."""
    namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: default, annotations: {a: b}}}"
    source = _source("-", stdin=f"{namespace}\n---\n{GROUP}".encode())

    (resource,) = asyncio.run(source.list_resources())

    assert resource.namespace_annotations == {"a": "b"}


def test_inputs_are_found_by_name() -> None:
    """Secrets and config maps of the input are found; others are not there."""
    source = _source("-", stdin=b"{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: ns}, data: {k: v}}")

    assert asyncio.run(source.fetch_config_map("ns", "c")) == {"k": "v"}
    assert asyncio.run(source.fetch_config_map("default", "c")) is None
    assert asyncio.run(source.fetch_secret("ns", "c")) is None


def test_places_are_found_again(tmp_path: Path) -> None:
    """The line of a place in an object is found in YAML, in the items of a List and in JSON."""
    file = tmp_path / "a.yaml"
    file.write_text(GROUP + "---" + ACCOUNT)
    listed = tmp_path / "l.json"
    content = {"kind": "List", "items": [{}, {"spec": {"sku": [{"name": 1}]}}]}
    listed.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    source = _source(file)

    assert source.locate(f"{file}:2", FieldPath(("spec", "location"))) == f"{file}:5"
    assert source.locate(f"{file}:7", FieldPath(("spec", "sku", "name"))) == f"{file}:13"
    assert source.locate(f"{file}:7", FieldPath(("spec", "none"))) == f"{file}:10"
    assert source.locate(f"{listed}:5", FieldPath(("spec", "sku", 0, "name"))) == f"{listed}:9"
    assert source.locate("cluster", FieldPath(("spec",))) == "cluster"
    assert source.locate(f"{tmp_path}/gone.yaml:3", FieldPath(("spec",))) == f"{tmp_path}/gone.yaml:3"
