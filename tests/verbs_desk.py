"""A desk to work at: a folder of manifests, a state folder, the real command line, and Azure as an emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.app.cli import main
from providers.emulator.connection import EmulatorConnection
from tests.conftest import ROOT
from tests.fakes import FakeClock

Object = dict[str, Any]

SECRET_TEXT = "example-Only-77c1d0"
STORAGE_API = "2023-01-01"
NETWORK_API = "2024-03-01"
GROUP_API = "2020-06-01"
TAGS_API = "2021-04-01"
_PATIENCE_S = 120.0
_BY_OTHERS = {"x-ms-emulator-actor": "colleague@contoso.example"}


def make_object(kind: str, group_version: str, name: str, spec: Object, **metadata: Any) -> Object:
    """Return one manifest."""
    group, _, version = group_version.partition("/")
    return {
        "apiVersion": f"{group}.azure.com/{version}",
        "kind": kind,
        "metadata": {"name": name, "namespace": "web", **metadata},
        "spec": spec,
    }


def group(name: str, *, tags: Object | None = None, **metadata: Any) -> Object:
    """Return a resource group."""
    spec = {"location": "westeurope", **({"tags": tags} if tags is not None else {})}
    return make_object("ResourceGroup", "resources/v1api20200601", name, spec, **metadata)


def account(
    name: str, owner: str, *, annotations: Object | None = None, labels: Object | None = None, **spec: Any
) -> Object:
    """Return a storage account."""
    body = {
        "owner": {"name": owner},
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "accessTier": "Hot",
        **spec,
    }
    metadata = {k: v for k, v in (("annotations", annotations), ("labels", labels)) if v}
    return make_object("StorageAccount", "storage/v1api20230101", name, body, **metadata)


def network(name: str, owner: str, **spec: Any) -> Object:
    """Return a virtual network."""
    body = {"owner": {"name": owner}, "location": "westeurope", "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
    return make_object("VirtualNetwork", "network/v1api20240301", name, body | spec)


def subnet(name: str, owner: str, prefix: str) -> Object:
    """Return a subnet."""
    return make_object(
        "VirtualNetworksSubnet", "network/v1api20240301", name, {"owner": {"name": owner}, "addressPrefix": prefix}
    )


def identity(name: str, owner: str) -> Object:
    """Return a user assigned identity: a type without operations and without data."""
    spec = {"owner": {"name": owner}, "location": "westeurope"}
    return make_object("UserAssignedIdentity", "managedidentity/v1api20230131", name, spec)


def server(name: str, owner: str, **spec: Any) -> Object:
    """Return a PostgreSQL server, whose password is in a Secret."""
    body = {
        "owner": {"name": owner},
        "location": "westeurope",
        "version": "14",
        "sku": {"name": "Standard_D4s_v3", "tier": "GeneralPurpose"},
        "administratorLogin": "admin1",
        "administratorLoginPassword": {"name": "database", "key": "password"},
        "storage": {"storageSizeGB": 128},
    }
    return make_object("FlexibleServer", "dbforpostgresql/v1api20221201", name, body | spec)


def secret(text: str = SECRET_TEXT) -> Object:
    """Return the Secret with the server's password."""
    metadata = {"name": "database", "namespace": "web"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": text}}


@dataclass(frozen=True)
class Run:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed as JSON."""
        return json.loads(self.out)

    def step(self, name: str) -> Any:
        """Return the step of the object with this name; the plan was printed as JSON."""
        (found,) = [s for s in self.json["steps"] if s["object"]["name"] == name]
        return found

    def result(self, name: str) -> Any:
        """Return the result of the object with this name; the result was printed as JSON."""
        (found,) = [r for r in self.json["results"] if r["object"]["name"] == name]
        return found

    @property
    def actions(self) -> dict[str, str]:
        """Return the actions of a JSON plan by name of the object."""
        return {s["object"]["name"]: s["action"] for s in self.json["steps"]}


@dataclass
class Azure:
    """Somebody else with a client of Azure, and the emulator's own record."""

    connection: EmulatorConnection

    @property
    def subscription(self) -> str:
        """Return the id of the subscription."""
        return f"/subscriptions/{self.connection.subscription}"

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request; return status and decoded body."""
        data = None if body is None else json.dumps(body).encode()
        known = {"Authorization": "Bearer other", "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.connection.arm + path, data, known, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, raw = answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                status, raw = exc.code, exc.read()
        return status, json.loads(raw) if raw else None

    def wait_for(self, process: subprocess.Popen[bytes], holds: Callable[[Any], bool]) -> None:
        """Look at what arrived until it holds what is waited for, as long as the process that sends it lives."""
        until = time.monotonic() + _PATIENCE_S
        while process.poll() is None and time.monotonic() < until:
            if holds(self.call("GET", "/_emulator/requests")[1]):
                return
        state = "still runs" if process.returncode is None else f"ended with {process.returncode}"
        raise AssertionError(f"the requests did not come; the process {state}")

    def edit(self, method: str, resource: str, body: Any = None, *, api: str = STORAGE_API) -> None:
        """Change a resource as a colleague would, and look until it has settled."""
        status, answer = self.call(method, f"{resource}?api-version={api}", body, headers=_BY_OTHERS)
        assert status < 300, answer
        for _ in range(4):
            self.call("GET", f"{resource}?api-version={api}")

    def edit_tags(self, resource: str, operation: str, tags: Object) -> None:
        """Change tags as the portal does."""
        body = {"operation": operation, "properties": {"tags": tags}}
        url = f"{resource}/providers/Microsoft.Resources/tags/default?api-version={TAGS_API}"
        status, answer = self.call("PATCH", url, body, headers=_BY_OTHERS)
        assert status == 200, answer

    def get(self, resource: str, *, api: str = STORAGE_API) -> Any:
        """Return a resource's body; None when it is not there."""
        status, body = self.call("GET", f"{resource}?api-version={api}")
        return body if status == 200 else None

    def rewrite(self, resource: str, *, api: str, **members: Any) -> None:
        """Let Azure answer with other members than it did, as services do on their own."""
        line = {"id": resource, "api": api, "body": {**self.get(resource, api=api), **members}}
        status, answer = self.call("POST", "/_emulator/bulk", line)
        assert status == 201, answer

    def script(self, *rules: Object) -> None:
        """Say what is to go wrong."""
        status, answer = self.call("POST", "/_emulator/script", list(rules))
        assert status == 201, answer

    def clear_script(self) -> None:
        """Let everything go right again."""
        self.call("DELETE", "/_emulator/script")

    def forget_traffic(self) -> None:
        """Start a new record."""
        self.call("DELETE", "/_emulator/requests")

    @property
    def writes(self) -> list[str]:
        """Return ``METHOD status last-two-segments`` of each write since the record began, operations excluded."""
        _, document = self.call("GET", "/_emulator/requests")
        return [f"{w['method']} {'/'.join(w['path'].split('/')[-2:])} {w['status']}" for w in document["writes"]]

    @property
    def reads(self) -> int:
        """Return how many requests only looked."""
        _, document = self.call("GET", "/_emulator/requests")
        return sum(n for method, n in document["counts"].items() if method in ("GET", "HEAD"))


@dataclass
class Desk:
    """One person's folder and command line."""

    folder: Path
    azure: Azure
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    name: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def manifests(self) -> Path:
        """Return the folder of manifests."""
        return self.folder / "manifests"

    @property
    def state(self) -> Path:
        """Return the state folder."""
        return self.folder / "state"

    @property
    def group_id(self) -> str:
        """Return the id of the desk's own resource group."""
        return f"{self.azure.subscription}/resourceGroups/{self.name}"

    def id_of(self, kind: str, *names: str) -> str:
        """Return the id of a resource in the desk's group: ``account``, ``network``, ``subnet``, ..."""
        return f"{self.group_id}/providers/{_TYPES[kind].format(*names)}"

    def forget_state(self) -> None:
        """Delete the state folder."""
        shutil.rmtree(self.state)

    def write(self, *objects: Object, file: str = "app") -> None:
        """Write a file of manifests; the same file again replaces it."""
        self.manifests.mkdir(exist_ok=True)
        (self.manifests / f"{file}.yaml").write_text(yaml.safe_dump_all(objects))

    def run(self, verb: str, *arguments: str, files: bool = True) -> Run:
        """Run a verb in this process, with time that passes only in sleep."""
        command = self.command(verb, *arguments, files=files)
        self.patch.setattr("engine.app.session.SystemClock", FakeClock)
        with self.patch.context() as patch:
            for name in [n for n in os.environ if n.startswith("AZURE_")]:
                patch.delenv(name)
            for name, value in self.variables().items():
                patch.setenv(name, value)
            self.capture.readouterr()
            code = _exit_code(command)
        printed = self.capture.readouterr()
        return Run(code, printed.out, printed.err)

    def spawn(
        self,
        verb: str,
        *arguments: str,
        files: bool = True,
        state: bool = True,
        stdin: bytes = b"",
        folder: Path = ROOT,
        **more: str,
    ) -> Run:
        """Run a verb as a person does: a process of its own, real time."""
        done = subprocess.run(
            [sys.executable, "-m", "engine", *self.command(verb, *arguments, files=files, state=state)],
            input=stdin,
            capture_output=True,
            env=self.process_environment(**more),
            cwd=folder,
            check=False,
            timeout=60,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def command(self, verb: str, *arguments: str, files: bool = True, state: bool = True) -> list[str]:
        """Return the arguments with the input and the state folder in them."""
        source = ["-f", str(self.manifests)] if files else []
        keeps = (
            state
            and verb in ("plan", "apply", "drift", "explain", "snapshot", "history")
            and "--state" not in arguments
        )
        return [verb, *arguments, *source, *(["--state", str(self.state)] if keeps else [])]

    def variables(self) -> dict[str, str]:
        """Return the variables that lead to the emulator."""
        return {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self.azure.connection.arm,
            "AZURE_SUBSCRIPTION_ID": self.azure.connection.subscription,
            **self.environment,
        }

    def process_environment(self, **more: str) -> dict[str, str]:
        """Return the whole environment of a process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AZURE_")}
        return {**kept, **self.variables(), "PYTHONPATH": str(ROOT), **more}

    def plan(self, *arguments: str) -> Run:
        """Plan as JSON."""
        return self.run("plan", "-o", "json", *arguments)

    def apply(self, *arguments: str, code: int = 0) -> Run:
        """Apply as JSON without being asked, with a new record of what reaches Azure."""
        self.azure.forget_traffic()
        done = self.run("apply", "-o", "json", "--yes", *arguments)
        assert done.code == code, done.out + done.err
        return done

    def apply_while(self, edit: Callable[[], object], *arguments: str) -> Run:
        """Apply as JSON; somebody edits Azure while the question whether to go on is on the screen."""

        def confirm(_plan: object) -> bool:
            edit()
            self.azure.forget_traffic()
            return True

        with self.patch.context() as patch:
            patch.setattr("engine.app.commands.apply._confirm", confirm)
            return self.run("apply", "-o", "json", *arguments)

    def check_clean(self, *arguments: str) -> None:
        """Fail unless a plan finds nothing to do."""
        done = self.run("plan", "--detailed-exitcode", *arguments)
        assert done.code == 0, done.out + done.err


_TYPES = {
    "account": "Microsoft.Storage/storageAccounts/{}",
    "network": "Microsoft.Network/virtualNetworks/{}",
    "subnet": "Microsoft.Network/virtualNetworks/{}/subnets/{}",
    "identity": "Microsoft.ManagedIdentity/userAssignedIdentities/{}",
    "server": "Microsoft.DBforPostgreSQL/flexibleServers/{}",
}


def _exit_code(command: list[str]) -> int:
    try:
        return main(command)
    except SystemExit as exc:
        return int(exc.code or 0)


def walk_files(folder: Path) -> Iterator[bytes]:
    """Yield the content of every file below."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.read_bytes()
