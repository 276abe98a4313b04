# SPDX-License-Identifier: Apache-2.0
"""Authorities, and certificates of callers as they should be and as they should not."""

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from relocate.demo.certificates import self_signed, write_key

HOUR = timedelta(hours=1)
CALLER = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
HERE: Sequence[x509.GeneralName] = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")))


class Pair(NamedTuple):
    """PEM files."""

    certificate: Path
    key: Path

    def replaced_by(self, other: "Pair") -> None:
        """The same paths hold the other's files from now on, each put there at once."""
        for mine, theirs in zip(self, other, strict=True):
            theirs.replace(mine)


class Authority:
    """Signs whatever a test wants."""

    def __init__(self, folder: Path, name: str) -> None:
        """Args: folder: of all files; name: of the authority."""
        self._folder = folder
        self._numbers = count(1)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _called(name)
        self.called = name
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self_signed(self._name, self._key).public_bytes(Encoding.PEM))

    def issue(
        self,
        *names: x509.GeneralName,
        common: str = "",
        begins: timedelta = -HOUR,
        ends: timedelta = HOUR,
        uses: ObjectIdentifier = CALLER,
    ) -> Pair:
        """A certificate of these alternative names, and of a common name that says nothing; from and until so long from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_called(common or "caller"))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.ExtendedKeyUsage([uses]), critical=False)
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        number = next(self._numbers)
        pair = Pair(*(self._folder / f"{self.called}-{number}.{part}" for part in ("crt", "key")))
        pair.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        write_key(pair.key, key)
        return pair

    def named(self, name: str) -> Pair:
        """A caller's, of one name: a URI or of DNS."""
        kind = x509.UniformResourceIdentifier if ":" in name else x509.DNSName
        return self.issue(kind(name))

    def context(self, shown: Pair | None = None) -> ssl.SSLContext:
        """Of a caller who trusts this authority, and shows that, or nothing."""
        made = ssl.create_default_context(cafile=self.file)
        if shown is not None:
            made.load_cert_chain(*shown)
        return made


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
