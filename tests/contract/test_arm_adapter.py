"""The ports ``ActualSource`` and ``StepApplier``, on the real adapter over HTTPS against the emulator."""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from engine.errors import EngineError, InvalidSpecError, NotReadyError, PolicyDeniedError, UnavailableError
from engine.model.document import ABSENT
from engine.model.ids import ApiVersion, ArmId
from engine.model.plan import Request
from engine.model.result import OperationProgress, OperationStatus
from engine.model.state import ActualState, Presence
from engine.ports import ReadTarget
from providers.arm.adapter import AzureResourceManager
from providers.arm.options import ArmOptions
from providers.emulator.connection import EmulatorConnection
from providers.emulator.process import emulator_process
from tests.fakes import FakeClock

pytestmark = pytest.mark.loopback

T = TypeVar("T")
STORAGE, STORAGE_API = "Microsoft.Storage/storageAccounts", "2023-01-01"
NETWORK, NETWORK_API = "Microsoft.Network/virtualNetworks", "2023-11-01"
GROUP, GROUP_API = "Microsoft.Resources/resourceGroups", "2021-04-01"


class World:
    """One emulator and ways to speak to it."""

    def __init__(self, connection: EmulatorConnection) -> None:
        self.connection = connection
        self.credential = {
            "AZURE_TENANT_ID": connection.tenant,
            "AZURE_CLIENT_ID": connection.client,
            "AZURE_CLIENT_SECRET": connection.secret,
        }
        self.options = ArmOptions(
            endpoint=connection.arm,
            audience=connection.arm,
            authority=connection.authority,
            ca_file=connection.ca,
            credential=self.credential,
        )

    def target(self, path: str, arm_type: str, api: str) -> ReadTarget:
        resource = ArmId(f"/subscriptions/{self.connection.subscription}{path}")
        return ReadTarget(id=resource, arm_type=arm_type, api_version=ApiVersion(api))

    def storage(self, name: str, group: str = "rg") -> ReadTarget:
        return self.target(f"/resourceGroups/{group}/providers/{STORAGE}/{name}", STORAGE, STORAGE_API)

    def group(self, name: str = "rg") -> ReadTarget:
        return self.target(f"/resourceGroups/{name}", GROUP, GROUP_API)

    def request(self, method: str, target: ReadTarget, body: Any = ABSENT) -> Request:
        url = f"{self.connection.arm}{target.id}?api-version={target.api_version}"
        return Request(method=method, url=url, body=body)

    def run(self, work: Callable[[AzureResourceManager], Awaitable[T]], **changes: Any) -> T:
        async def inside() -> T:
            async with AzureResourceManager(replace(self.options, **changes), FakeClock()) as azure:
                return await work(azure)

        return asyncio.run(inside())

    def write(self, method: str, target: ReadTarget, body: Any = ABSENT) -> list[OperationProgress]:
        """Send a write and follow it to its end."""

        async def work(azure: AzureResourceManager) -> list[OperationProgress]:
            steps = [await azure.begin(self.request(method, target, body), resource=target.id)]
            while steps[-1].status is OperationStatus.RUNNING:
                steps.append(await azure.poll(steps[-1].token))
            return steps

        return self.run(work)

    def observe(self, *targets: ReadTarget) -> tuple[dict[str, ActualState], int]:
        """Return states by name, and how many requests they took."""

        async def work(azure: AzureResourceManager) -> tuple[dict[str, ActualState], int]:
            states = [s async for batch in azure.observe(targets) for s in batch]
            return {s.id.name: s for s in states}, azure.traffic.requests.total()

        return self.run(work)

    def script(self, *rules: dict[str, Any]) -> None:
        self._control("DELETE", "script")
        if rules:
            self._control("POST", "script", orjson.dumps(rules))

    def _control(self, method: str, name: str, body: bytes | None = None) -> None:
        url = f"{self.connection.arm}/_emulator/{name}"
        request = urllib.request.Request(url, data=body, method=method)
        context = ssl.create_default_context(cafile=self.connection.ca)
        urllib.request.urlopen(request, context=context).close()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    arguments = ("--retry-after", "0", "--page-size", "3")
    with emulator_process(tmp_path_factory.mktemp("emulator"), arguments=arguments) as connection:
        yield World(connection)


