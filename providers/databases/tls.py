"""Whom servers must prove to be: no session is ever in plain text, and every certificate is checked."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from engine.errors import InvalidSpecError


def authorities(ca_file: str) -> Path:
    """Return the file of certificate authorities: the given one, or the public ones."""
    return Path(ca_file or certifi.where())


def build_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that checks certificate and name of a server.

    Raises:
        InvalidSpecError: The file is missing or holds no certificate.
    """
    path = authorities(ca_file)
    try:
        context = ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as exc:
        raise InvalidSpecError(
            "The file of certificate authorities cannot be used",
            detail=f"{path}: {exc.strerror or exc}",
            hint="SSL_CERT_FILE must name a PEM file",
        ) from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
