"""The environment, read once into a frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_ENDPOINT = "https://management.azure.com"
DEFAULT_AUTHORITY = "https://login.microsoftonline.com"

_CREDENTIAL_NAMES = ("AZURE_", "AUTH_MODE", "USE_WORKLOAD_IDENTITY_AUTH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says.

    Attributes:
        endpoint: ARM's address without trailing slash.
        audience: Resource tokens are asked for; the endpoint unless set.
        authority: The token authority; instance discovery is off when it is not Microsoft's.
        subscription: Default subscription id; empty when not set.
        credential: Every variable a credential is made from; never printed.
        graph_endpoint: Microsoft Graph's address without trailing slash; empty for that of the credential's cloud.
        proxy: Address of an HTTP proxy for ARM; empty for none.
        user_agent_suffix: What requests to Azure say of their sender beside our name.
        colour: NO_COLOR is not set.
    """

    endpoint: str = DEFAULT_ENDPOINT
    audience: str = ""
    authority: str = DEFAULT_AUTHORITY
    subscription: str = ""
    credential: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    graph_endpoint: str = ""
    proxy: str = field(default="", repr=False)
    user_agent_suffix: str = ""
    colour: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the variables that ASO and azure-identity document."""

        def text(name: str, default: str = "") -> str:
            return environment.get(name, "").strip() or default

        endpoint = text("AZURE_RESOURCE_MANAGER_ENDPOINT", DEFAULT_ENDPOINT).rstrip("/")
        authority = text("AZURE_AUTHORITY_HOST", DEFAULT_AUTHORITY).rstrip("/")
        return cls(
            endpoint=endpoint,
            audience=text("AZURE_RESOURCE_MANAGER_AUDIENCE", endpoint).rstrip("/"),
            authority=authority if "://" in authority else f"https://{authority}",
            subscription=text("AZURE_SUBSCRIPTION_ID"),
            credential={k: v for k, v in environment.items() if k.startswith(_CREDENTIAL_NAMES) and v},
            graph_endpoint=text("TRUEUP_GRAPH_ENDPOINT").rstrip("/"),
            ca_file=text("SSL_CERT_FILE") or text("REQUESTS_CA_BUNDLE"),
            proxy=text("HTTPS_PROXY") or text("https_proxy"),
            user_agent_suffix=" ".join(text("AZURE_USER_AGENT_SUFFIX").split()),
            colour=not environment.get("NO_COLOR"),
        )
