# SPDX-License-Identifier: Apache-2.0
"""What a soak adds up to, and how it is told. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from relocate.demo.report.model import Account, ProtocolAccount
from relocate.demo.traffic.plan import Protocol
from relocate.model.relocation import Outcome

HOUR, MINUTE = 3600, 60
COUNTED = ("sent", "right", "wrong", "failed", "missing", "lost", "cut")


@dataclass(frozen=True)
class Leg:
    """One relocation, and the traffic around it."""

    relocation: str
    outcome: Outcome | None
    seconds: float
    """How long the whole leg took."""
    accounts: Mapping[Protocol, ProtocolAccount]
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why requests were not answered right, and how many."""
    cuts: Mapping[str, int] = field(default_factory=dict)
    """Why streams were cut, and how many."""
    stolen: float = 0.0
    """What the machine's host took of its processors' time meanwhile, between 0 and 1."""
    failure: str | None = None
    """Why the relocation did not end as it should; nothing more was done then."""


LEGS = TypeAdapter(tuple[Leg, ...])


@dataclass(frozen=True)
class Soak:
    """All legs so far, of as many as are wanted."""

    wanted_relocations: int
    wanted_requests: int
    """In each protocol."""
    legs: Sequence[Leg] = ()
    begun: int = 0
    """Legs that were begun; one that was interrupted has no account."""

    @property
    def is_whole(self) -> bool:
        """Whether there are as many legs as are wanted."""
        return len(self.legs) >= self.wanted_relocations

    @property
    def interrupted(self) -> int:
        """Legs that were begun, and are not accounted for."""
        return self.begun - len(self.legs)

    def with_begun(self) -> "Soak":
        """One more is begun."""
        return replace(self, begun=self.begun + 1)

    def with_leg(self, leg: Leg) -> "Soak":
        """One more has ended."""
        return replace(self, legs=(*self.legs, leg))

    def resumed(self, written: Mapping[str, Any]) -> "Soak":
        """With the legs of an earlier run, where one was interrupted before its end; else as it is.

        Args:
            written: what it wrote: `begun`, and `legs` as `LEGS` dumps them.
        """
        earlier = replace(self, legs=LEGS.validate_python(written["legs"]), begun=written["begun"])
        return self if earlier.is_whole else earlier

    def account(self, protocol: Protocol) -> Account:
        """What became of one protocol's requests."""
        return _sum([leg.accounts[protocol] for leg in self.legs if protocol in leg.accounts])

    def total(self) -> Account:
        """What became of all requests."""
        return _sum([account for leg in self.legs for account in leg.accounts.values()])

    def why_not_passed(self) -> str | None:
        """Why it has not shown what it was to show, or None."""
        for protocol in Protocol:
            found = self.account(protocol)
            if found.lost or found.wrong:
                return f"{protocol}: {found.lost} lost and {found.wrong} wrong of {found.sent}"
            if found.sent < self.wanted_requests:
                return f"{protocol}: {found.sent} of {self.wanted_requests} requests were sent"
        completed = sum(leg.outcome is Outcome.COMPLETED for leg in self.legs)
        if completed < self.wanted_relocations:
            return f"{completed} of {self.wanted_relocations} relocations were completed"
        return None

    def progress(self) -> str:
        """One line for whoever waits."""
        done, total = len(self.legs), self.total()
        least = min(self.account(protocol).sent for protocol in Protocol)
        left = sum(leg.seconds for leg in self.legs) / done * (self.wanted_relocations - done) if done else 0.0
        counted = f"{least:,} of {self.wanted_requests:,} requests in each protocol"
        bad = f"lost {total.lost}, wrong {total.wrong}, streams cut {total.cut}"
        return f"{done} of {self.wanted_relocations} relocations, {counted}; {bad}; about {_time(left)} to go"


def _sum(accounts: Sequence[Account]) -> Account:
    sums = {name: sum(getattr(one, name) for one in accounts) for name in COUNTED}
    return Account(**sums, longest_gap_ms=max((one.longest_gap_ms for one in accounts), default=0.0))


def _time(seconds: float) -> str:
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} h"
    return f"{seconds / MINUTE:.0f} min" if seconds >= MINUTE else f"{seconds:.0f} s"
