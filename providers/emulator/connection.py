"""What a client must know to talk to a running emulator, and what an emulator remembers of itself."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

_IDENTITY_FILE = "identity.json"
_PORTS_FILE = "ports.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorConnection:
    """The line that is printed when the emulator is ready. ``secret`` opens an emulator, nothing else.

    Attributes:
        arm: Address of ARM without trailing slash.
        authority: Address of the token authority; always https.
        ca: Path of the certificate authority's certificate (PEM).
    """

    arm: str
    authority: str
    ca: str
    tenant: str
    client: str
    secret: str
    subscription: str

    def as_json(self) -> bytes:
        """Return the ready line, without line end."""
        return orjson.dumps(asdict(self))

    def environment(self) -> Mapping[str, str]:
        """Return the variables that azure-identity, the ARM SDKs and Trueup read."""
        return {
            "AZURE_RESOURCE_MANAGER_ENDPOINT": self.arm,
            "AZURE_RESOURCE_MANAGER_AUDIENCE": self.arm,
            "AZURE_AUTHORITY_HOST": self.authority,
            "AZURE_TENANT_ID": self.tenant,
            "AZURE_CLIENT_ID": self.client,
            "AZURE_CLIENT_SECRET": self.secret,
            "AZURE_SUBSCRIPTION_ID": self.subscription,
            "SSL_CERT_FILE": self.ca,
            "REQUESTS_CA_BUNDLE": self.ca,
        }

    @property
    def client_certificate(self) -> Path:
        """Return the PEM file (key and certificate) the authority accepts instead of the secret."""
        return Path(self.ca).with_name("client.pem")

    @property
    def federated_token_file(self) -> Path:
        """Return the file with a token the authority accepts as a federated credential."""
        return Path(self.ca).with_name("federated.jwt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the emulator's tenant, application and subscription are; made once per state folder.

    Attributes:
        object_id: Object id of the application's service principal, as tokens carry it.
        signing_key: Key (hex) for tokens and operation URLs.
    """

    tenant: str
    client: str
    secret: str
    subscription: str
    object_id: str
    signing_key: str


def load_identity(state: Path, subscription: str) -> Identity:
    """Return the identity of a state folder; the first call makes and stores it.

    Args:
        state: The state folder; must exist.
        subscription: Subscription id for a new identity; empty makes one.
    """
    path = state / _IDENTITY_FILE
    if path.exists():
        return Identity(**orjson.loads(path.read_bytes()))
    identity = Identity(
        tenant=str(uuid.uuid4()),
        client=str(uuid.uuid4()),
        secret=secrets.token_urlsafe(30),
        subscription=subscription or str(uuid.uuid4()),
        object_id=str(uuid.uuid4()),
        signing_key=secrets.token_hex(32),
    )
    write_private(path, orjson.dumps(asdict(identity), option=orjson.OPT_INDENT_2))
    return identity


def load_ports(state: Path) -> dict[str, int]:
    """Return the ports that the system chose for this folder last; none when they are not known."""
    try:
        ports = orjson.loads((state / _PORTS_FILE).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    known = ports.items() if isinstance(ports, dict) else ()
    return {name: port for name, port in known if type(port) is int and 0 < port < 65_536}


def save_ports(state: Path, ports: Mapping[str, int]) -> None:
    """Remember the ports for the next start."""
    write_private(state / _PORTS_FILE, orjson.dumps(ports))


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner can read, whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    temporary.replace(path)
