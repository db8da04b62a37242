"""Drives the emulator without a network: requests are values, answers too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from providers.emulator.emulator import Emulator
from providers.emulator.gateway import Request
from providers.emulator.options import EmulatorOptions
from tests.fakes import FakeClock

BASE = "https://emulator.test"
RESOURCES = "2021-04-01"
NETWORK = "2024-03-01"
STORAGE = "2023-01-01"


@dataclass(frozen=True)
class Reply:
    """One answer, decoded."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        """Return the error code; empty for a success."""
        return str(self.body.get("error", {}).get("code", "")) if isinstance(self.body, dict) else ""


class Arm:
    """A client with a good token."""

    def __init__(self, options: EmulatorOptions, clock: FakeClock | None = None) -> None:
        """Open the state folder."""
        self.clock = clock or FakeClock()
        self.emulator = Emulator(options, self.clock)
        self.emulator.serve_at(BASE)
        self.subscription = f"/subscriptions/{self.emulator.identity.subscription}"
        self.token = self.fetch_token()

    def fetch_token(self) -> str:
        """Return an access token for ARM."""
        identity = self.emulator.identity
        return self.emulator._vault.issue(BASE, self.clock.now(), timedelta(seconds=3599)) if identity else ""

    def send(
        self, method: str, path: str, body: Any = None, *, api: str = RESOURCES, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send one request; ``path`` may be a whole address with query, then ``api`` is not added."""
        parts = urlsplit(path)
        query = {k.lower(): v for k, v in parse_qsl(parts.query, keep_blank_values=True)}
        if api and "api-version" not in query:
            query["api-version"] = api
        raw = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        known = {"authorization": f"Bearer {self.token}"} | {k.lower(): v for k, v in (headers or {}).items()}
        answer = self.emulator.arm(Request(method, parts.path, query, known, raw, BASE))
        return Reply(answer.status, dict(answer.headers), orjson.loads(answer.body) if answer.body else None)

    def control(self, method: str, name: str, body: Any = None) -> Any:
        """Call the control API."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        answer = self.emulator.control(Request(method, f"/_emulator/{name}", {}, {}, raw, BASE))
        assert answer.status < 300, answer.body
        return orjson.loads(answer.body) if answer.body else None

    def get(self, path: str, *, api: str = RESOURCES) -> Reply:
        """Send GET."""
        return self.send("GET", path, api=api)

    def put(self, path: str, body: Any, *, api: str = RESOURCES, headers: dict[str, str] | None = None) -> Reply:
        """Send PUT."""
        return self.send("PUT", path, body, api=api, headers=headers)

    def delete(self, path: str, *, api: str = RESOURCES) -> Reply:
        """Send DELETE."""
        return self.send("DELETE", path, api=api)

    def make_group(self, name: str = "rg", **members: Any) -> str:
        """Create a resource group and return its id."""
        group = f"{self.subscription}/resourceGroups/{name}"
        assert self.put(group, {"location": "westus2", **members}).status == 201
        return group

    def make_network(self, group: str, name: str = "vnet", *, subnets: tuple[str, ...] = ()) -> str:
        """Create a settled virtual network and return its id."""
        network = f"{group}/providers/Microsoft.Network/virtualNetworks/{name}"
        body = {
            "location": "westus2",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
                "subnets": [
                    {"name": s, "properties": {"addressPrefix": f"10.0.{i}.0/24"}} for i, s in enumerate(subnets)
                ],
            },
        }
        assert self.put(network, body, api=NETWORK).status == 201
        self.settle(network, api=NETWORK)
        return network

    def settle(self, resource: str, *, api: str) -> dict[str, Any]:
        """Look until the state is final; return the body."""
        for _ in range(10):
            body: dict[str, Any] = self.get(resource, api=api).body
            if body.get("properties", {}).get("provisioningState", "Succeeded") in ("Succeeded", "Failed"):
                return body
        raise AssertionError(f"{resource} does not settle")

    def settle_delete(self, resource: str, *, api: str) -> None:
        """Delete and look until it is gone."""
        reply = self.delete(resource, api=api)
        assert reply.status < 300, reply.body
        for _ in range(10):
            if self.get(resource, api=api).status == 404:
                return
        raise AssertionError(f"{resource} does not go")

    def close(self) -> None:
        """Release the state folder."""
        self.emulator.close()
