# SPDX-License-Identifier: Apache-2.0
"""The evidence of a relocation: claims, each chained to the one before by SHA-256."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, bindparam, func, insert, select

from relocate.errors import StaleFence
from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim, Entry
from relocate.store.tables import EVIDENCE
from relocate.store.turn import check_turn, hold_still
from steering.model import Fence
from steering.store.engine import writing

_NEWEST = (
    select(EVIDENCE.c.seq, EVIDENCE.c.digest)
    .where(EVIDENCE.c.relocation == bindparam("of"))
    .order_by(EVIDENCE.c.seq.desc())
    .limit(1)
)
_KEEP = insert(EVIDENCE)
_LATEST = select(func.max(EVIDENCE.c.attempt)).where(
    EVIDENCE.c.relocation == bindparam("of"), EVIDENCE.c.sequence == bindparam("step")
)


class Attempt(NamedTuple):
    """Whose word a claim is."""

    application: str
    fence: Fence
    """Of the order."""
    number: int
    """From 1; a later attempt takes over from one that has been given up."""


class EvidenceLog:
    """Append-only: an entry, once written, is never changed."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: the service's database."""
        self._engine = engine

    def append(self, relocation: str, claims: Sequence[Claim], attempt: Attempt | None = None) -> Sequence[Entry]:
        """Chain `claims` to the record, all of them or none.

        Raises:
            StaleFence: a newer step, or a later attempt of the same one, has put its word on record. What an attempt says
                that hung meanwhile was true once; behind what was decided since, it would pass for the reason of it.
        """
        with writing(self._engine) as connection:
            if attempt is None:
                hold_still(connection, relocation)
            else:
                _check_latest(connection, relocation, attempt)
            return append(connection, relocation, claims, attempt)

    def of(self, relocation: str) -> Sequence[Entry]:
        """The record, oldest first."""
        with self._engine.connect() as connection:
            statement = select(EVIDENCE).where(EVIDENCE.c.relocation == relocation).order_by(EVIDENCE.c.seq)
            return [Entry.model_validate(dict(row)) for row in connection.execute(statement).mappings()]


def append(
    connection: Connection, relocation: str, claims: Sequence[Claim], attempt: Attempt | None = None
) -> Sequence[Entry]:
    """Chain `claims` to the record, in a transaction that does more, and holds the application's lease still."""
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
    said_by = {"sequence": attempt.fence.sequence, "attempt": attempt.number} if attempt is not None else {}
    connection.execute(_KEEP, [{**row, "rung": row["claim"]["rung"], **said_by} for row in rows])
    return entries


def _check_latest(connection: Connection, relocation: str, attempt: Attempt) -> None:
    check_turn(connection, attempt.application, attempt.fence)
    latest = connection.execute(_LATEST, {"of": relocation, "step": attempt.fence.sequence}).scalar()
    if latest is not None and latest > attempt.number:
        raise StaleFence(f"attempt {latest} of step {attempt.fence.sequence} has put its word on record")