@pytest.fixture
def world(emulator: World) -> Iterator[World]:
    """Return an emulator that holds the resource group ``rg`` and nothing else."""
    emulator.script()
    emulator.write("PUT", emulator.group(), {"location": "westeurope"})
    yield emulator
    emulator.script()
    emulator.write("DELETE", emulator.group())


ACCOUNT = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}


def test_nothing_there_is_absent_by_one_request(world: World) -> None:
    """In a resource group that does not exist everything is absent, and only the group's list is asked for."""
    states, requests = world.observe(*(world.storage(f"s{n}", "elsewhere") for n in range(9)))

    assert {s.presence for s in states.values()} == {Presence.ABSENT}
    assert requests == 1


def test_written_resources_are_read_by_list(world: World) -> None:
    """What was written is present in the group's list, over as many pages as it takes."""
    targets = [world.storage(f"trueup{n}") for n in range(7)]
    for target in targets:
        world.write("PUT", target, ACCOUNT)

    states, requests = world.observe(*targets)

    documents = [s.document.value for s in states.values() if s.document is not None]
    assert [d["kind"] for d in documents] == ["StorageV2"] * 7
    assert requests == 3


def test_list_and_get_agree(world: World) -> None:
    """A resource read by list and by GET is the same document."""
    first, second = world.storage("trueupa"), world.storage("trueupb")
    world.write("PUT", first, ACCOUNT)
    world.write("PUT", second, ACCOUNT)

    listed, _ = world.observe(first, second)
    single = world.run(lambda azure: azure.fetch(first))

    assert single.document is not None
    assert single.document == listed["trueupa"].document


def test_operations_go_on_and_end(world: World) -> None:
    """A virtual network takes an operation; its token works in another client, as after a restart."""
    network = world.target(f"/resourceGroups/rg/providers/{NETWORK}/net", NETWORK, NETWORK_API)
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    begun = world.run(lambda azure: azure.begin(world.request("PUT", network, body), resource=network.id))
    token = begun.token
    while token:
        progress = world.run(lambda azure, token=token: azure.poll(token))
        token = progress.token

    state = world.run(lambda azure: azure.fetch(network))

    assert begun.status is OperationStatus.RUNNING
    assert progress.status is OperationStatus.SUCCEEDED
    assert state.presence is Presence.PRESENT


def test_deleting_twice_succeeds_twice(world: World) -> None:
    """DELETE of a resource ends with its absence; a second DELETE is a success at once."""
    target = world.storage("trueupgone")
    world.write("PUT", target, ACCOUNT)

    first = world.write("DELETE", target)
    second = world.write("DELETE", target)
    states, _ = world.observe(target)

    assert [first[-1].status, second[-1].status, len(second)] == ["succeeded", "succeeded", 1]
    assert states["trueupgone"].presence is Presence.ABSENT


def test_failed_operation_tells_why(world: World) -> None:
    """An operation that fails in Azure ends as failed with Azure's code and message."""
    network = world.target(f"/resourceGroups/rg/providers/{NETWORK}/bad", NETWORK, NETWORK_API)
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    error = {"code": "InternalServerError", "message": "the datacentre is on fire"}
    world.script({"match": {"method": "PUT", "path_regex": "/bad$"}, "times": 1, "operation_fails": error})

    steps = world.write("PUT", network, body)

    assert steps[-1].status is OperationStatus.FAILED
    assert "the datacentre is on fire" in str(steps[-1].error)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        pytest.param("/resourceGroups/none/providers/{}/x1", ACCOUNT, NotReadyError, id="group-missing"),
        pytest.param("/resourceGroups/rg/providers/{}/x1", {"properties": {}}, InvalidSpecError, id="no-location"),
    ],
)
def test_refusals(world: World, path: str, body: Any, expected: type[EngineError]) -> None:
    """What ARM refuses comes back as the engine error that says what to do."""
    target = world.target(path.format(STORAGE), STORAGE, STORAGE_API)

    with pytest.raises(expected):
        world.write("PUT", target, body)


