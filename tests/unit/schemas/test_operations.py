"""Facts about REST operations: PATCH, lists, ETags, create-only members."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.build.operations import compile_operations
from schemas.operations import (
    ListEndpoint,
    Operation,
    PatchFacts,
    TypeOperations,
    known_types,
    lookup_operations,
    parse_path,
)

GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"


def facts(**changes: object) -> TypeOperations:
    """Build a type's facts; ``by_version`` has one version with the base facts."""
    patch = Operation(method="PATCH", url=f"{GROUP}/providers/Contoso.Things/widgets/{{name}}")
    base: dict[str, object] = {
        "arm_type": "Contoso.Things/widgets",
        "evidence": "2024-01-01",
        "operations": {"GET": patch, "PATCH": patch},
        "by_version": {"": "*", "2024-01-01": "="},
    }
    return TypeOperations(**(base | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("tags", ("tags",)),
        ("properties.a.b", ("properties", "a", "b")),
        ("properties.pools[].name", ("properties", "pools", "[]", "name")),
        ("properties.map{}.x", ("properties", "map", "{}", "x")),
        ("properties.deep[][]", ("properties", "deep", "[]", "[]")),
        ("a{}[].b", ("a", "{}", "[]", "b")),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_paths_are_read(text: str, path: tuple[str, ...]) -> None:
    """Dots separate names; list elements and map values are steps of their own."""
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        (("properties", "sku"), True),
        (("PROPERTIES", "Sku", "tier"), True),
        (("properties",), False),
        (("properties", "other"), False),
        (("properties", "rules"), True),
        (("properties", "rules", "[]", "name"), True),
        (("properties", "partial", "[]", "name"), False),
        (("properties", "map", "any", "value"), True),
        (("properties", "map", "any", "else"), False),
        (("location",), False),
        ((), False),
    ],
)
def test_patch_accepts_what_its_list_covers(path: tuple[str, ...], accepted: bool) -> None:
    """A listed member is accepted with all below it; a list only when it is listed as a whole."""
    listed = ("properties.sku", "properties.rules", "properties.partial[].name", "properties.map{}.value", "location")
    patch = PatchFacts(tuple(parse_path(p) for p in listed))

    assert patch.accepts(path) is accepted


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        (("tags",), True),
        (("properties", "anything"), True),
        (("location",), False),
        (("properties", "fixed"), False),
        (("properties", "fixed", "below"), False),
        (("properties",), False),
    ],
)
def test_patch_of_everything_leaves_out_what_is_fixed(path: tuple[str, ...], accepted: bool) -> None:
    """PATCH that takes all of PUT still refuses the location, create-only members, and objects that hold them."""
    patch = PatchFacts(None, (("properties", "fixed"),))

    assert patch.accepts(path) is accepted


def test_patch_needs_evidence_for_the_version() -> None:
    """A version nobody has evidence for, or a type without PATCH, is updated by PUT."""
    without = facts(operations={"GET": Operation(method="GET", url="")})

    assert facts().patch_for("2024-01-01") is not None
    assert facts().patch_for("2030-01-01") is None
    assert without.patch_for("2024-01-01") is None


def test_version_differences_are_applied() -> None:
    """A version may take fewer or more members than the newest, or have a list of its own."""
    by_version = {
        "": ["tags", "properties.new"],
        "2020-01-01": {"patch": {"-": ["properties.new"], "+": ["properties.old"]}},
        "2021-01-01": {"patch": ["sku"]},
        "2022-01-01": {"patch": "*"},
    }
    known = facts(by_version=by_version)

    assert known.patch_for("2020-01-01") == PatchFacts((("tags",), ("properties", "old")))
    assert known.patch_for("2021-01-01") == PatchFacts((("sku",),))
    assert known.patch_for("2022-01-01") == PatchFacts(None)


def test_patch_can_move_what_put_cannot() -> None:
    """A member that PUT takes only at creation but PATCH accepts is no reason to replace."""
    known = facts(
        create_only=(("location",), ("properties", "a"), ("properties", "b")), update_via_patch=(("properties", "b"),)
    )
    patch = known.patch_for("2024-01-01")

    assert known.is_create_only(("properties", "a", "below"))
    assert not known.is_create_only(("properties", "b"))
    assert not known.is_create_only(("properties",))
    assert patch is not None
    assert patch.accepts(("properties", "b"))


