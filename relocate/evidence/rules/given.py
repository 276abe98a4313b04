# SPDX-License-Identifier: Apache-2.0
"""What every rule is given beside a claim's samples, and the comparison that it ends in."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

from relocate.evidence.record import Read, Record
from relocate.evidence.samples import Raw
from relocate.model.evidence import Claim

KindT = TypeVar("KindT", bound=Raw)


class Given(NamedTuple):
    """One claim in its place."""

    record: Record
    earlier: Sequence[Read]
    """The entries before it."""
    claim: Claim

    def last(self, kind: type[KindT]) -> KindT | None:
        """The latest earlier samples of a kind."""
        return next((entry.samples for entry in reversed(self.earlier) if isinstance(entry.samples, kind)), None)

    def differs(self, against: str | None) -> Iterator[str]:
        """Whether the claim holds although something speaks against it, or the other way round."""
        if self.claim.holds and against is not None:
            yield against
        elif not self.claim.holds and against is None:
            yield "nothing in its samples speaks against it"
