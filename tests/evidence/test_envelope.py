# SPDX-License-Identifier: Apache-2.0
"""The signature: what it covers, whose it is, and that no byte can be changed."""

import base64
import json
import random
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relocate.attestation import Signer
from relocate.errors import InvalidRequest
from relocate.evidence.envelope import PAYLOAD_TYPE, Envelope, decoded, pre_authentication, sealed, why_not_signed
from relocate.evidence.keys import as_pem, create_signing_key, key_id, signing_key
from relocate.evidence.statement import PREDICATE, TYPE
from relocate.evidence.verification import Unusable, verify
from tests.evidence.forging import KEY, recorded, signed
from tests.evidence.smallest import smallest

OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
SEED = 20261122


def is_found(data: bytes) -> bool:
    """Whether `relocate verify --key` would end otherwise than with 0."""
    try:
        return not verify(data, [KEY.public_key()]).agrees
    except Unusable:
        return True


def test_what_is_signed_is_what_the_specification_says() -> None:
    """The example of DSSE's protocol page."""
    signed_bytes = pre_authentication("http://example.com/HelloWorld", b"hello world")
    assert signed_bytes == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_an_envelope_holds_an_in_toto_statement() -> None:
    """Type, subjects with digests, and the record as predicate."""
    envelope = json.loads(signed(smallest()))
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == PAYLOAD_TYPE
    assert (statement["_type"], statement["predicateType"]) == (TYPE, PREDICATE)
    assert [subject["name"] for subject in statement["subject"]] == ["rel-1/entries", "rel-1/seconds", "rel-1/failures"]
    assert all(len(subject["digest"]["sha256"]) == 64 for subject in statement["subject"])


@pytest.mark.parametrize("mask", [1, 2, 32])
def test_every_changed_byte_of_a_small_envelope_is_found(mask: int) -> None:
    """Whatever byte it is: of the payload, its type, the signature, a key's id, or a name."""
    data = signed(smallest())
    assert not is_found(data)
    unnoticed = [place for place in range(len(data)) if not is_found(_flipped(data, place, mask))]
    assert unnoticed == []


def test_a_changed_byte_anywhere_in_a_large_envelope_is_found() -> None:
    """At 200 places of a record of a whole relocation."""
    data, chance = signed(recorded("completed")), random.Random(SEED)  # noqa: S311 - any places will do
    places = chance.sample(range(len(data)), 200)
    assert [place for place in places if not is_found(_flipped(data, place, chance.randint(1, 255)))] == []


def test_a_byte_left_out_or_added_is_found() -> None:
    """At the end, at the beginning, and in between; blanks between JSON's parts carry nothing."""
    data = signed(smallest())
    middle = len(data) // 2
    for changed in (data[:-1], data[1:], data[:middle] + data[middle + 1 :], data[:middle] + b"A" + data[middle:]):
        assert is_found(changed)


def test_base64_has_one_form() -> None:
    """Bits that decoding would drop, foreign characters and missing padding are refused; both alphabets are taken."""
    assert decoded("_-8=") == decoded("/+8=") == b"\xff\xef"
    for text in ("_-9=", "/+8", "/+8= ", "/_8=", "/+ 8="):
        with pytest.raises(ValueError, match="Base64"):
            decoded(text)


def test_one_of_several_keys_is_enough() -> None:
    """While keys are changed, both are given."""
    data = signed(smallest())
    assert verify(data, [OTHER.public_key(), KEY.public_key()]).agrees
    (found,) = verify(data, [OTHER.public_key()]).disagreements
    assert "not right by any key that is given" in found.follows


def test_without_a_key_the_records_own_is_taken_and_that_is_said() -> None:
    """It shows that nothing was changed since; who signed it, nobody knows."""
    verification = verify(Signer(OTHER).attest(smallest()))
    assert verification.agrees
    assert "the key that it names itself" in verification.signature


def test_an_unsigned_record_is_refused_unless_it_is_allowed() -> None:
    """It says by itself that it is not signed."""
    data = Signer(None).attest(smallest())
    assert json.loads(data)["signatures"] == []
    (found,) = verify(data).disagreements
    assert found.follows == "it is not signed"
    allowed = verify(data, allow_unsigned=True)
    assert allowed.agrees
    assert allowed.signature.startswith("not signed")


def test_allowing_unsigned_records_allows_no_wrong_signature() -> None:
    """A record that was changed is not taken for an unsigned one."""
    envelope = json.loads(signed(smallest()))
    envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    assert not verify(json.dumps(envelope).encode(), [KEY.public_key()], allow_unsigned=True).agrees


def test_a_signature_that_names_another_key_is_found() -> None:
    """The id is a hint; a wrong one is a changed one."""
    envelope = sealed(b"{}", KEY)
    lying = envelope.signatures[0].model_copy(update={"keyid": key_id(OTHER.public_key())})
    reason = why_not_signed(envelope.model_copy(update={"signatures": (lying,)}), [KEY.public_key()])
    assert reason is not None
    assert "made it" in reason


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no DSSE envelope"),
        (b"\xff\xfe", "no DSSE envelope"),
        (b"[]", "no DSSE envelope"),
        (b'{"payload": "", "payloadType": "text/plain", "signatures": []}', "its payload is text/plain"),
        (b'{"payload": "e30=", "payloadType": "application/vnd.in-toto+json", "signatures": []}', "no record"),
        (b'{"payload": "?", "payloadType": "application/vnd.in-toto+json", "signatures": []}', "cannot be read"),
    ],
)
def test_what_is_no_record_is_unusable(data: bytes, why: str) -> None:
    """There is nothing to verify, and the reason is said."""
    with pytest.raises(Unusable, match=why):
        verify(data)


def test_unknown_fields_of_an_envelope_are_ignored() -> None:
    """As DSSE demands of those who read it."""
    envelope = json.loads(signed(smallest()))
    assert verify(json.dumps({**envelope, "later": 1}).encode(), [KEY.public_key()]).agrees


def test_a_signing_key_is_its_owners_alone(tmp_path: Path) -> None:
    """It is made once, with mode 0600, and kept when it is asked for again."""
    file = tmp_path / "key.pem"
    made = create_signing_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert as_pem(create_signing_key(file).public_key()) == as_pem(made.public_key())
    assert as_pem(signing_key(file).public_key()) == as_pem(made.public_key())


@pytest.mark.parametrize("text", ["", "no key", as_pem(KEY.public_key())])
def test_a_file_without_a_signing_key_is_named(tmp_path: Path, text: str) -> None:
    """Also a public key is none."""
    file = tmp_path / "key.pem"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=r"signing_key: .*key\.pem"):
        signing_key(file)


def _flipped(data: bytes, place: int, mask: int) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def test_an_envelope_reads_as_it_was_written() -> None:
    """Nothing is lost on the way."""
    envelope = sealed(b"{}", KEY)
    assert Envelope.model_validate_json(envelope.model_dump_json(by_alias=True)) == envelope
