"""CustomResourceDefinitions made from the kind catalog."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from engine.crds.compare import differences, holds
from engine.crds.definition import all_names, define, is_described, keep_stored
from engine.crds.pattern import choose
from engine.crds.policy import admission_policies
from engine.crds.union import Unifier
from engine.errors import InvalidSpecError
from schemas.kind_types import EnumType, ListType, Member, ObjectType, Scalar, TypeExpr
from schemas.kinds import groups, lookup_kind, versions

NAMES = list(all_names())


def versions_of(definition: dict[str, Any]) -> dict[str, Any]:
    return {v["name"]: v for v in definition["spec"]["versions"]}


def spec_of(definition: dict[str, Any], version: str) -> dict[str, Any]:
    schema: dict[str, Any] = versions_of(definition)[version]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def inner(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema inside a schema, itself first."""
    yield schema
    for child in schema.get("properties", {}).values():
        yield from inner(child)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from inner(schema[name])


def test_every_kind_has_a_definition() -> None:
    """290 generated kinds and the four hand-written ones, each with one stored version that is served as well."""
    stored = [
        [v for v in define(group, kind, version="v1")["spec"]["versions"] if v["storage"]] for group, kind in NAMES
    ]

    assert len(NAMES) == 294
    assert all(len(found) == 1 and found[0]["served"] for found in stored)


@pytest.mark.parametrize(("group", "kind"), NAMES[::13])
def test_every_version_is_served_with_its_members(group: str, kind: str) -> None:
    """A version has the members that the catalog gives it; the stored one has those of all versions."""
    definition = define(group, kind, version="v1")
    served = versions_of(definition)
    union = {name for v in versions(group, kind) for name in found(group, v, kind).spec.members}

    assert set(served) == set(versions(group, kind))
    for name in served:
        members = set(spec_of(definition, name)["properties"])
        if served[name]["storage"]:
            assert members - {"originalVersion", "$propertyBag"} == union
        else:
            assert members == set(found(group, name, kind).spec.members)


def found(group: str, version: str, kind: str) -> Any:
    kind_found = lookup_kind(group, version, kind)
    assert kind_found is not None
    return kind_found


def test_names_columns_and_categories_are_aso_s() -> None:
    """What ``kubectl get`` shows, and the names it takes, are what users of ASO know; there are no short names."""
    definition = define("storage.azure.com", "StorageAccount", version="v9")

    assert definition["metadata"]["name"] == "storageaccounts.storage.azure.com"
    assert definition["spec"]["names"] == {
        "kind": "StorageAccount",
        "listKind": "StorageAccountList",
        "plural": "storageaccounts",
        "singular": "storageaccount",
        "categories": ["azure", "storage"],
    }
    columns = definition["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [c["name"] for c in columns] == ["Ready", "Severity", "Reason", "Message"]
    assert columns[0]["jsonPath"] == ".status.conditions[?(@.type=='Ready')].status"


def test_specs_are_checked_and_statuses_never_refused() -> None:
    """Enums, patterns and required members stand on specs; what Azure answers is written whatever it is."""
    definition = define("storage.azure.com", "StorageAccount", version="v1")
    stored = next(v for v in definition["spec"]["versions"] if v["storage"])
    members = stored["schema"]["openAPIV3Schema"]["properties"]

    assert members["spec"]["properties"]["kind"]["enum"]
    assert {"kind", "location", "owner", "sku"} <= set(members["spec"]["required"])
    ours = {"lastTransitionTime", "reason", "status", "type"}
    for schema in inner(members["status"]):
        assert "enum" not in schema
        assert set(schema.get("required", ())) in (set(), ours)


def test_newest_only_serves_the_stored_version() -> None:
    """The cheap set has one version per kind: the one that objects are stored in."""
    definition = define("network.azure.com", "VirtualNetwork", version="v1", newest_only=True)

    assert [(v["served"], v["storage"]) for v in definition["spec"]["versions"]] == [(True, True)]


def test_versions_that_hold_objects_stay() -> None:
    """What a definition is stored in cannot leave it; such a version is kept, unserved."""
    definition = define("storage.azure.com", "StorageAccount", version="v1")

    kept = keep_stored(definition, ["v1api20230101storage", definition["spec"]["versions"][0]["name"]])

    more = [v for v in kept["spec"]["versions"] if v not in definition["spec"]["versions"]]
    assert [(v["name"], v["served"], v["storage"]) for v in more] == [("v1api20230101storage", False, False)]
    assert keep_stored(definition, []) is definition


def members_of(**types: TypeExpr) -> ObjectType:
    return ObjectType(members={n: Member(name=n, place=(n,), resolve=lambda t=t: t) for n, t in types.items()})


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((Scalar.INTEGER, Scalar.NUMBER), Scalar.NUMBER),
        ((EnumType(("a", "b")), EnumType(("b", "c"))), EnumType(("a", "b", "c"))),
        ((EnumType(("a",)), Scalar.TEXT), Scalar.TEXT),
        ((Scalar.TEXT, ListType(Scalar.TEXT)), Scalar.ANY),
        ((ListType(Scalar.INTEGER), ListType(Scalar.NUMBER)), ListType(Scalar.NUMBER)),
    ],
)
def test_types_that_differ_become_the_wider_one(types: tuple[TypeExpr, ...], expected: TypeExpr) -> None:
    """What any version takes, the stored one takes."""
    assert Unifier().merge(types) == expected


