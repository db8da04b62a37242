"""Which host tokens may go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlsplit

from engine.errors import InvalidSpecError, PolicyDeniedError
from engine.model.ids import ApiVersion, ArmId

_PORTS = {"https": 443, "http": 80}
SAFE_IN_PATH: Final = "/()~'!*$,;:@&=+-._"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port of the endpoint; requests go nowhere else."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, endpoint: str) -> Self:
        """Read an endpoint.

        Raises:
            InvalidSpecError: It is not an http or https address of a host alone.
        """
        try:
            parts = urlsplit(endpoint)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            parts, port = urlsplit(""), 0
        is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
        if not (port and parts.hostname and is_bare):
            raise InvalidSpecError(
                "The Azure Resource Manager endpoint is not usable",
                detail=endpoint,
                hint="set AZURE_RESOURCE_MANAGER_ENDPOINT to an address such as https://management.azure.com",
            )
        return cls(scheme=parts.scheme, host=parts.hostname, port=port)

    @property
    def is_plain(self) -> bool:
        """Whether the traffic is not encrypted."""
        return self.scheme == "http"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, where no proxy leads."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @property
    def text(self) -> str:
        """Return the address without trailing slash and without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    def localize(self, url: str) -> str | None:
        """Return the URL in this origin's own spelling; None when it is relative or leads to another host."""
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError:
            return None
        if (parts.scheme, (parts.hostname or ""), port) != (self.scheme, self.host, self.port) or "@" in parts.netloc:
            return None
        return f"{self.text}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")

    def require(self, url: str) -> str:
        """Return an absolute URL on this origin; a path alone is completed.

        Raises:
            PolicyDeniedError: It leads to another host, or its path climbs.
        """
        local = self.text + url if url.startswith("/") and not url.startswith("//") else self.localize(url)
        if local is None:
            raise PolicyDeniedError(
                "A request to another host was refused",
                detail=f"{_host(url)} is not {self.host}",
                hint="tokens are only sent to the endpoint of AZURE_RESOURCE_MANAGER_ENDPOINT",
            )
        path = local.partition("?")[0]
        if "/../" in f"{path}/" or "/./" in f"{path}/":
            raise PolicyDeniedError("A request whose path climbs was refused", detail=path)
        return local

    def resource_url(self, resource: ArmId, api_version: ApiVersion, *, below: str = "") -> str:
        """Return the URL of a resource, or of something below it."""
        return f"{self.text}{quote(resource.text, safe=SAFE_IN_PATH)}{below}?api-version={api_version}"


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or url.partition("?")[0]
    except ValueError:
        return "an unreadable address"
