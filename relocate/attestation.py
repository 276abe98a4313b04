# SPDX-License-Identifier: Apache-2.0
"""The record of one relocation, put together from the database and signed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relocate.evidence.envelope import sealed
from relocate.evidence.keys import as_pem, key_id, signing_key
from relocate.evidence.record import Record
from relocate.evidence.rows import SeenFailure, WatchedSecond
from relocate.evidence.statement import statement
from relocate.store.database import Database
from relocate.targets.contract import Decision


def collect(database: Database, identity: str) -> Record:
    """The whole record, as it is now.

    Raises:
        NotFound: no relocation has this id.
    """
    # The view first: what ended by then has all of its entries.
    view = database.relocations.get(identity)
    return Record(
        relocation=identity,
        made_at=datetime.now(UTC),
        view=view,
        decision=decision(database, identity),
        entries=tuple(database.evidence.of(identity)),
        seconds=tuple(
            WatchedSecond(route=route, vantage=vantage, second=second, body=body)
            for route, vantage, second, body in database.watched.seconds(identity)
        ),
        failures=tuple(SeenFailure(**one._asdict()) for one in database.watched.failures(identity, None)),
    )


def decision(database: Database, identity: str) -> Decision | None:
    """The last decision that was told (a next-best target is another one)."""
    after, found = 0, None
    while events := database.relocations.events(identity, after):
        found = next((event.data for event in reversed(events) if event.kind == "decision"), found)
        after = events[-1].id
    return Decision.model_validate(found) if found is not None else None


class Signer:
    """Signs records with the key that the settings name; without one records leave us unsigned, and say so."""

    def __init__(self, key: Ed25519PrivateKey | None) -> None:
        """Args: key: None signs nothing."""
        self._key = key

    @classmethod
    def of(cls, file: Path | None) -> Self:
        """With the key in a file.

        Raises:
            InvalidRequest: the file cannot be read, or holds no Ed25519 key.
        """
        return cls(None if file is None else signing_key(file))

    @property
    def public_key(self) -> str | None:
        """PEM of the public key, by which everybody can check what we signed."""
        return None if self._key is None else as_pem(self._key.public_key())

    @property
    def key_id(self) -> str | None:
        """Id of the key, as it stands in envelopes."""
        return None if self._key is None else key_id(self._key.public_key())

    def attest(self, record: Record) -> bytes:
        """The record as it is downloaded: a DSSE envelope, in JSON without a blank."""
        named = record.model_copy(update={"public_key": self.public_key})
        return sealed(statement(named).body, self._key).model_dump_json(by_alias=True).encode()
