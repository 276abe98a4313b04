# SPDX-License-Identifier: Apache-2.0
import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from relocate.errors import InvalidRequest
from relocate.model.relocation import UE
from relocate.temporal.encryption import Encryption, Keys, PayloadUnreadable, data_converter

PLAIN = Payload(metadata={"encoding": b"json/plain"}, data=b'{"ue":"imsi-1"}')
KEYS = {name: base64.b64encode(os.urandom(32)).decode() for name in ("2025", "2026")}


def said(file: Path, writes: str, names: Iterable[str]) -> Path:
    """Keys in a file, put there as a whole."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"writes": writes, "keys": {name: KEYS[name] for name in names}}))
    return new.replace(file)


def spoil(file: Path, text: str | None) -> None:
    """Another text in it; None: it is away."""
    file.unlink()
    if text is not None:
        file.write_text(text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One that has both keys and writes with the newer."""
    return said(tmp_path / "keys.json", "2026", KEYS)


async def test_a_payload_comes_back_as_it_was(file: Path) -> None:
    """With its metadata; on the way it says no more than the key's id."""
    codec = Encryption(file)
    (sealed,) = await codec.encode([PLAIN])
    assert dict(sealed.metadata) == {"encoding": b"binary/encrypted", "encryption-key-id": b"2026"}
    assert b"imsi" not in sealed.SerializeToString()
    assert await codec.decode([sealed]) == [PLAIN]


async def test_the_same_payload_is_never_encrypted_the_same(file: Path) -> None:
    """Each has a nonce of its own."""
    first, second = await Encryption(file).encode([PLAIN, PLAIN])
    assert first.data != second.data


async def test_what_is_plain_is_left_so(file: Path) -> None:
    """A run that began before there were keys goes on."""
    assert await Encryption(file).decode([PLAIN]) == [PLAIN]


async def test_keys_are_read_anew_when_the_file_changes(file: Path) -> None:
    """The next payload is written with the new key; one that was written with the old is read while that is among them."""
    codec = Encryption(said(file, "2025", ["2025"]))
    (old,) = await codec.encode([PLAIN])
    said(file, "2026", KEYS)
    (new,) = await codec.encode([PLAIN])
    assert [one.metadata["encryption-key-id"] for one in (old, new)] == [b"2025", b"2026"]
    assert await codec.decode([old, new]) == [PLAIN, PLAIN]
    said(file, "2026", ["2026"])
    with pytest.raises(PayloadUnreadable, match="key 2025, which is not among ours"):
        await codec.decode([old])


@pytest.mark.parametrize("wrong", ["", "{}", None])
async def test_a_file_that_makes_no_sense_leaves_the_keys_from_before(file: Path, wrong: str | None) -> None:
    """So does one that is away."""
    codec = Encryption(file)
    (sealed,) = await codec.encode([PLAIN])
    spoil(file, wrong)
    assert await codec.decode([sealed]) == [PLAIN]
    assert (await codec.encode([PLAIN]))[0].metadata["encryption-key-id"] == b"2026"


@pytest.mark.parametrize("at", [0, 11, 12, 40, -1])
async def test_a_changed_byte_is_found(file: Path, at: int) -> None:
    """In the nonce, in what is encrypted, in its tag."""
    (sealed,) = await Encryption(file).encode([PLAIN])
    changed = bytearray(sealed.data)
    changed[at] ^= 1
    with pytest.raises(PayloadUnreadable, match="was changed"):
        await Encryption(file).decode([Payload(metadata=sealed.metadata, data=bytes(changed))])


async def test_a_payload_under_another_key_s_name_is_found(file: Path) -> None:
    """The id is part of what is authenticated, and the keys differ."""
    (sealed,) = await Encryption(file).encode([PLAIN])
    sealed.metadata["encryption-key-id"] = b"2025"
    with pytest.raises(PayloadUnreadable, match="has another one"):
        await Encryption(file).decode([sealed])


async def test_failures_are_encrypted_too(file: Path) -> None:
    """Their text, and where they were raised; the type stays, by which they are tried again or not."""
    converter = data_converter(file)
    failure = Failure()
    await converter.encode_failure(ApplicationError("imsi-1 is lost", type="TargetFailed"), failure)
    assert b"imsi" not in failure.SerializeToString()
    assert failure.application_failure_info.type == "TargetFailed"
    assert str(await converter.decode_failure(failure)) == "TargetFailed: imsi-1 is lost"


async def test_without_keys_nothing_is_encrypted() -> None:
    """As it was before there were any."""
    (payload,) = await data_converter(None).encode([UE(value="imsi-1")])
    assert b"imsi-1" in payload.data


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[", "Invalid JSON"),
        ('{"writes": "a", "keys": {}}', "at least 1 item"),
        (json.dumps({"writes": "b", "keys": KEYS}), "there is no key b"),
        ('{"writes": "a", "keys": {"a": "c2hvcnQ="}}', "a is not 32 bytes in base64"),
        ('{"writes": "a", "keys": {"a": "not base64!"}}', "a is not 32 bytes in base64"),
    ],
)
def test_keys_that_make_no_sense_are_refused_without_being_told(tmp_path: Path, text: str, why: str) -> None:
    """By what is wrong, with the setting's name; no key is in the text."""
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=why) as caught:
        Keys.read(file)
    assert str(caught.value).startswith("payload_keys: ")
    assert KEYS["2025"] not in str(caught.value)
    assert "c2hvcnQ=" not in str(caught.value)


def test_a_file_that_is_away_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(InvalidRequest, match=r"No such file.*keys\.json"):
        Keys.read(tmp_path / "keys.json")
