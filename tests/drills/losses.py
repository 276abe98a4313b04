# SPDX-License-Identifier: Apache-2.0
"""What became of the requests of one drill."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from relocate.demo.report.accounts import Accounts, Window
from relocate.demo.report.model import Account, ProtocolAccount
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, Record, Recording

RETRY_SAFE = (Protocol.HTTP1, Protocol.HTTP2, Protocol.GRPC)
"""What the sample application's routes call safe to send twice; messages of streams are not."""


class Losses:
    """What became of the requests of one drill."""

    def __init__(self, recording: Recording, window: Window) -> None:
        self._recording = recording
        self._window = window
        self._accounts = Accounts(recording, [window])

    def through(self, instance: str) -> "Losses":
        """Only of those that were sent through one gateway instance."""
        return Losses(_through(self._recording, instance), self._window)

    @property
    def all(self) -> Account:
        """Over all protocols."""
        return self._accounts.account()

    def none(self) -> None:
        """Every request was answered right."""
        assert self.all.sent > 50, self.in_words()
        assert (self.all.lost, self.all.wrong, self.all.cut) == (0, 0, 0), self.in_words()

    def bounded(self, most: int, *, safe: int = 0) -> None:
        """At most so many were lost, and of those that are safe to retry at most `safe`."""
        print(self.in_words())  # noqa: T201 - the design asks for it: what is bounded is printed
        assert sum(one.lost for one in self._safe().values()) <= safe, self.in_words()
        assert self.all.wrong == 0, self.in_words()
        assert self.all.lost <= most, self.in_words()

    def between(self, since_ns: int, until_ns: int) -> None:
        """Only requests that were due then were lost: nobody could have answered them."""
        print(self.in_words())  # noqa: T201 - as above
        assert self.all.wrong == 0, self.in_words()
        outside = [record for record in self.failures() if not since_ns <= record.due_ns <= until_ns]
        assert not outside, f"{len(outside)} besides: {outside[:3]}"

    def in_words(self) -> str:
        """For people."""
        every = self._accounts.per_protocol()
        lost = ", ".join(f"{name} {one.lost} of {one.sent}" for name, one in every.items())
        return f"lost {lost}; wrong {self.all.wrong}, streams cut {self.all.cut}: {dict(self._accounts.reasons())}"

    def failures(self) -> Sequence[Record]:
        """Every request that was not answered right."""
        return [record for record in self._accounts.records if record.outcome is not Outcome.RIGHT]

    def _safe(self) -> Mapping[Protocol, ProtocolAccount]:
        return {name: one for name, one in self._accounts.per_protocol().items() if name in RETRY_SAFE}


def _through(recording: Recording, instance: str) -> Recording:
    """The part of a recording that went through one gateway instance; its timetables are numbered anew."""
    kept = [index for index, table in enumerate(recording.timetables) if table.gateway == instance]
    number: Mapping[int | None, int | None] = {None: None, **{old: new for new, old in enumerate(kept)}}
    return Recording(
        tuple(recording.timetables[index] for index in kept),
        tuple(replace(one, timetable=number[one.timetable]) for one in recording.records if one.timetable in number),
        tuple(replace(one, timetable=number[one.timetable]) for one in recording.events if one.timetable in number),
    )
