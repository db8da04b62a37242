"""The certificate authority the emulator makes for itself, its server certificate, and a client's certificate."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from providers.emulator.connection import write_private

_CA = "ca.pem"
_CA_KEY = "ca-key.pem"
_SERVER = "server.pem"
_CLIENT = "client.pem"
_LIFETIME = timedelta(days=825)
_RENEW_BEFORE = timedelta(days=30)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def ensure_certificates(state: Path, now: datetime) -> Path:
    """Make what is missing or about to expire; return the path of the authority's certificate."""
    ca = state / _CA
    if _expires_soon(ca, now):
        _make_authority(state, now)
        (state / _SERVER).unlink(missing_ok=True)
    if _expires_soon(state / _SERVER, now):
        _make_server(state, now)
    if _expires_soon(state / _CLIENT, now):
        _make_client(state, now)
    return ca


def server_context(state: Path) -> ssl.SSLContext:
    """Return the TLS context of the listeners; ``ensure_certificates`` must have run."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(state / _SERVER)
    context.set_alpn_protocols(["http/1.1"])
    return context


def client_certificate(state: Path) -> x509.Certificate:
    """Return the certificate whose key may sign client assertions."""
    return x509.load_pem_x509_certificate((state / _CLIENT).read_bytes())


def _expires_soon(path: Path, now: datetime) -> bool:
    if not path.exists():
        return True
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    return certificate.not_valid_after_utc - _RENEW_BEFORE < now


def _make_authority(state: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Trueup emulator CA")
    certificate = (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    write_private(state / _CA_KEY, _pem(key))
    (state / _CA).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _make_server(state: Path, now: datetime) -> None:
    authority = x509.load_pem_x509_certificate((state / _CA).read_bytes())
    authority_key = serialization.load_pem_private_key((state / _CA_KEY).read_bytes(), None)
    if not isinstance(authority_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{state / _CA_KEY} does not hold the key that was written there")
    key = ec.generate_private_key(ec.SECP256R1())
    hosts = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    certificate = (
        _builder(_name("localhost"), authority.subject, key, now)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    write_private(state / _SERVER, _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _make_client(state: Path, now: datetime) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = _name("Trueup emulator client")
    certificate = _builder(name, name, key, now).sign(key, hashes.SHA256())
    write_private(state / _CLIENT, _pem(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
