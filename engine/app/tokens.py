"""Tokens for what is not Azure Resource Manager, with the credentials of the objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from engine.app.credentials import CredentialBook
from engine.model.document import Secret
from engine.model.group import GraphAccess
from engine.model.state import CustomResource
from engine.ports import Clock

if TYPE_CHECKING:
    from providers.arm.options import ArmOptions
    from providers.arm.token import TokenCell

_PUBLIC: Final = ("https://ossrdbms-aad.database.windows.net", "https://graph.microsoft.com")
_CLOUDS: Final = {
    "login.microsoftonline.us": (
        "https://ossrdbms-aad.database.usgovcloudapi.net",
        "https://graph.microsoft.us",
    ),
    "login.partner.microsoftonline.cn": (
        "https://ossrdbms-aad.database.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
    ),
}


class TokenBook:
    """Keeps one token per credential and audience."""

    def __init__(self, book: CredentialBook, graph_endpoint: str, clock: Clock) -> None:
        """Fetch nothing yet; ``graph_endpoint`` is empty for the Graph of each credential's own cloud."""
        self._book = book
        self._graph_endpoint = graph_endpoint
        self._clock = clock
        self._cells: dict[tuple[str, str, tuple[tuple[str, str], ...]], TokenCell] = {}

    async def database_token(self, resource: CustomResource) -> tuple[Secret, str]:
        """Return a token that database servers take as a password, and which Secret the credential came from."""
        options, source = await self._book.options_of(resource)
        databases, _ = _cloud_of(options)
        return await self._token(options, databases), source

    async def graph(self, resource: CustomResource) -> tuple[GraphAccess, str]:
        """Return where Microsoft Graph is and what lets in, and which Secret the credential came from."""
        options, source = await self._book.options_of(resource)
        endpoint = self._graph_endpoint or _cloud_of(options)[1]
        # No real token belongs on a line that is not encrypted; only an emulator answers there.
        is_plain = endpoint.startswith("http://")
        token = Secret("plain-http") if is_plain else await self._token(options, endpoint)
        return GraphAccess(endpoint=endpoint, token=token), source

    async def _token(self, options: ArmOptions, audience: str) -> Secret:
        from providers.arm.auth import build_authorizer
        from providers.arm.token import TokenCell

        key = (audience, options.authority, tuple(sorted(options.credential.items())))
        if key not in self._cells:
            authorizer = build_authorizer(replace(options, audience=audience))
            self._cells[key] = TokenCell(authorizer.fetch, self._clock)
        headers = await self._cells[key].headers()
        return Secret(headers["authorization"].removeprefix("Bearer "))


def _cloud_of(options: ArmOptions) -> tuple[str, str]:
    return _CLOUDS.get(urlsplit(options.authority).hostname or "", _PUBLIC)
