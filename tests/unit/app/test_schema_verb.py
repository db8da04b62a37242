"""``trueup schema``: what people and programs see."""

from __future__ import annotations

import json

import pytest

from engine.app.cli import main

STORAGE = "Microsoft.Storage/storageAccounts"


def test_type_is_shown_as_a_tree(capsys: pytest.CaptureFixture[str]) -> None:
    """Members are shown with type, values and flags; the path of a type is ignored in letter case."""
    code = main(["schema", "show", f"{STORAGE.lower()}@2023-01-01", "--depth", "2"])

    out = capsys.readouterr().out
    assert code == 0
    assert out.startswith(f"{STORAGE}@2023-01-01\n")
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert lines["location"].endswith("text  [required, region]")
    assert "Hot | Cool | Premium" in lines["accessTier"]
    assert lines["encryption"].endswith("object …")
    assert "keySource" not in lines


def test_depth_opens_objects(capsys: pytest.CaptureFixture[str]) -> None:
    """One level more shows what was cut before."""
    main(["schema", "show", f"{STORAGE}@2023-01-01", "--depth", "3"])

    assert "keySource" in capsys.readouterr().out


def test_type_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the same facts as nested objects."""
    main(["schema", "show", f"{STORAGE}@2023-01-01", "-o", "json"])

    facts = json.loads(capsys.readouterr().out)
    assert (facts["type"], facts["apiVersion"]) == (STORAGE, "2023-01-01")
    assert facts["members"]["location"]["flags"] == ["required", "region"]
    tier = facts["members"]["properties"]["members"]["accessTier"]
    assert (tier["values"], tier["open"]) == (["Hot", "Cool", "Premium"], False)
    assert "storage.azure.com/v1api20230101/StorageAccount" in facts["kinds"]


def test_kind_says_where_its_members_go(capsys: pytest.CaptureFixture[str]) -> None:
    """A kind's members name their place in the ARM body where it differs."""
    code = main(["schema", "show", "storage.azure.com/v1api20230101/StorageAccount", "--depth", "1"])

    out = capsys.readouterr().out
    assert code == 0
    assert f"type: {STORAGE}@2023-01-01" in out
    assert "sent as properties.accessTier" in out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Microsoft.Storage/storageAcounts", f"no ARM type Microsoft.Storage/storageAcounts (nearest: {STORAGE}"),
        (f"{STORAGE}@2023-02-01", f"{STORAGE}@2023-01-01"),
        ("storage.azure.com/v1/StorageAccount", "nearest: storage.azure.com/v"),
        ("storage.azure.com/StorageAcount", "StorageAccount"),
        ("nonsense", "trueup schema find"),
    ],
    ids=["type", "version", "kind version", "kind", "nothing near"],
)
def test_unknown_names_get_the_nearest_known(name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error is answered with what was probably meant, and exit code 1."""
    code = main(["schema", "show", name])

    assert code == 1
    assert said in capsys.readouterr().err


def test_without_version_the_newest_stable_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """A preview is shown only when asked for or when there is nothing else."""
    main(["schema", "show", "Microsoft.ContainerService/managedClusters", "--depth", "1"])

    assert "preview" not in capsys.readouterr().out.splitlines()[0]


def test_find_lists_types_and_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    """A word finds names of both worlds, in any letter case."""
    code = main(["schema", "find", "VIRTUALNETWORK", "-o", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 0
    assert "network.azure.com/VirtualNetwork" in [k["kind"] for k in found["kinds"]]
    assert "Microsoft.Network/virtualNetworks" in [t["type"] for t in found["types"]]


def test_find_nothing_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A word nothing is called exits 1, so that scripts notice."""
    assert main(["schema", "find", "zzzzzz"]) == 1
    assert "zzzzzz" in capsys.readouterr().err


def test_recursive_types_end_at_the_depth(capsys: pytest.CaptureFixture[str]) -> None:
    """A type that contains itself is shown to the depth asked for."""
    code = main(
        ["schema", "show", "Microsoft.DataFactory/factories/pipelines@2018-06-01", "--depth", "6", "-o", "json"]
    )

    assert code == 0
    assert json.loads(capsys.readouterr().out)["members"]


def test_same_question_same_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """The same input gives the same bytes."""
    main(["schema", "show", f"{STORAGE}@2023-01-01"])
    first = capsys.readouterr().out
    main(["schema", "show", f"{STORAGE}@2023-01-01"])

    assert capsys.readouterr().out == first
