"""How an API server is reached: its address, connections to it, and what tells it who asks."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from urllib3 import PoolManager
from urllib3.connection import HTTPConnection
from urllib3.util.retry import Retry

_CONNECT_ATTEMPTS: Final = 0
_READ_ATTEMPTS: Final = 2
_THROTTLED_ATTEMPTS: Final = 4
_IDLE_S: Final = 30
_PROBE_EVERY_S: Final = 10
_PROBES: Final = 3

SocketOptions = list[tuple[int, int, int | bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What requests are made with.

    Attributes:
        host: Address without trailing slash.
        pool: Connections; reads are tried again as ``read_retries`` says.
        headers: Returns what every request carries, renewed where it is due; one call at a time.
    """

    host: str
    pool: PoolManager
    headers: Callable[[], Mapping[str, str]]


def keepalive() -> SocketOptions:
    """Return what lets the system notice within a minute that nobody is at the other end of a silent connection."""
    options: SocketOptions = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    probes = {"TCP_KEEPIDLE": _IDLE_S, "TCP_KEEPINTVL": _PROBE_EVERY_S, "TCP_KEEPCNT": _PROBES}
    there = {getattr(socket, name): value for name, value in probes.items() if hasattr(socket, name)}
    return [*options, *((socket.IPPROTO_TCP, number, value) for number, value in there.items())]


def read_retries() -> Retry:
    """Return how often a read is tried again before its failure counts."""
    return Retry(
        total=_THROTTLED_ATTEMPTS,
        connect=_CONNECT_ATTEMPTS,
        read=_READ_ATTEMPTS,
        status=_THROTTLED_ATTEMPTS,
        redirect=False,
        raise_on_status=False,
    )
