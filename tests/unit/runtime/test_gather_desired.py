"""From a source to desired states."""

from __future__ import annotations

import asyncio

import pytest

from engine.desired.index import Index
from engine.errors import PolicyDeniedError, UnavailableError
from engine.runtime.desired import gather_desired, gather_inputs
from providers.manifests.source import ManifestSource
from tests.manifest_cases import ACCOUNT, GROUP, SUBSCRIPTION
from tests.unit.desired.test_convert import ROLE, SERVER
from tests.unit.desired.test_identity import ADMIN

SECRET = "{apiVersion: v1, kind: Secret, metadata: {name: pg-admin}, stringData: {password: hunter2}}"
CONFIG_MAP = "{apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {principalId: p-1}}"


class Roles:
    """Azure, as far as roles go."""

    def __init__(self) -> None:
        """Start unasked."""
        self.asked: list[tuple[str, str]] = []

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Know one role."""
        self.asked.append((scope, role_name))
        return "/providers/Microsoft.Authorization/roleDefinitions/r-1" if role_name == "Reader" else None


def _source(*texts: str) -> ManifestSource:
    return ManifestSource(["-"], read_stdin=lambda: "\n---\n".join(texts).encode())


def test_inputs_of_the_source_are_used() -> None:
    """Secrets, config maps and names out of config maps come from the same source as the objects."""
    result = asyncio.run(gather_desired(_source(GROUP, SERVER, ADMIN, SECRET, CONFIG_MAP), subscription=SUBSCRIPTION))

    server, admin, _ = sorted(result.states, key=lambda state: state.key.kind)[:3]
    assert server.body["properties"]["administratorLoginPassword"].reveal() == "hunter2"
    assert str(admin.id).endswith("/administrators/p-1")
    assert not [wait for state in result.states for wait in state.waits]


def test_roles_are_asked_for_once_each() -> None:
    """A role's name is looked up at the subscription, once however many objects use it."""
    azure = Roles()
    second = ROLE.replace("{name: reader}", "{name: reader-2}")

    result = asyncio.run(
        gather_desired(_source(GROUP, ROLE, second, CONFIG_MAP), subscription=SUBSCRIPTION, azure=azure)
    )

    assert azure.asked == [(f"/subscriptions/{SUBSCRIPTION}", "Reader")]
    roles = [state for state in result.states if state.key.kind == "RoleAssignment"]
    assert all(state.body["properties"]["roleDefinitionId"].endswith("/roleDefinitions/r-1") for state in roles)


def test_problems_have_the_line_of_the_place() -> None:
    """A problem of reading and one of building both say where, the second with the line of the very member."""
    broken = ACCOUNT.replace("accessTier", "acessTier").strip()

    result = asyncio.run(gather_desired(_source("a: [", GROUP.strip(), broken), subscription=SUBSCRIPTION))

    assert [problem.origin for problem in result.problems] == ["-:2", "-:15"]
    assert [str(state.key) for state in result.states] == ["default/ResourceGroup/rg"]


def test_errors_of_the_source_end_it() -> None:
    """A source that cannot be asked ends the run with its own error."""

    class Broken(ManifestSource):
        async def fetch_secret(self, namespace: str, name: str) -> None:
            raise UnavailableError(f"cannot read {namespace}/{name}")

    source = Broken(["-"], read_stdin=lambda: f"{GROUP}\n---\n{SERVER}".encode())

    with pytest.raises(UnavailableError):
        asyncio.run(gather_desired(source, subscription=SUBSCRIPTION))


def test_inputs_may_be_gathered_for_some_objects() -> None:
    """Only what the given objects want is fetched."""
    source = _source(GROUP, SERVER, SECRET)
    resources = asyncio.run(source.list_resources())

    inputs = asyncio.run(gather_inputs(source, resources[:1], azure=None, index=Index.build(resources)))

    assert not inputs.secrets


def test_a_role_that_may_not_be_looked_up_stops_no_other_object() -> None:
    """Where roles cannot be read, what needs one waits with the reason, and the others are built."""

    class Refusing(Roles):
        async def find_role_definition(self, scope: str, role_name: str) -> str | None:
            raise PolicyDeniedError("Azure refused the look-up", detail="AuthorizationFailed")

    result = asyncio.run(gather_desired(_source(GROUP, ROLE, CONFIG_MAP), subscription=SUBSCRIPTION, azure=Refusing()))

    assert not result.problems
    waits = [wait.text for state in result.states for wait in state.waits]
    assert len(result.states) == 2
    assert any("'Reader'" in text and "AuthorizationFailed" in text for text in waits)
