# SPDX-License-Identifier: Apache-2.0
"""Everything that can be said of one downloaded record, from its bytes alone."""

from collections.abc import Iterator, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.envelope import PAYLOAD_TYPE, Envelope, why_not_signed
from relocate.evidence.invariants import why_not_kept
from relocate.evidence.keys import key_id, public_key
from relocate.evidence.record import Record
from relocate.evidence.rules import recomputed, why_not_followed
from relocate.evidence.statement import Statement, subjects
from relocate.evidence.verdict import verdict
from relocate.model.values import Payload


class Unusable(Exception):
    """This is no record: there is nothing to verify."""


class Verification(Payload):
    """What came out."""

    relocation: str
    agrees: bool
    verdict: str
    """What the samples come to, in one sentence."""
    ended: bool
    """False: this is a snapshot of a relocation that still ran."""
    signature: str
    """By whom it is signed, and how that is known."""
    entries: int
    recomputed: int
    """Entries that followed from samples and were recomputed; the others were only said."""
    disagreements: tuple[Disagreement, ...]


def verify(data: bytes, keys: Sequence[Ed25519PublicKey] = (), *, allow_unsigned: bool = False) -> Verification:
    """Check the signature, the chain and every digest, recompute every claim, and check the invariants.

    Args:
        data: the downloaded file.
        keys: public keys that are known to be the service's. None: the key that the record itself names shows only
            that nothing was changed since, not who signed.
        allow_unsigned: take a record without signatures.

    Raises:
        Unusable: it is no envelope with a record of a form that this version knows.
    """
    envelope = _envelope(data)
    record, found = _record(envelope)
    trusted = keys or _own_key(record)
    unsigned = allow_unsigned and not envelope.signatures
    signature = None if unsigned else why_not_signed(envelope, trusted)
    disagreements = [
        *([Disagreement(says="it is signed by the service", follows=signature)] if signature else []),
        *_subjects(found),
        *why_not_kept(record),
        *why_not_followed(record),
    ]
    return Verification(
        relocation=record.relocation,
        agrees=not disagreements,
        verdict=verdict(record),
        ended=record.ended,
        signature=signature or _signed(trusted, known=bool(keys), unsigned=unsigned),
        entries=len(record.entries),
        recomputed=recomputed(record),
        disagreements=tuple(disagreements),
    )


def _envelope(data: bytes) -> Envelope:
    try:
        envelope = Envelope.model_validate_json(data)
    except ValidationError as error:
        raise Unusable(f"it is no DSSE envelope: {_first(error)}") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise Unusable(f"its payload is {envelope.payload_type}, not {PAYLOAD_TYPE}")
    return envelope


def _record(envelope: Envelope) -> tuple[Record, Statement]:
    try:
        found = Statement.model_validate_json(envelope.body)
    except ValidationError as error:
        raise Unusable(f"its payload is no record of a relocation that this version knows: {_first(error)}") from error
    except ValueError as error:
        raise Unusable(f"its payload cannot be read: {error}") from error
    return found.predicate, found


def _own_key(record: Record) -> Sequence[Ed25519PublicKey]:
    if record.public_key is None:
        return ()
    try:
        return (public_key(record.public_key),)
    except ValueError:
        return ()


def _signed(keys: Sequence[Ed25519PublicKey], *, known: bool, unsigned: bool) -> str:
    if unsigned:
        return "not signed, which was allowed: nothing shows that it was not changed"
    if known:
        return "signed by a key that was given"
    return f"signed by the key that it names itself, {key_id(keys[0])}: unchanged since, whoever signed it"


def _subjects(found: Statement) -> Iterator[Disagreement]:
    for said, follows in zip(found.subject, subjects(found.predicate), strict=False):
        if said != follows:
            yield Disagreement(
                says=f"{said.name} has digest {said.digest.get('sha256')}",
                follows=f"{follows.name} has {follows.digest['sha256']}",
            )
    if len(found.subject) != len(subjects(found.predicate)):
        yield Disagreement(
            says=f"it has {len(found.subject)} parts", follows="there are three: entries, seconds, failures"
        )


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}" if first["loc"] else first["msg"]
