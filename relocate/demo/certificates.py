# SPDX-License-Identifier: Apache-2.0
"""Certificates for the demo and for trials: an authority of their own, and what it signs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=2)
_SERVER_AND_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files."""

    ca: Path
    cert: Path
    key: Path


class Authority:
    """Signs for servers, and for clients that show who they are. Its key is kept in memory only."""

    def __init__(self, name: str, life: timedelta = LIFE) -> None:
        """Args: name: of the authority; life: of everything that it signs, from now on."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = _name(name)
        self._life = life
        self.certificate = _pem(self_signed(self._issuer, self._key, life))
        """PEM."""

    def issue(self, hosts: Sequence[str]) -> tuple[str, ec.EllipticCurvePrivateKey]:
        """A certificate for these names, PEM, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        signed = (
            unsigned(_name(hosts[0]), self._issuer, key.public_key(), self._life)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=False), critical=True)
            .add_extension(_SERVER_AND_CLIENT, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _pem(signed), key


def issue(folder: Path, hosts: Sequence[str]) -> Certificates:
    """Make an authority and a certificate for `hosts` in `folder`."""
    authority = Authority("relocate demo authority")
    certificate, key = authority.issue(hosts)
    made = Certificates(ca=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")
    made.ca.write_text(authority.certificate)
    made.cert.write_text(certificate)
    write_key(made.key, key)
    return made


def write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """As PEM, for its owner alone."""
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta = LIFE
) -> x509.CertificateBuilder:
    """A certificate that is valid from now on, to be completed and signed."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
    )


def self_signed(name: x509.Name, key: ec.EllipticCurvePrivateKey, life: timedelta = LIFE) -> x509.Certificate:
    """An authority's own certificate."""
    return (
        unsigned(name, name, key.public_key(), life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """What a key may be used for: signatures, and those of certificates if it is an authority's."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
