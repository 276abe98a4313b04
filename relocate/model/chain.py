# SPDX-License-Identifier: Apache-2.0
"""How entries of a record are chained by SHA-256, so that a changed, moved or missing one is found."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from relocate.model.evidence import Claim, Entry

GENESIS = "0" * 64
"""What the first entry of a record is chained to."""


def digest(body: Any) -> str:
    """SHA-256 of something that JSON can say, in its one compact form with sorted names."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chained(relocation: str, seq: int, previous: str, claim: Claim, at: datetime) -> Entry:
    """The entry that says `claim` after the entry whose digest is `previous`."""
    body = [relocation, seq, previous, at.isoformat(), claim.model_dump(mode="json")]
    return Entry(relocation=relocation, seq=seq, at=at, claim=claim, previous=previous, digest=digest(body))


def broken_link(entries: Sequence[Entry]) -> int | None:
    """Number of the first entry that does not follow from the one before, or None for a whole record."""
    previous = GENESIS
    for number, entry in enumerate(entries, start=1):
        expected = chained(entry.relocation, number, previous, entry.claim, entry.at)
        if entry.seq != number or entry.digest != expected.digest or entry.previous != previous:
            return entry.seq
        previous = entry.digest
    return None
