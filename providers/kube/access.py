"""How an API server is reached: its address, connections to it, and what tells it who asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from urllib3 import PoolManager
from urllib3.util.retry import Retry

_CONNECT_ATTEMPTS: Final = 0
_READ_ATTEMPTS: Final = 2
_THROTTLED_ATTEMPTS: Final = 4


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
