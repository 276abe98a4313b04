# SPDX-License-Identifier: Apache-2.0
"""A cluster's certificates: one authority, and a client or server certificate for everybody who speaks in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relocate.demo.certificates import self_signed, unsigned, write_key

_SERVER_AND_CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
LIFE = timedelta(days=30)
"""A development cluster is not kept longer."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs for one cluster."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: where every file is put."""
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("testbed authority", ())
        self.pair = self._keep("ca", self_signed(self._name, self._key, LIFE), self._key)

    def issue(self, file: str, user: str, groups: Sequence[str] = (), names: Sequence[str] = ()) -> Pair:
        """A certificate for a user (in Kubernetes: common name and organisations), or for a server with these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        # RFC 5280, 4.2.1.1: without the second, whoever is strict, as Python is from 3.13, does not believe it.
        builder = (
            unsigned(_name(user, groups), self._name, key.public_key(), LIFE)
            .add_extension(_SERVER_AND_CLIENT, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(one) for one in names]), False)
        return self._keep(file, builder.sign(self._key, hashes.SHA256()), key)

    def signing_key(self, file: str) -> Pair:
        """A key pair for tokens: the public half is no certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        pair = Pair(self._folder / f"{file}.pub", self._folder / f"{file}.key")
        public = serialization.PublicFormat.SubjectPublicKeyInfo
        pair.certificate.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, public))
        write_key(pair.key, key)
        return pair

    def _keep(self, file: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
        pair = Pair(self._folder / f"{file}.crt", self._folder / f"{file}.key")
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        write_key(pair.key, key)
        return pair


def _name(common: str, organisations: Sequence[str]) -> x509.Name:
    own = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organisations]
    return x509.Name([*own, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
