# SPDX-License-Identifier: Apache-2.0
"""Where a record and its own samples do not agree."""

from relocate.model.values import Payload


class Disagreement(Payload):
    """One of them, in words."""

    entry: int | None = None
    """Number of the entry in the chain; None for the record as a whole."""
    says: str
    """What the record says."""
    follows: str
    """What follows from the samples."""

    def __str__(self) -> str:
        where = "the record" if self.entry is None else f"entry {self.entry}"
        return f"{where} says: {self.says}; but {self.follows}"
