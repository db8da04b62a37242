"""Requests about Leases on a connection that leads nowhere, and connections that nobody is at the other end of."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.fake_kube import kubeconfig
from engine.cluster.leases import LASTS, HeldLease
from engine.errors import UnavailableError
from providers.kube import leases as module
from providers.kube.access import keepalive
from providers.kube.client import KubeClient
from providers.kube.connect import Connection, connect
from providers.kube.leases import KubeLeases
from tests.fakes import FakeClock


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[KubeClient, socket.socket]]:
    """Return a client of a server that takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(5)
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(kubeconfig(f"http://127.0.0.1:{listener.getsockname()[1]}")))
        client = connect(Connection(kubeconfig=str(path)))
        yield client, listener
        client.close()


@pytest.mark.loopback
@pytest.mark.parametrize("verb", ["read", "write", "remove"])
def test_silence_does_not_cost_the_lease(
    verb: str, silent: tuple[KubeClient, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is not answered is given up while there is time for another, and is sent once."""
    client, listener = silent
    assert LASTS.total_seconds() / 3 >= module.WITHIN_S
    monkeypatch.setattr(module, "WITHIN_S", 0.1)
    leases, lease = KubeLeases(client, "ours", FakeClock()), HeldLease(name="one", version="1")
    calls = {"read": leases.read, "write": lambda: leases.write(lease, "us"), "remove": lambda: leases.remove(lease)}

    with pytest.raises(UnavailableError):
        asyncio.run(calls[verb]())

    first, _ = listener.accept()
    first.close()
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.accept()


def test_connections_are_probed() -> None:
    """The system finds out within a minute that the other end is gone, also where nothing is to be sent."""
    options = {(level, name): value for level, name, value in keepalive()}

    assert options[socket.SOL_SOCKET, socket.SO_KEEPALIVE] == 1
    idle, every, count = (
        options[socket.IPPROTO_TCP, name] for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    )
    assert int(idle) + int(every) * int(count) <= 60
