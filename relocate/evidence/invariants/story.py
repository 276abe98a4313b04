# SPDX-License-Identifier: Apache-2.0
"""A record as a story: who wrote what, who was asked, what was commanded and removed, in order."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from relocate.evidence.record import Read, Record, read
from relocate.evidence.samples import (
    AllApplied,
    AskedGate,
    Commanded,
    ProvingAnswers,
    Raw,
    Removed,
    Started,
    WrittenDocument,
)
from relocate.phases import proof
from steering.model import Fence

KindT = TypeVar("KindT", bound=Raw)

Place = tuple[str, str]
"""Gateway and route."""


class Story:
    """Reads a record. Nothing here judges."""

    def __init__(self, record: Record) -> None:
        """Args: record: of one relocation, ended or not."""
        self.record = record
        self.entries: Sequence[Read] = list(read(record))
        self.source, self.target = record.view.source, record.view.target

    def of(self, kind: type[KindT], *, before: int | None = None) -> Sequence[tuple[Read, KindT]]:
        """Entries with samples of one kind, oldest first; only those before an entry's number if it is given."""
        return [
            (entry, entry.samples)
            for entry in self.entries
            if isinstance(entry.samples, kind) and (before is None or entry.seq < before)
        ]

    @cached_property
    def started(self) -> Started | None:
        """What was asked for."""
        return next((samples for _, samples in self.of(Started)), None)

    @property
    def removals(self) -> Sequence[tuple[Read, Removed]]:
        """Instances that were removed."""
        return self.of(Removed)

    @property
    def commands(self) -> Sequence[tuple[Read, Commanded]]:
        """What people commanded."""
        return self.of(Commanded)

    @cached_property
    def places(self) -> Sequence[Place]:
        """Every route at every gateway that was written."""
        return list(
            dict.fromkeys((entry.claim.gateway or "", wrote.route) for entry, wrote in self.of(WrittenDocument))
        )

    @property
    def expected_places(self) -> Sequence[Place]:
        """Every route at every gateway that the application says."""
        routes = self.started.routes if self.started is not None else ()
        return [(gateway, route.name) for route in routes for gateway in route.gateways]

    def writes(self, place: Place, *, before: int | None = None) -> Sequence[tuple[Read, WrittenDocument]]:
        """Writes of one route at one gateway in the order of their fences; an attempt may be told late."""
        found = [
            (entry, wrote)
            for entry, wrote in self.of(WrittenDocument, before=before)
            if (entry.claim.gateway or "", wrote.route) == place
        ]
        return sorted(found, key=lambda each: (each[1].fence.lease, each[1].fence.sequence, each[0].seq))

    def written_by(self, place: Place) -> Mapping[Fence, int]:
        """By fence the entry by which its write had been made, as far as it matters what came after it.

        A repeat tells of the same write. One that is told only after a later write (its worker had stood still) was
        made before that: then the entry of the write before it counts.
        """
        first: dict[Fence, int] = {}
        for entry, wrote in self.writes(place):
            first.setdefault(wrote.fence, entry.seq)
        moments: dict[Fence, int] = {}
        before = 0
        for number, (fence, seq) in enumerate(first.items()):
            late = any(later < seq for later in list(first.values())[number + 1 :])
            before = moments[fence] = before if late else seq
        return moments

    def why_not_live(self, place: Place, wrote: WrittenDocument, *, before: int | None = None) -> str | None:
        """Whether a write was proven live (E2 by all, E3 through each where it was asked for); the reason if not."""
        gateway, route = place
        epoch = wrote.document.epoch
        applied = [
            samples
            for entry, samples in self.of(AllApplied, before=before)
            if entry.claim.holds and entry.claim.gateway == gateway and (samples.route, samples.epoch) == (route, epoch)
        ]
        if not applied:
            return f"nothing shows that epoch {epoch} was live at {gateway}"
        last = applied[-1]
        if not last.unproven and (missing := proof.why_not_acknowledged(last.answers, last.waived)) is not None:
            return missing
        if not last.seen:
            return None
        answered = self._answered(gateway, route, epoch, before)
        unseen = [name for name in proof.alive(last.answers, last.waived) if name not in answered]
        return f"no answers of epoch {epoch} through {', '.join(unseen)} are on record" if unseen else None

    def _answered(self, gateway: str, route: str, epoch: str, before: int | None) -> Sequence[str | None]:
        return [
            entry.claim.instance
            for entry, samples in self.of(ProvingAnswers, before=before)
            if entry.claim.holds and entry.claim.gateway == gateway and (samples.route, samples.epoch) == (route, epoch)
        ]

    def asked(self, side: str, *, before: int, after: int = 0) -> Sequence[tuple[Read, AskedGate]]:
        """When a side's readiness was asked."""
        return [
            (entry, gate)
            for entry, gate in self.of(AskedGate, before=before)
            if gate.side == side and entry.seq > after
        ]
