"""A certificate authority of our own, and a certificate of it for this machine: msal speaks to nobody without."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """`ca_file` is what a client has to trust; `server_file` holds the server's certificate and its key."""

    ca_file: Path
    server_file: Path


def made(folder: Path) -> Certificates:
    """Make both, valid for a day before and after now."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "contactd tests")])
    ca_start = _begun(ca_name, ca_name, ca_key.public_key())
    ca = ca_start.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        ca_key, hashes.SHA256()
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server = _begun(name, ca_name, key.public_key()).add_extension(names, critical=False).sign(ca_key, hashes.SHA256())
    found = Certificates(folder / "ca.pem", folder / "server.pem")
    found.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    key_text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    found.server_file.write_bytes(server.public_bytes(serialization.Encoding.PEM) + key_text)
    return found


def _begun(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
