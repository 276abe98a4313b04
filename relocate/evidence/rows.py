# SPDX-License-Identifier: Apache-2.0
"""The prober's seconds and failures as they stand beside the chain, and the digests that stand in it."""

import itertools
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from relocate.evidence.samples import Rows, Told
from relocate.model.chain import digest
from relocate.model.values import Payload
from relocate.prober.records import Second

ATTEMPT = "#"
"""Stands between a gateway instance and the number of the attempt that watched it, from the second on."""


class WatchedSecond(Payload):
    """What one vantage saw of one route in one second."""

    route: str
    vantage: str
    """Gateway instance; what a later attempt of the prober saw there stands beside it (`told_by`)."""
    second: int
    """Seconds since 1970."""
    body: dict[str, Any]
    """As `relocate.prober.records.Second` says, verbatim."""

    @cached_property
    def read(self) -> Second:
        """The body; raises ValidationError if it is none. Several claims are made from one second: it is read once."""
        return Second.model_validate(self.body)


def told_by(vantage: str, attempt: int) -> str:
    """Under which name an attempt of the prober tells what it saw through a gateway instance.

    Two attempts may watch in the same second, when one takes over from another: both are right, and their counts add up.
    """
    return vantage if attempt == 1 else f"{vantage}{ATTEMPT}{attempt}"


def instance_of(vantage: str) -> str:
    """The gateway instance through which was watched, whichever attempt tells of it."""
    name, mark, attempt = vantage.rpartition(ATTEMPT)
    return name if mark and attempt.isdecimal() else vantage


def readable(rows: Iterable[WatchedSecond]) -> Sequence[Second]:
    """The seconds, without those that cannot be read: `rules.seconds` names these."""
    found: list[Second] = []
    for row in rows:
        with suppress(ValidationError):
            found.append(row.read)
    return found


@dataclass(frozen=True)
class Seen:
    """What the prober recorded between two moments. A long bake has many rows: they are hashed once."""

    since: float
    until: float
    rows: Sequence[WatchedSecond]

    @cached_property
    def seconds(self) -> Sequence[Second]:
        """The records."""
        return [row.read for row in self.rows]

    @cached_property
    def said(self) -> Rows:
        """What a claim says that was made from exactly this."""
        return rows_of(self.rows, self.since, self.until)

    def after(self, since: float) -> "Seen":
        """Of that, the seconds that touch the time from `since` on."""
        return Seen(since, self.until, [row for row in self.rows if row.second >= math.floor(since)])

    def of(self, route: str) -> "Seen":
        """Of that, the seconds of one route."""
        return Seen(self.since, self.until, [row for row in self.rows if row.route == route])


class SeenFailure(Payload):
    """One failure as the prober saw it."""

    route: str
    vantage: str
    at: datetime
    text: str


def rows_of(seconds: Iterable[WatchedSecond], since: float, until: float) -> Rows:
    """What a claim says that was made from exactly these seconds."""
    found = sorted(seconds, key=_place)
    runs: dict[str, dict[str, tuple[tuple[int, int], ...]]] = {}
    for (route, vantage), of_one in itertools.groupby(found, key=lambda row: (row.route, row.vantage)):
        runs.setdefault(route, {})[vantage] = tuple(_runs(row.second for row in of_one))
    return Rows(since=since, until=until, count=len(found), seconds=runs, sha256=_digest(found))


def chosen(rows: Rows, seconds: Iterable[WatchedSecond]) -> Sequence[WatchedSecond]:
    """Of all seconds of a record those that a claim was made from. What came later is no part of it."""
    return [row for row in seconds if _is_within(row, rows)]


def why_not_these(rows: Rows, seconds: Sequence[WatchedSecond]) -> str | None:
    """Whether these are the seconds that a claim was made from, unchanged; the reason if not."""
    if len(seconds) != rows.count:
        return f"{rows.count} seconds of the prober were judged, {len(seconds)} of them are there"
    if _digest(sorted(seconds, key=_place)) != rows.sha256:
        return f"the {rows.count} seconds of the prober are not those that were judged: their digest differs"
    return None


def told(failures: Sequence[SeenFailure]) -> Told:
    """What a claim says that was made when exactly these failures had been told."""
    return Told(count=len(failures), sha256=_failures_digest(failures))


def why_not_told(said: Told, failures: Sequence[SeenFailure]) -> str | None:
    """Whether a record still begins with the failures that had been told; the reason if not."""
    if len(failures) < said.count:
        return f"{said.count} failures had been told, {len(failures)} are there"
    if _failures_digest(failures[: said.count]) != said.sha256:
        return f"the first {said.count} failures are not those that had been told: their digest differs"
    return None


def _place(row: WatchedSecond) -> tuple[str, str, int]:
    return row.route, row.vantage, row.second


def _digest(rows: Sequence[WatchedSecond]) -> str:
    return digest([[row.route, row.vantage, row.second, row.body] for row in rows])


def _failures_digest(failures: Sequence[SeenFailure]) -> str:
    return digest([[one.route, one.vantage, one.at.isoformat(), one.text] for one in failures])


def _is_within(row: WatchedSecond, rows: Rows) -> bool:
    runs = rows.seconds.get(row.route, {}).get(row.vantage, ())
    return any(first <= row.second < after for first, after in runs)


def _runs(seconds: Iterable[int]) -> Iterable[tuple[int, int]]:
    for _, run in itertools.groupby(enumerate(seconds), key=lambda pair: pair[1] - pair[0]):
        members = [second for _, second in run]
        yield members[0], members[-1] + 1