def test_etags_and_long_running_verbs_depend_on_the_version() -> None:
    """What an older version differs in counts there only; nothing is claimed of an unknown version."""
    known = facts(
        etag={"PUT": True},
        operations={"PUT": Operation(method="PUT", url="", is_long_running=True)},
        by_version={"": None, "2024-01-01": "=", "2020-01-01": {"etag": {"PUT": False}, "lro": ""}},
    )

    assert known.takes_etag("PUT", "2024-01-01")
    assert not known.takes_etag("PUT", "2020-01-01")
    assert not known.takes_etag("PUT", "2030-01-01")
    assert known.is_long_running("PUT", "2024-01-01")
    assert not known.is_long_running("PUT", "2020-01-01")


def test_list_url_is_filled_from_the_id() -> None:
    """The list a resource would be in follows from its id; a list that needs more than the id says is None."""
    known = facts()
    here = "/subscriptions/s/resourceGroups/g/providers/contoso.things/WIDGETS/w"
    other = ListEndpoint(scope="location", url="/subscriptions/{subscriptionId}/locations/{location}/widgets")

    def url(text: str) -> str | None:
        return known.list_url(ListEndpoint(scope="x", url=text), here)

    assert (
        url(f"{GROUP}/providers/Contoso.Things/widgets")
        == "/subscriptions/s/resourceGroups/g/providers/Contoso.Things/widgets"
    )
    assert (
        url("/subscriptions/{anotherName}/providers/Contoso.Things/widgets")
        == "/subscriptions/s/providers/Contoso.Things/widgets"
    )
    assert known.list_url(other, here) is None
    assert known.list_url(other, "/subscriptions/s") is None


def test_lists_below_any_scope_are_filled() -> None:
    """An extension's list starts at whatever the extension extends."""
    known = lookup_operations("Microsoft.Authorization/roleAssignments")
    assert known is not None
    target = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"

    urls = {
        e.scope: known.list_url(e, f"{target}/providers/Microsoft.Authorization/roleAssignments/r") for e in known.lists
    }

    assert urls["scope"] == f"{target}/providers/Microsoft.Authorization/roleAssignments"
    assert urls["subscription"] == "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments"


def test_lists_of_other_models_are_told_apart() -> None:
    """Items of such a list are not what GET returns."""
    known = lookup_operations("Microsoft.Storage/storageAccounts/blobServices/containers")

    assert known is not None
    assert [e.full_bodies for e in known.lists] == [False]


def test_types_that_cannot_be_read_are_known() -> None:
    """Where GET does not exist, existence is all there is."""
    head_only = lookup_operations("microsoft.apimanagement/service/products/apis")
    normal = lookup_operations("Microsoft.Storage/storageAccounts")

    assert head_only is not None
    assert normal is not None
    assert head_only.is_head_only
    assert not normal.is_head_only


def test_required_query_parameters_are_kept() -> None:
    """A verb that insists on a parameter says which."""
    known = lookup_operations("Microsoft.MachineLearningServices/workspaces/computes")

    assert known is not None
    assert known.operations["DELETE"].query == ("underlyingResourceAction",)


def test_every_type_decodes() -> None:
    """All compiled rows can be read, and each binds its own template."""
    types = [lookup_operations(name) for name in known_types()]

    assert len(types) == 290
    assert all(t is not None and t.methods and t.bind("/nowhere") is None for t in types)


def test_unknown_types_have_no_facts() -> None:
    """Nothing is claimed about a type without evidence."""
    assert lookup_operations("Contoso.Things/widgets") is None


def test_unknown_facts_stop_the_compiler(tmp_path: Path) -> None:
    """A fact the compiler does not know is not dropped silently."""
    source = tmp_path / "operations.json"
    source.write_text(json.dumps({"A/b": {"apiVersion": "1", "novelty": 1}}), encoding="utf-8")

    with pytest.raises(ValueError, match="novelty"):
        compile_operations(source)


@pytest.mark.parametrize(
    ("arm_type", "path"),
    [
        ("Microsoft.Authorization/roleAssignments", "properties.principalId"),
        ("Microsoft.Compute/virtualMachines", "properties.osProfile.adminUsername"),
        ("Microsoft.ContainerService/managedClusters", "properties.agentPoolProfiles[].vmSize"),
    ],
)
def test_members_documented_as_fixed_are_create_only(arm_type: str, path: str) -> None:
    """What the client packages do not flag and Azure refuses to change comes from a table of ours."""
    known = lookup_operations(arm_type)

    assert known is not None
    assert known.is_create_only(parse_path(path))
    assert parse_path(path) not in known.create_only_text
