"""What a manifest may do wrong, and what its author is told."""

from __future__ import annotations

import pytest

from engine.desired.check import Report, check_any, compile_pattern
from engine.model.document import Document
from tests.manifest_cases import ACCOUNT, GROUP, build_from, problems_of, read_resources

START = "t.yaml:6: default/StorageAccount/acct does not fit its kind: "


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("accessTier:", "acessTier:"), "/spec/acessTier: unknown member 'acessTier' (did you mean 'accessTier'?)"),
        (
            ("Standard_LRS", "Standard_lrs"),
            "/spec/sku/name: 'Standard_lrs' is not allowed (did you mean 'Standard_LRS'?)",
        ),
        (
            ("location: westeurope", "location: 1"),
            (
                "/spec/location: must be a text, not a number"
                " (put it in quotes: YAML reads bare yes, no, on, off and numbers as other types)"
            ),
        ),
        (("sku: {name: Standard_LRS}", "sku: []"), "/spec/sku: must be an object, not a list"),
        (("  location: westeurope\n", ""), "/spec: 'location' is missing"),
        (("owner: {name: rg}", "owner: {}"), "/spec/owner: needs 'name' or 'armId'"),
        (
            ("owner: {name: rg}", "owner: {name: rg, armId: /subscriptions/s/resourceGroups/g}"),
            "/spec/owner: 'armId' excludes 'name' (keep one form)",
        ),
        (
            ("owner: {name: rg}", "owner: {name: /subscriptions/s/resourceGroups/g}"),
            "/spec/owner/name: 'name' looks like an ARM id (did you mean 'armId'?)",
        ),
        (
            ("accessTier: Hot", "azureName: ab"),
            "/spec/azureName: has 2 characters, at least 3 are needed",
        ),
        (
            ("accessTier: Hot", "azureName: a/b"),
            "/spec/azureName: 'a/b' does not match the pattern ^[a-z0-9]+$",
        ),
        (
            ("accessTier: Hot", "encryption: {keyvaultproperties: {keyvaulturi: 5}}"),
            (
                "/spec/encryption/keyvaultproperties/keyvaulturi: must be a text, not a number"
                " (put it in quotes: YAML reads bare yes, no, on, off and numbers as other types)"
            ),
        ),
    ],
    ids=[
        "unknown",
        "enum",
        "type",
        "list",
        "required",
        "owner",
        "both forms",
        "id as name",
        "length",
        "pattern",
        "deep",
    ],
)
def test_misfit_names_place_and_remedy(change: tuple[str, str], message: str) -> None:
    """Each misfit is one problem with the place in the object and what to do."""
    broken = ACCOUNT.replace(*change)
    assert broken != ACCOUNT

    result = build_from(GROUP, broken)

    assert START + message in problems_of(result)
    assert [str(state.key) for state in result.states] == ["default/ResourceGroup/rg"]


def test_every_misfit_is_reported() -> None:
    """Several misfits in one object are several problems."""
    broken = ACCOUNT.replace("accessTier", "acessTier").replace("Standard_LRS", "none").replace("StorageV2", "5")

    assert len(build_from(GROUP, broken).problems) == 3


def test_wrong_letter_case_is_converted_with_a_notice() -> None:
    """A member in the wrong letter case is taken as the member that is meant, with a notice."""
    result = build_from(GROUP, ACCOUNT.replace("accessTier", "AccessTier"))

    assert not result.problems
    assert result.states[1].body["properties"] == {"accessTier": "Hot"}
    assert [str(notice) for notice in result.notices] == [
        (
            "t.yaml:6: default/StorageAccount/acct: /spec/AccessTier: 'AccessTier' is spelled 'accessTier'"
            " (an API server accepts only that spelling)"
        )
    ]


def test_strict_refuses_wrong_letter_case() -> None:
    """Under --strict the same is a misfit."""
    result = build_from(GROUP, ACCOUNT.replace("accessTier", "AccessTier"), strict=True)

    assert "'AccessTier' is spelled 'accessTier'" in problems_of(result)[0]


def test_same_member_in_two_letter_cases_is_a_misfit() -> None:
    """A member that is there twice, in two letter cases, is refused: nobody can say which one is meant."""
    result = build_from(GROUP, ACCOUNT.replace("accessTier: Hot", "accessTier: Hot\n  AccessTier: Cool"))

    assert "/spec/AccessTier: 'AccessTier' and 'accessTier' are the same member (keep one)" in problems_of(result)[0]


def test_a_secret_written_in_clear_is_not_repeated() -> None:
    """A password where a reference to a Secret belongs is a misfit whose message does not hold it."""
    server = """
    apiVersion: dbforpostgresql.azure.com/v1api20221201
    kind: FlexibleServer
    metadata: {name: pg}
    spec: {location: w, owner: {name: rg}, administratorLoginPassword: hunter2}
    """

    problems = problems_of(build_from(GROUP, server))

    assert "/spec/administratorLoginPassword: must be an object with name, key, not a text" in problems[0]
    assert "hunter2" not in "".join(problems)


@pytest.mark.parametrize("spec", [None, 5, "text", [], [{}]], ids=repr)
def test_spec_that_is_no_object(spec: object) -> None:
    """A spec that is no object is a misfit, never a crash."""
    account = read_resources(ACCOUNT)[0]
    broken = type(account)(key=account.key, spec=Document(value=spec))

    from tests.whole_input import build_all

    problems = problems_of(build_all([broken], subscription="s"))

    assert any("/spec: must be an object" in problem for problem in problems)


def test_numbers_that_json_cannot_carry() -> None:
    """Infinity, NaN and integers beyond 64 bits are misfits wherever they stand."""
    report = Report()

    for value in (float("nan"), float("inf"), 2**80, {"a": [2**70]}):
        check_any(value, report)

    assert len(report.misfits) == 4


def test_free_form_depth_is_bounded() -> None:
    """Free-form values nested too deep for an encoder are a misfit."""
    value: object = 1
    for _ in range(300):
        value = [value]
    report = Report()

    check_any(value, report)

    assert "nested more than 200 levels" in report.misfits[0].text


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        (r"^\w+$", "ü", False),
        (r"^[a$]+$", "a$", True),
        (r"^a\$$", "a$", True),
    ],
)
def test_patterns_mean_what_they_mean_to_an_api_server(pattern: str, text: str, *, fits: bool) -> None:
    """The end of the text is its very end, and classes are ASCII."""
    compiled = compile_pattern(pattern)

    assert compiled is not None
    assert (compiled.search(text) is not None) is fits


def test_pattern_that_python_cannot_express_is_no_rule() -> None:
    """A pattern of another dialect checks nothing rather than everything."""
    assert compile_pattern(r"\p{L}") is None


@pytest.mark.parametrize("element", ["{}", "{reference: null}", "null"])
def test_element_of_an_id_map_needs_a_reference(element: str) -> None:
    """What becomes a key of a map by id must refer to something; nothing else could fill its place later."""
    account = ACCOUNT.replace(
        "accessTier: Hot", f"identity: {{type: UserAssigned, userAssignedIdentities: [{element}]}}"
    )

    result = build_from(GROUP, account)

    assert "/spec/identity/userAssignedIdentities/0" in problems_of(result)[0]
    assert [str(state.key) for state in result.states] == ["default/ResourceGroup/rg"]