def test_faults_on_reads_pass(world: World) -> None:
    """Dropped connections, throttling and server errors on reads are ridden out; nothing is called absent."""
    target = world.storage("trueupfault")
    world.write("PUT", target, ACCOUNT)
    world.script(
        {"match": {"method": "GET", "path_regex": "trueupfault"}, "times": 1, "answer": "drop"},
        {"match": {"method": "GET", "path_regex": "trueupfault"}, "times": 1, "answer": {"status": 429}},
        {"match": {"method": "GET", "path_regex": "trueupfault"}, "times": 1, "answer": {"status": 503}},
    )

    state = world.run(lambda azure: azure.fetch(target))

    assert state.presence is Presence.PRESENT


@pytest.mark.parametrize("fault", ["html", "truncate", "drop"])
def test_lasting_faults_are_unreadable(world: World, fault: str) -> None:
    """An endpoint that keeps answering nonsense makes resources unreadable, with the cause in words."""
    targets = [world.storage("trueupx"), world.storage("trueupy")]
    world.write("PUT", targets[0], ACCOUNT)
    world.script({"match": {"method": "GET"}, "times": None, "answer": fault})

    states, _ = world.observe(*targets)

    assert {s.presence for s in states.values()} == {Presence.UNREADABLE}
    assert all(s.cause for s in states.values())


def test_children_of_a_group(world: World) -> None:
    """A group's resources are listed over all pages; a group that does not exist has none."""
    names = [f"trueup{n}" for n in range(5)]
    for name in names:
        world.write("PUT", world.storage(name), ACCOUNT)

    children = world.run(lambda azure: azure.list_children(world.group().id))
    none = world.run(lambda azure: azure.list_children(world.group("elsewhere").id))

    assert children is not None
    assert sorted(c.name for c in children) == names
    assert none == ()


def test_roles_are_found_by_name(world: World) -> None:
    """A built-in role is found by its display name in any letter case; an invented one is not."""
    scope = f"/subscriptions/{world.connection.subscription}"

    found = world.run(lambda azure: azure.find_role_definition(scope, "contributor"))
    missing = world.run(lambda azure: azure.find_role_definition(scope, "King of the 'Hill'"))

    assert found is not None
    assert found.endswith("b24988ac-6180-42a0-ab88-20f7382dd24c")
    assert missing is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AZURE_CLIENT_SECRET", "Canary-4711"),
        ("AZURE_TENANT_ID", "99999999-9999-4999-8999-999999999999"),
        ("AZURE_CLIENT_ID", "x"),
    ],
)
def test_wrong_credentials_are_named(world: World, name: str, value: str) -> None:
    """A wrong credential is refused with the name of the variable to mend and without the secret."""
    credential = world.credential | {name: value}

    with pytest.raises(PolicyDeniedError) as caught:
        world.run(lambda azure: azure.sign_in(), credential=credential)

    assert name in str(caught.value)
    assert credential["AZURE_CLIENT_SECRET"] not in str(caught.value)


def test_other_proofs_of_identity(world: World) -> None:
    """A client certificate and a federated token open the emulator as the secret does."""
    bare = {k: v for k, v in world.credential.items() if k != "AZURE_CLIENT_SECRET"}
    certificate = bare | {"AZURE_CLIENT_CERTIFICATE_PATH": str(world.connection.client_certificate)}
    inline = bare | {"AZURE_CLIENT_CERTIFICATE": Path(world.connection.client_certificate).read_text()}
    federated = bare | {"AZURE_FEDERATED_TOKEN_FILE": str(world.connection.federated_token_file)}

    states = [
        world.run(lambda azure: azure.fetch(world.group()), credential=credential)
        for credential in (certificate, inline, federated)
    ]

    assert [s.presence for s in states] == [Presence.PRESENT] * 3


def test_certificate_authority_is_needed_for_both(world: World) -> None:
    """Without the CA file neither the authority nor ARM is trusted, and the words name the variables."""
    with pytest.raises(UnavailableError, match="SSL_CERT_FILE and REQUESTS_CA_BUNDLE"):
        world.run(lambda azure: azure.sign_in(), ca_file="")
