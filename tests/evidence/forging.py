# SPDX-License-Identifier: Apache-2.0
"""What a forger who has the signing key can do: change what he likes, chain it anew, and sign it again."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relocate.attestation import Signer
from relocate.evidence.record import Read, Record, read
from relocate.evidence.rows import WatchedSecond, rows_of, told
from relocate.evidence.samples import Raw, Rows
from relocate.evidence.verification import Verification, verify
from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim, Entry

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
"""The service's, for these tests."""

RECORDS = Path(__file__).parent / "records"

KindT = TypeVar("KindT", bound=Raw)


def recorded(name: str) -> Record:
    """A record that real workers made (`tests.evidence.record`)."""
    return Record.model_validate_json((RECORDS / f"{name}.json").read_text())


def signed(record: Record) -> bytes:
    """As the service lets it be downloaded."""
    return Signer(KEY).attest(record)


def checked(record: Record) -> Verification:
    """What `relocate verify --key` finds in it."""
    return verify(signed(record), [KEY.public_key()])


def found(record: Record) -> str:
    """Every disagreement, a line each."""
    return "\n".join(str(one) for one in checked(record).disagreements)


def rechained(record: Record, entries: Iterable[Entry]) -> Record:
    """The record with these entries instead, in a chain that is whole."""
    previous, made = GENESIS, []
    for number, entry in enumerate(entries, start=1):
        made.append(chained(record.relocation, number, previous, entry.claim, entry.at))
        previous = made[-1].digest
    return record.model_copy(update={"entries": tuple(made)})


def of(record: Record, kind: type[KindT], wanted: Callable[[Read], bool] = lambda _: True) -> Sequence[Read]:
    """Entries of one kind."""
    return [entry for entry in read(record) if isinstance(entry.samples, kind) and wanted(entry)]


def without(record: Record, *gone: Read) -> Record:
    """The record as if these had never been said."""
    numbers = {entry.seq for entry in gone}
    return rechained(record, (entry for entry in record.entries if entry.seq not in numbers))


def moved(record: Record, what: Read, *, before: Read) -> Record:
    """The record as if `what` had been said earlier."""
    rest = [entry for entry in record.entries if entry.seq != what.seq]
    place = next(number for number, entry in enumerate(rest) if entry.seq == before.seq)
    return rechained(record, [*rest[:place], what.entry, *rest[place:]])


def saying(record: Record, entry: Read, **samples: Any) -> Record:
    """The record with other samples in one entry; the claim stands as it stood."""
    assert entry.samples is not None
    return claiming(record, entry, detail=entry.samples.model_copy(update=samples).detail())


def claiming(record: Record, entry: Read, **claim: Any) -> Record:
    """The record with another claim in one entry."""
    forged = Claim.model_validate(entry.claim.model_copy(update=claim).model_dump())
    changed = [one.model_copy(update={"claim": forged}) if one.seq == entry.seq else one for one in record.entries]
    return rechained(record, changed)


def watching(record: Record, seconds: Sequence[WatchedSecond]) -> Record:
    """The record with other seconds, and digests of those in every claim that was made from some."""
    forged = record.model_copy(update={"seconds": tuple(seconds)})
    for entry in read(record):
        if entry.samples is None:
            continue
        rows = {name: _again(value, seconds) for name, value in entry.samples if isinstance(value, Rows)}
        if rows:
            forged = saying(forged, entry, **rows)
    return forged


def telling(record: Record, keep: int) -> Record:
    """The record with the first failures only, and their digest wherever more had been told."""
    forged = record.model_copy(update={"failures": record.failures[:keep]})
    for entry in read(record):
        failures = getattr(entry.samples, "failures", None)
        if failures is not None:
            forged = saying(forged, entry, failures=told(forged.failures[: min(keep, failures.count)]))
    return forged


def _again(rows: Rows, seconds: Sequence[WatchedSecond]) -> Rows:
    """The digest of those of these seconds that the claim speaks of."""
    spoken = [
        row
        for row in seconds
        if any(first <= row.second < after for first, after in rows.seconds.get(row.route, {}).get(row.vantage, ()))
    ]
    return rows_of(spoken, rows.since, rows.until)