def test_the_leading_version_is_as_strict_as_it_was() -> None:
    """Limits and enums of the stored version are its own: what other versions take is written through them."""
    account = spec_of(define("storage.azure.com", "StorageAccount", version="v1"), "v20250601")
    merged = Unifier().merge((EnumType(("b",)), EnumType(("a", "b")), Scalar.TEXT), leads=True)

    assert account["properties"]["azureName"] == {
        "type": "string",
        "pattern": "^[a-z0-9]+$",
        "minLength": 3,
        "maxLength": 24,
    }
    assert merged == EnumType(("b",))


def test_an_object_with_members_of_other_versions_keeps_aso_s_bag() -> None:
    """Where ASO would have put members into its property bag, the bag can be read."""
    unifier = Unifier()

    joined = unifier.unite([members_of(a=Scalar.TEXT), members_of(a=Scalar.TEXT, b=Scalar.TEXT)])

    assert set(joined.members) == {"a", "b"}
    assert id(joined) in unifier.with_bag


def test_a_pattern_is_a_glob_over_group_and_kind() -> None:
    """Items are separated by semicolons, letter case does not matter, and brackets mean themselves."""
    chosen = choose("RESOURCES.azure.com/*; network.azure.com/virtualnetwork", NAMES)

    assert chosen == [("network.azure.com", "VirtualNetwork"), ("resources.azure.com", "ResourceGroup")]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [("", "names no kind"), ("storage.azur.com/*", "did you mean"), ("[s]torage.azure.com/*", "means no kind")],
)
def test_a_pattern_that_means_nothing_is_an_error(pattern: str, says: str) -> None:
    """A misspelt pattern would leave kinds out silently."""
    with pytest.raises(InvalidSpecError) as caught:
        choose(pattern, NAMES)

    assert says in str(caught.value)


def test_differences_are_said_in_words() -> None:
    """Versions, schemas and conversion are compared; descriptions and what others added are no difference."""
    ours = define("resources.azure.com", "ResourceGroup", version="v1")
    name = ours["spec"]["versions"][0]["name"]
    theirs = define("resources.azure.com", "ResourceGroup", version="v0")
    theirs["spec"]["conversion"] = {"strategy": "Webhook"}
    theirs["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = {"description": "d"}
    theirs["spec"]["versions"].append({"name": "v0", "storage": False, "schema": {}})

    assert list(differences(ours, define("resources.azure.com", "ResourceGroup", version="v0"))) == []
    assert list(differences(ours, None)) == ["is not installed"]
    texts = list(differences(ours, theirs))
    assert "version v0 would be removed" in texts
    assert "conversion would be None, it is Webhook" in texts
    assert any(t.startswith(f"version {name}: schema differs at /spec") for t in texts)


def test_the_admission_policy_covers_every_group() -> None:
    """Names and owners of claimed objects are fixed in all groups, and the policy is in force."""
    policy, binding, *_ = admission_policies()

    assert policy["spec"]["matchConstraints"]["resourceRules"][0]["apiGroups"] == list(groups())
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}


