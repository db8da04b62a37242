"""The key of the hashes of secrets, in a Secret that restarts and replicas share. Blocking."""

from __future__ import annotations

import re
import secrets
from typing import Final

from engine.errors import ConflictError, InvalidSpecError
from engine.model.document import Secret, encode_wire
from providers.kube.client import KubeClient, NotFoundError
from providers.kube.decode import decode_secret
from providers.kube.versions import OWN_MANAGER

NAME: Final = "trueup-hash-key"
_MEMBER: Final = "key"
_BYTES: Final = 32
_HEX: Final = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}")


def read_hash_key(client: KubeClient, namespace: str) -> bytes | None:
    """Return the key; None while there is none.

    Raises:
        InvalidSpecError: The Secret holds something else; it is left as it is.
        EngineError: It may not or cannot be read.
    """
    path = f"/api/v1/namespaces/{namespace}/secrets/{NAME}"
    try:
        values, _ = decode_secret(client.get(path), path)
    except NotFoundError:
        return None
    text = values[_MEMBER].reveal() if _MEMBER in values else ""
    if not _HEX.fullmatch(text):
        raise InvalidSpecError(
            f"Secret {namespace}/{NAME} holds no key",
            hint="delete it: a new one is made, and secrets are sent once more",
        )
    return bytes.fromhex(text)


def ensure_hash_key(client: KubeClient, namespace: str) -> bytes:
    """Return the key; make it where there is none. Of two pods that make it at once one is believed.

    Raises:
        EngineError: It may not or cannot be read or made, or the Secret holds something else.
    """
    found = read_hash_key(client, namespace)
    if found is not None:
        return found
    key = secrets.token_bytes(_BYTES)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespace},
        "stringData": {_MEMBER: Secret(key.hex())},
    }
    path = f"/api/v1/namespaces/{namespace}/secrets"
    try:
        client.send("POST", path, encode_wire(body), query={"fieldManager": OWN_MANAGER})
    except ConflictError:
        return read_hash_key(client, namespace) or key
    return key
