# SPDX-License-Identifier: Apache-2.0
"""DSSE envelopes (https://github.com/secure-systems-lab/dsse, 1.0.2), signed with Ed25519.

Written here, in forty lines on `cryptography`: securesystemslib, which has them too, decodes Base64 leniently (a changed
byte can decode to the same payload), takes keys in the form of TUF, and would be the largest package of the service.
"""

import base64
import binascii
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, Field

from relocate.evidence.keys import key_id

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Signature(BaseModel):
    """One signature. The key's id is a hint; nothing is trusted for it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    keyid: str = ""
    sig: str
    """Base64, of the 64 bytes of Ed25519 over the pre-authentication encoding."""


class Envelope(BaseModel):
    """A payload with its type and its signatures. One without signatures is not signed, and says so by that."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    payload: str
    """Base64, of an in-toto statement in JSON."""
    payload_type: str = Field(alias="payloadType")
    signatures: tuple[Signature, ...]

    @property
    def body(self) -> bytes:
        """The payload, decoded.

        Raises:
            ValueError: it is not Base64 in its one right form.
        """
        return decoded(self.payload)


def sealed(body: bytes, key: Ed25519PrivateKey | None) -> Envelope:
    """`body` in an envelope; None leaves it unsigned."""
    signatures: tuple[Signature, ...] = ()
    if key is not None:
        sig = base64.b64encode(key.sign(pre_authentication(PAYLOAD_TYPE, body))).decode()
        signatures = (Signature(keyid=key_id(key.public_key()), sig=sig),)
    payload = base64.b64encode(body).decode()
    return Envelope(payload=payload, payloadType=PAYLOAD_TYPE, signatures=signatures)


def why_not_signed(envelope: Envelope, keys: Sequence[Ed25519PublicKey]) -> str | None:
    """Why no signature of this envelope is right by one of these keys, or None."""
    if not envelope.signatures:
        return "it is not signed"
    reasons = [_why_not(envelope, signature, keys) for signature in envelope.signatures]
    return None if None in reasons else "; ".join(reason for reason in reasons if reason)


def pre_authentication(payload_type: str, body: bytes) -> bytes:
    """What is signed: type and payload, each with its length (DSSE protocol, PAE)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def decoded(text: str) -> bytes:
    """Base64, standard or URL-safe, and only in the form that encoding makes: no other text says the same bytes.

    Raises:
        ValueError: it is something else.
    """
    standard = text.replace("-", "+").replace("_", "/") if not set("+/") & set(text) else text
    try:
        body = base64.b64decode(standard, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not Base64: {error}") from error
    if base64.b64encode(body).decode() != standard:
        raise ValueError("not Base64 as encoding makes it")
    return body


def _why_not(envelope: Envelope, signature: Signature, keys: Sequence[Ed25519PublicKey]) -> str | None:
    by = [key for key in keys if _is_right(envelope, signature, key)]
    if not by:
        return f"the signature that names key {signature.keyid[:16] or '(none)'} is not right by any key that is given"
    if signature.keyid != key_id(by[0]):
        return f"the signature names key {signature.keyid[:16] or '(none)'}, and key {key_id(by[0])[:16]} made it"
    return None


def _is_right(envelope: Envelope, signature: Signature, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(decoded(signature.sig), pre_authentication(envelope.payload_type, envelope.body))
    except (InvalidSignature, ValueError):
        return False
    return True
