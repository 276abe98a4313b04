# SPDX-License-Identifier: Apache-2.0
"""The evidence of a relocation: claims, each chained to the one before by SHA-256."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert, select

from relocate.model.evidence import Claim, Entry
from relocate.store.tables import EVIDENCE
from steering.store.engine import writing

GENESIS = "0" * 64
"""What the first entry of a record is chained to."""


class EvidenceLog:
    """Append-only: an entry, once written, is never changed."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def append(self, relocation: str, claims: Sequence[Claim]) -> Sequence[Entry]:
        """Chain `claims` to the record, all of them or none."""
        with writing(self._engine) as connection:
            return append(connection, relocation, claims)

    def of(self, relocation: str) -> Sequence[Entry]:
        """The record, oldest first."""
        with self._engine.connect() as connection:
            statement = select(EVIDENCE).where(EVIDENCE.c.relocation == relocation).order_by(EVIDENCE.c.seq)
            return [Entry.model_validate(dict(row)) for row in connection.execute(statement).mappings()]


def append(connection: Connection, relocation: str, claims: Sequence[Claim]) -> Sequence[Entry]:
    """Chain `claims` to the record, in a transaction that does more."""
    if not claims:
        return []
    mine = EVIDENCE.c.relocation == relocation
    newest = select(EVIDENCE.c.seq, EVIDENCE.c.digest).where(mine).order_by(EVIDENCE.c.seq.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    seq, previous = (last.seq, last.digest) if last else (0, GENESIS)
    entries: list[Entry] = []
    for claim in claims:
        seq += 1
        entry = chained(relocation, seq, previous, claim, datetime.now(UTC))
        entries.append(entry)
        previous = entry.digest
    rows = [{**entry.model_dump(), "claim": entry.claim.model_dump(mode="json")} for entry in entries]
    connection.execute(insert(EVIDENCE), [{**row, "rung": row["claim"]["rung"]} for row in rows])
    return entries


def chained(relocation: str, seq: int, previous: str, claim: Claim, at: datetime) -> Entry:
    """The entry that says `claim` after the entry whose digest is `previous`."""
    body = [relocation, seq, previous, at.isoformat(), claim.model_dump(mode="json")]
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return Entry(relocation=relocation, seq=seq, at=at, claim=claim, previous=previous, digest=digest)


def broken_link(entries: Sequence[Entry]) -> int | None:
    """Number of the first entry that does not follow from the one before, or None for a whole record."""
    previous = GENESIS
    for number, entry in enumerate(entries, start=1):
        expected = chained(entry.relocation, number, previous, entry.claim, entry.at)
        if entry.seq != number or entry.digest != expected.digest or entry.previous != previous:
            return entry.seq
        previous = entry.digest
    return None
