# SPDX-License-Identifier: Apache-2.0
"""What a relocation's own record must say, whatever was killed while it was made: `relocate verify`, on every one."""

from collections.abc import Sequence

from relocate.attestation import collect
from relocate.evidence.invariants import why_not_kept
from relocate.evidence.rules import why_not_followed
from relocate.store.database import Database


def violations(database: Database, relocation: str) -> Sequence[str]:
    """Every invariant that the record breaks, and every claim that does not follow from its own samples, in words."""
    record = collect(database, relocation)
    return [str(found) for found in (*why_not_kept(record), *why_not_followed(record))]
