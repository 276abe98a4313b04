# SPDX-License-Identifier: Apache-2.0
"""The whole record of one relocation: what is signed, and what `relocate verify` recomputes."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from relocate.evidence.rows import SeenFailure, WatchedSecond
from relocate.evidence.samples import Known, samples_of
from relocate.model.evidence import Claim, Entry
from relocate.model.relocation import Status, View
from relocate.model.values import Payload
from relocate.targets.contract import Decision


class Record(Payload):
    """Everything that was observed of one relocation, raw."""

    format: Literal[1] = 1
    relocation: str
    made_at: datetime
    """When this record was put together."""
    public_key: str | None = None
    """PEM of the key that it is signed with. It shows that nothing was changed since; compare it to know by whom."""
    view: View
    """How the relocation stands, or how it ended."""
    decision: Decision | None
    entries: tuple[Entry, ...]
    """The chain: every claim, with the samples it follows from."""
    seconds: tuple[WatchedSecond, ...]
    """What the prober saw, second by second; claims in the chain hold the digests of what they were made from."""
    failures: tuple[SeenFailure, ...]
    """Every failure that the prober kept word by word, in the order in which it was told."""

    @property
    def ended(self) -> bool:
        """Whether this is the whole story."""
        return self.view.status is Status.FINISHED


class Read(NamedTuple):
    """An entry with its samples, read."""

    entry: Entry
    samples: Known | None

    @property
    def seq(self) -> int:
        """Its number."""
        return self.entry.seq

    @property
    def claim(self) -> Claim:
        """What it says."""
        return self.entry.claim


def read(record: Record) -> Iterator[Read]:
    """The entries with their samples; one that cannot be read counts as only said (`rules` names it)."""
    for entry in record.entries:
        try:
            yield Read(entry, samples_of(entry.claim))
        except ValueError:
            yield Read(entry, None)
