"""How one emulator runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOptions:
    """What the person who starts it chooses.

    Attributes:
        state: Folder that holds everything it must remember; made when missing.
        port: 0 takes the port of the last run on this folder if it is free, else the system chooses.
        plain_http: ARM without TLS; the token authority keeps HTTPS on a port of its own, as its clients insist.
        latency_ms: Added to every ARM answer.
        page_size: Items per list page; 0 means 1,000 as ARM's generic lists have.
        limits_scale: Factor on ARM's documented request limits; 0 switches refusals off.
        polls: How often an operation answers "running" before it ends.
        retry_after_s: Value of Retry-After while an operation runs; None sends none, -1 what Azure sends.
        token_lifetime_s: How long access tokens are good for.
        busy: Refuse a write while another operation runs on the same network resource, as Azure does.
        keep_bodies: Keep query and body of each write in the record of requests, secrets included.
        subscription: Id to use at the first start; empty makes one.
    """

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    plain_http: bool = False
    latency_ms: int = 0
    page_size: int = 0
    limits_scale: float = 0.0
    polls: int = 1
    retry_after_s: int | None = 1
    token_lifetime_s: int = 3599
    busy: bool = False
    keep_bodies: bool = False
    subscription: str = ""
