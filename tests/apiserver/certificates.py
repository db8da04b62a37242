"""A certificate authority for one control plane, made anew for every run."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=7)
_LOOPBACK = ipaddress.ip_address("127.0.0.1")


class Authority:
    """Signs certificates into a folder; ``NAME.crt`` and ``NAME.key`` in PEM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("trueup test authority", ())
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = _builder(self._name, self._name, self._key).add_extension(constraints, critical=True)
        self.path = self._write("ca", made, self._key)

    def issue(
        self, name: str, common: str, *, groups: Sequence[str] = (), hosts: Sequence[x509.GeneralName] = ()
    ) -> Path:
        """Make a certificate for a client of this name in these groups, good for a server on this machine as well.

        Args:
            name: Of the files.
            common: Name of the client.
            groups: Of the client.
            hosts: Names of a server, where it is not one of this machine.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        here = (x509.DNSName("localhost"), x509.DNSName("kubernetes.default.svc"), x509.IPAddress(_LOOPBACK))
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = _builder(_name(common, groups), self._name, key)
        made = made.add_extension(x509.SubjectAlternativeName(hosts or here), critical=False)
        return self._write(name, made.add_extension(x509.ExtendedKeyUsage(usage), critical=False), key)

    def key_pair(self, name: str) -> tuple[Path, Path]:
        """Make a key without a certificate; return its public and its private file."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = self._folder / f"{name}.pub"
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        return public, self._write_key(name, key)

    def _write(self, name: str, made: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> Path:
        path = self._folder / f"{name}.crt"
        path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self._write_key(name, key)
        return path

    def _write_key(self, name: str, key: ec.EllipticCurvePrivateKey) -> Path:
        path = self._folder / f"{name}.key"
        path.touch(mode=0o600)
        form = serialization.PrivateFormat.PKCS8
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return path


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(common: str, groups: Sequence[str]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    return x509.Name([*parts, *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, g) for g in groups)])
