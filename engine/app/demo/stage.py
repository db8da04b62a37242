"""The demo's stage: an emulator in a process of its own, commands as a person types them, edits behind the back."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import ssl
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from engine.app.azure import build_arm_options
from engine.app.settings import Settings
from engine.errors import UnavailableError
from engine.model.document import ABSENT
from engine.model.ids import ArmId
from engine.model.plan import Request
from engine.model.result import OperationStatus
from engine.runtime.clock import SystemClock

_SHOWN_WRITES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What the story plays on."""

    emulator: asyncio.subprocess.Process
    environment: Mapping[str, str]
    folder: Path
    out: TextIO

    def say(self, text: str) -> None:
        """Print a line of the story."""
        self.out.write(text + "\n")
        self.out.flush()

    async def type_command(self, arguments: Sequence[str]) -> int:
        """Show a command and run it as a process of its own; its output goes where ours goes.

        Returns:
            Its exit code.
        """
        self.say(f"$ trueup {shlex.join(arguments)}")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "engine",
            *arguments,
            "--state",
            str(self.folder / "state"),
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        async for line in process.stdout:
            self.out.write(line.decode(errors="replace"))
            self.out.flush()
        return await process.wait()

    async def edit(self, requests: Sequence[Request]) -> None:
        """Send requests to Azure as somebody else, past trueup."""
        from providers.arm.adapter import AzureResourceManager

        settings = Settings.from_environment(self.environment)
        clock = SystemClock()
        async with AzureResourceManager(build_arm_options(settings), clock=clock) as azure:
            for request in requests:
                resource = ArmId(request.url.removeprefix(settings.endpoint).split("?")[0])
                progress = await azure.begin(request, resource=resource)
                while progress.status is OperationStatus.RUNNING:
                    await clock.sleep(progress.wait)
                    progress = await azure.poll(progress.token)

    async def show_traffic(self) -> None:
        """Print what reached Azure since the last look: counts, and the writes if they are few."""
        seen = await asyncio.to_thread(self._fetch_traffic)
        counts, writes = seen["counts"], seen["writes"]
        reads = sum(n for method, n in counts.items() if method in ("GET", "HEAD"))
        is_short = 0 < len(writes) <= _SHOWN_WRITES
        self.say(f"\nAzure saw {reads} reads and {len(writes)} writes" + (":" if is_short else "."))
        for write in writes if is_short else ():
            place = write["path"].split("?")[0].partition("/providers/")[2]
            self.say(f"   {write['method']:6} .../{place}")

    async def forget_traffic(self) -> None:
        """Start a new record."""
        await asyncio.to_thread(self._fetch_traffic)

    def _fetch_traffic(self) -> dict[str, Any]:
        """Read the emulator's own record and start a new one."""
        endpoint = self.environment["AZURE_RESOURCE_MANAGER_ENDPOINT"] + "/_emulator/requests"
        trusted = ssl.create_default_context(cafile=self.environment["SSL_CERT_FILE"])
        with urllib.request.urlopen(endpoint, context=trusted, timeout=10) as answer:  # noqa: S310 - our own emulator
            seen: dict[str, Any] = json.load(answer)
        reset = urllib.request.Request(endpoint, method="DELETE")  # noqa: S310 - our own emulator
        urllib.request.urlopen(reset, context=trusted, timeout=10).close()  # noqa: S310 - our own emulator
        return seen

    async def close(self) -> None:
        """Stop the emulator by its process id."""
        if self.emulator.returncode is None:
            self.emulator.terminate()
            await self.emulator.wait()


async def set_stage(folder: Path, out: TextIO) -> Stage:
    """Start an emulator and wait until it is ready.

    Raises:
        UnavailableError: It ended instead.
    """
    emulator = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "engine",
        "emulator",
        "--listen",
        "127.0.0.1:0",
        "--state",
        str(folder / "azure"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert emulator.stdout is not None
    line = await emulator.stdout.readline()
    if not line:
        raise UnavailableError("the emulator did not start", detail=f"it ended with code {await emulator.wait()}")
    ready = json.loads(line)
    environment = {
        "AZURE_RESOURCE_MANAGER_ENDPOINT": ready["arm"],
        "AZURE_RESOURCE_MANAGER_AUDIENCE": ready["arm"],
        "AZURE_AUTHORITY_HOST": ready["authority"],
        "AZURE_TENANT_ID": ready["tenant"],
        "AZURE_CLIENT_ID": ready["client"],
        "AZURE_CLIENT_SECRET": ready["secret"],
        "AZURE_SUBSCRIPTION_ID": ready["subscription"],
        "SSL_CERT_FILE": ready["ca"],
        "REQUESTS_CA_BUNDLE": ready["ca"],
    }
    # azure-identity reads REQUESTS_CA_BUNDLE from the process it runs in: the edits are sent from this one.
    os.environ.update({name: environment[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")})
    return Stage(emulator=emulator, environment=environment, folder=folder, out=out)


def without_body(method: str, url: str) -> Request:
    """Return a request that sends no body."""
    return Request(method=method, url=url, body=ABSENT)
