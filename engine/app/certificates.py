"""The certificate of the pod's own endpoint: one from a folder, or one of its own that never touches a disk."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from engine.errors import InvalidSpecError
from engine.ports import Clock

CERTIFICATE, KEY = "tls.crt", "tls.key"
"""What Secrets of type ``kubernetes.io/tls`` call them."""
_LIFETIME: Final = timedelta(days=90)
_RENEW_AFTER: Final = timedelta(days=60)


def own_certificate(clock: Clock) -> ssl.SSLContext:
    """Return the context of a certificate that is made now, and made anew long before it expires."""
    until = clock.monotonic()
    lasts = _RENEW_AFTER.total_seconds()

    def renew() -> ssl.SSLContext | None:
        nonlocal until
        if clock.monotonic() < until:
            return None
        until = clock.monotonic() + lasts
        with _as_file(_self_signed(clock.now())) as path:
            return _load(path, path)

    return _renewed(renew)


def certificate_of(option: str, folder: Path) -> ssl.SSLContext:
    """Return the context of the certificate in a folder; who replaces the files needs no restart.

    Files that cannot be used at a later time leave the certificate as it was.

    Raises:
        InvalidSpecError: They cannot be used now.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    seen: tuple[int, ...] = ()

    def renew() -> ssl.SSLContext | None:
        nonlocal seen
        now = tuple(p.stat().st_mtime_ns for p in (certificate, key))
        if now == seen:
            return None
        seen = now
        return _load(certificate, key)

    try:
        return _renewed(renew)
    except (OSError, ssl.SSLError) as exc:
        raise InvalidSpecError(
            f"{option}: {folder} holds no certificate that can be used",
            detail=f"{CERTIFICATE} and {KEY}: {exc.strerror or exc}",
            hint="both in PEM, as in a Secret of type kubernetes.io/tls",
        ) from exc


def _renewed(renew: Callable[[], ssl.SSLContext | None]) -> ssl.SSLContext:
    """Return a context that asks before every handshake whether there is a newer one."""
    first = renew()
    assert first is not None
    newest = first

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        nonlocal newest
        with contextlib.suppress(OSError, ssl.SSLError):
            newest = renew() or newest
        connection.context = newest

    first.sni_callback = choose
    return first


def _load(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[Path]:
    """Give bytes a path for a while: in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("certificate"), "wb") as file:
            file.write(content)
            file.flush()
            yield Path(f"/proc/self/fd/{file.fileno()}")
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def _self_signed(now: datetime) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trueup")])
    hosts = [x509.DNSName(host) for host in ("localhost", socket.gethostname())]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return made.public_bytes(pem) + key.private_bytes(pem, form, bare)