@pytest.mark.parametrize(
    ("found", "wanted", "is_held"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": [{"n": 1, "more": 2}]}, {"a": [{"n": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": 2}, {"a": 1}, False),
        (None, {"a": 1}, False),
    ],
)
def test_what_a_server_adds_is_no_difference(found: Any, wanted: Any, is_held: bool) -> None:
    """A policy that has everything that is wanted of it is left alone; a list is wanted as a whole."""
    assert holds(found, wanted) is is_held


def described_members(definition: dict[str, Any]) -> Iterator[bool]:
    """Yield of every member, at any depth and in any version, whether it is described."""
    for version in definition["spec"]["versions"]:
        for schema in inner(version["schema"]["openAPIV3Schema"]):
            yield from ("description" in member for member in schema.get("properties", {}).values())


def without_descriptions(schema: Any) -> Any:
    """Return a schema, or part of one, without its descriptions; members of that name stay."""
    if isinstance(schema, list):
        return [without_descriptions(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    return {n: without_descriptions(s) for n, s in schema.items() if n != "description" or isinstance(s, dict)}


def test_descriptions_change_nothing_else() -> None:
    """A definition with descriptions is the definition without them, and something is said of 97 % of all members."""
    bare = [define(group, kind, version="v1") for group, kind in NAMES]
    full = [define(group, kind, version="v1", descriptions=True) for group, kind in NAMES]
    told = [is_told for definition in full for is_told in described_members(definition)]

    assert [without_descriptions(d) for d in full] == bare
    assert sum(told) / len(told) > 0.97


def test_definitions_with_descriptions_can_be_stored() -> None:
    """The largest one stays below half of what etcd takes in one request, 1.5 MiB."""
    sizes = (len(json.dumps(define(group, kind, version="v1", descriptions=True))) for group, kind in NAMES)

    assert max(sizes) < 768 * 1024


@pytest.mark.parametrize(
    ("group", "kind", "path", "text"),
    [
        pytest.param("network", "VirtualNetwork", "azureName", "Name in Azure; ", id="a name that is ours to explain"),
        pytest.param("keyvault", "Vault", "properties/enablePurgeProtection", "protection against purge", id="Azure's"),
        pytest.param("storage", "StorageAccount", "identity/userAssignedIdentities/reference/armId", "Id in ", id="id"),
        pytest.param("cdn", "Rule", "ruleconditions/clientPort", "the variant ClientPort", id="a variant"),
        pytest.param("compute", "Disk", "diskSizeGB", "size of the disk", id="a version Azure did not publish"),
        pytest.param("sql", "User", "localUser/password", "Password of the user.", id="a kind outside Azure"),
        pytest.param("entra", "SecurityGroup", "operatorSpec/creationMode", "is taken over", id="a kind of Entra"),
    ],
)
def test_what_is_said_of_a_member(group: str, kind: str, path: str, text: str) -> None:
    """Each version says of a member what it is for."""
    definition = define(f"{group}.azure.com", kind, version="v1", descriptions=True)
    for name in versions_of(definition):
        schema = spec_of(definition, name)
        for part in path.split("/"):
            schema = schema.get("items", schema)["properties"][part]

        assert text in schema["description"], name


def test_descriptions_that_would_change_are_told() -> None:
    """Descriptions count as a difference only where they are asked for; a member of that name always does."""
    bare, full = (
        define("entra.azure.com", "SecurityGroup", version="v1", descriptions=wanted) for wanted in (False, True)
    )
    other = copy.deepcopy(bare)
    other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].pop("description")

    assert list(differences(full, bare)) == ["version v1: descriptions would change"]
    assert list(differences(bare, full)) == list(differences(full, full)) == []
    assert list(differences(bare, other)) == ["version v1: schema differs at /spec/description"]
    assert is_described(full)
    assert not is_described(bare)
