# SPDX-License-Identifier: Apache-2.0
"""Ed25519 keys: PEM files (PKCS 8 and SubjectPublicKeyInfo), as `openssl genpkey -algorithm ed25519` makes them."""

import os
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relocate.errors import InvalidRequest


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        InvalidRequest: it cannot be read, or holds something else.
    """
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidRequest(f"signing_key: {file} cannot be read: {error}", field="signing_key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidRequest(f"signing_key: {file} holds no Ed25519 key", field="signing_key")
    return key


def create_signing_key(file: Path) -> Ed25519PrivateKey:
    """Make a key that only its owner may read; one that is there already is kept."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return signing_key(file)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
    return key


def public_key(pem: str) -> Ed25519PublicKey:
    """The public key that a PEM text holds.

    Raises:
        ValueError: it holds something else.
    """
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")  # noqa: TRY004 - the text is wrong, not its type
    return key


def as_pem(key: Ed25519PublicKey) -> str:
    """A public key as text."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo (DER), in hexadecimal."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()
