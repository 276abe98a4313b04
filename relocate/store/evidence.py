# SPDX-License-Identifier: Apache-2.0
"""The evidence of a relocation: claims, each chained to the one before by SHA-256."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, bindparam, insert, select

from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim, Entry
from relocate.store.tables import EVIDENCE
from steering.store.engine import writing

_NEWEST = (
    select(EVIDENCE.c.seq, EVIDENCE.c.digest)
    .where(EVIDENCE.c.relocation == bindparam("of"))
    .order_by(EVIDENCE.c.seq.desc())
    .limit(1)
)
_KEEP = insert(EVIDENCE)


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
    last = connection.execute(_NEWEST, {"of": relocation}).one_or_none()
    seq, previous = (last.seq, last.digest) if last else (0, GENESIS)
    entries: list[Entry] = []
    for claim in claims:
        seq += 1
        entry = chained(relocation, seq, previous, claim, datetime.now(UTC))
        entries.append(entry)
        previous = entry.digest
    rows = [{**entry.model_dump(), "claim": entry.claim.model_dump(mode="json")} for entry in entries]
    connection.execute(_KEEP, [{**row, "rung": row["claim"]["rung"]} for row in rows])
    return entries
