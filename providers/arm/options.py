"""Everything the adapter is told; it reads no environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.model.purpose import Purpose

PUBLIC_ENDPOINT: Final = "https://management.azure.com"
USER_AGENT: Final = "trueup"
PUBLIC_AUTHORITY: Final = "https://login.microsoftonline.com"

IN_FLIGHT: Final[Mapping[Purpose, int]] = {
    Purpose.EDIT: 64,
    Purpose.FOLLOW: 64,
    Purpose.POLL: 64,
    Purpose.SWEEP: 8,
}
"""Eight saturate ARM's reads with pages of lists, which are large; small requests that take seconds need more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmOptions:
    """How to reach ARM, as whom, and how hard.

    Attributes:
        endpoint: Scheme and host. ``http://`` is for emulators: a token of Microsoft's is never sent there.
        audience: What tokens are asked for; the endpoint when empty.
        authority: Token authority. Instance discovery is off when it is not Microsoft's.
        credential: Variables as ASO and azure-identity name them (AZURE_*, AUTH_MODE, USE_WORKLOAD_IDENTITY_AUTH).
        ca_file: PEM file that replaces the public certificate authorities, for ARM and for the authority.
        proxy: Address of an HTTP proxy for ARM; empty for none, not used for this machine itself.
        in_flight: Requests at once per subscription and kind, by what they are for. Lists are read as sweeps are.
        total_s: Longest time one request may take, its body included.
        poll_s: The same for a poll, which says little and is asked again.
        on_request: Told of each request: method, URL, status (0 without an answer), seconds.
    """

    endpoint: str = PUBLIC_ENDPOINT
    audience: str = ""
    authority: str = PUBLIC_AUTHORITY
    credential: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    proxy: str = field(default="", repr=False)
    user_agent: str = USER_AGENT
    in_flight: Mapping[Purpose, int] = field(default_factory=lambda: IN_FLIGHT)
    connect_s: float = 10.0
    read_s: float = 60.0
    total_s: float = 180.0
    poll_s: float = 30.0
    on_request: Callable[[str, str, int, float], None] | None = field(default=None, repr=False, compare=False)
    retry_attempts: int = 5
    retry_budget_s: float = 120.0
