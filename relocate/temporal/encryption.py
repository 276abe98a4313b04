# SPDX-License-Identifier: Apache-2.0
"""Payloads that Temporal cannot read: AES-256-GCM, several keys to read with, one to write with.

What Temporal keeps of a run in payloads (requests, applications, answers, failures, heartbeats) is encrypted; what it finds runs by
is not: their ids, the names of activities and commands, and search attributes. The names in the metadata are those of Temporal's own
samples, so that other tools know them.
"""

import base64
import binascii
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from relocate.errors import InvalidRequest, RelocateError
from relocate.stamp import stamp

ENCODING = b"binary/encrypted"
KEY_ID = "encryption-key-id"
KEY_BYTES = 32
NONCE_BYTES = 12
"""Random ones: a key is good for 2^32 payloads (NIST SP 800-38D, 8.3), which is some hundred million relocations."""

_log = structlog.get_logger(__name__)


class PayloadUnreadable(RelocateError):
    """A payload is encrypted with a key that is not here, or was changed since."""


class Keys(BaseModel):
    """The keys of one file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    writes: str
    """Id of the key that new payloads are encrypted with."""
    keys: dict[str, SecretStr] = Field(min_length=1)
    """Keys by id, each 32 bytes in base64."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.writes not in self.keys:
            raise ValueError(f"writes: there is no key {self.writes} among keys")
        for name, key in self.keys.items():
            if len(_bytes(key)) != KEY_BYTES:
                raise ValueError(f"keys: {name} is not {KEY_BYTES} bytes in base64")
        return self

    @classmethod
    def read(cls, file: Path) -> Self:
        """The keys in a file.

        Raises:
            InvalidRequest: it cannot be read, or holds something else; no key is repeated in the text.
        """
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError as error:
            raise InvalidRequest(f"payload_keys: {error}", field="payload_keys") from error
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise InvalidRequest(f"payload_keys: {file}: {found}", field="payload_keys") from error

    @cached_property
    def _ciphers(self) -> dict[str, AESGCM]:
        return {name: AESGCM(_bytes(key)) for name, key in self.keys.items()}

    def encrypt(self, payload: Payload) -> Payload:
        """The payload with all its metadata, in another one."""
        nonce = os.urandom(NONCE_BYTES)
        name = self.writes.encode()
        sealed = self._ciphers[self.writes].encrypt(nonce, payload.SerializeToString(), name)
        return Payload(metadata={"encoding": ENCODING, KEY_ID: name}, data=nonce + sealed)

    def decrypt(self, payload: Payload) -> Payload:
        """What was encrypted.

        Raises:
            PayloadUnreadable: the key is not among these, or the payload was changed.
        """
        name = _key_of(payload)
        if name not in self._ciphers:
            raise PayloadUnreadable(f"a payload is encrypted with the key {name}, which is not among ours")
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        try:
            return Payload.FromString(self._ciphers[name].decrypt(nonce, sealed, name.encode()))
        except (InvalidTag, ValueError) as error:
            raise PayloadUnreadable(f"a payload that names the key {name} was changed, or has another one") from error


class Encryption(PayloadCodec):
    """Encrypts what is written, and decrypts what is read; what is plain is left so, for runs from before there were keys.

    The file is read anew when it has changed. While what stands there makes no sense, the keys from before go on.
    """

    def __init__(self, file: Path) -> None:
        """Read the keys for the first time.

        Args:
            file: as `Keys.read` takes it.

        Raises:
            InvalidRequest: as `Keys.read`.
        """
        self._file = file
        self._seen = stamp(file)
        self._keys = Keys.read(file)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each one encrypted."""
        keys = self.look()
        return [keys.encrypt(one) for one in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each one as it was. Raises PayloadUnreadable."""
        keys = self.look()
        return [keys.decrypt(one) if one.metadata.get("encoding") == ENCODING else one for one in payloads]

    def look(self) -> Keys:
        """The keys as they are now; the log says when they have changed."""
        found = stamp(self._file)
        if found != self._seen:
            self._seen = found
            try:
                self._keys = Keys.read(self._file)
            except InvalidRequest as error:
                _log.error("the payload keys from before are used", reason=str(error))
            else:
                _log.info("the payload keys were read anew", writes=self._keys.writes, keys=sorted(self._keys.keys))
        return self._keys


def data_converter(keys: Path | None) -> DataConverter:
    """Pydantic's; with keys, all of it is encrypted, texts and traces of failures too.

    Raises:
        InvalidRequest: as `Keys.read`.
    """
    if keys is None:
        return pydantic_data_converter
    return replace(
        pydantic_data_converter,
        payload_codec=Encryption(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def _bytes(key: SecretStr) -> bytes:
    try:
        return base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        return b""


def _key_of(payload: Payload) -> str:
    return payload.metadata.get(KEY_ID, b"").decode(errors="replace")
