# SPDX-License-Identifier: Apache-2.0
"""The live view: sums of what was concluded each second, as JSON lines for the page."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import httpx

from relocate.demo.traffic.latency import quantile
from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, Record
from relocate.demo.traffic.timetable import NANOSECONDS

PUSH_TIMEOUT_SECONDS = 0.5
LOST = (Outcome.FAILED, Outcome.MISSING)
UNANSWERED = "none"
"""Stands for the cluster of requests that no cluster answered."""


def counts(outcomes: Counter[Outcome]) -> dict[str, int]:
    """Sent (due, whatever became of it), right, lost and wrong."""
    return {
        "sent": outcomes.total(),
        "right": outcomes[Outcome.RIGHT],
        "lost": sum(outcomes[outcome] for outcome in LOST),
        "wrong": outcomes[Outcome.WRONG],
    }


class Sums:
    """What was concluded since the last look."""

    def __init__(self) -> None:
        self._outcomes: dict[Protocol, Counter[Outcome]] = defaultdict(Counter)
        self._latencies: dict[str, list[float]] = defaultdict(list)
        self._clusters: dict[str, Counter[Outcome]] = defaultdict(Counter)
        self._total: Counter[Outcome] = Counter()

    def add(self, protocol: Protocol, record: Record) -> None:
        """One request was concluded."""
        cluster = record.cluster or UNANSWERED
        self._outcomes[protocol][record.outcome] += 1
        self._clusters[cluster][record.outcome] += 1
        self._total[record.outcome] += 1
        if record.outcome is Outcome.RIGHT and record.latency_ms is not None:
            self._latencies[cluster].append(record.latency_ms)

    def take(self, at_ns: int, outstanding: int) -> dict[str, Any]:
        """The sums since the last look, and the totals so far.

        Shape: `{at, sent, right, lost, wrong, p50_ms, p99_ms, outstanding, protocols: {name: counts}, clusters: {name:
        counts with p50_ms, p99_ms}, total: counts}`; `at` in seconds since 1970, the cluster `none` answered nobody.
        """
        recent: Counter[Outcome] = sum(self._outcomes.values(), Counter())
        everything = sorted(value for values in self._latencies.values() for value in values)
        line = {
            "at": round(at_ns / NANOSECONDS, 3),
            **counts(recent),
            **_latency(everything),
            "outstanding": outstanding,
            "protocols": {str(protocol): counts(outcomes) for protocol, outcomes in self._outcomes.items()},
            "clusters": {
                name: {**counts(outcomes), **_latency(sorted(self._latencies[name]))}
                for name, outcomes in self._clusters.items()
            },
            "total": counts(self._total),
        }
        self._outcomes.clear()
        self._latencies.clear()
        self._clusters.clear()
        return line


def _latency(ordered: Sequence[float]) -> dict[str, float | None]:
    return {"p50_ms": quantile(ordered, 0.5), "p99_ms": quantile(ordered, 0.99)}


class Display:
    """Where the lines go: a file, and a loopback address."""

    def __init__(self, path: Path | None, url: str | None) -> None:
        """Args: path: replaced if it exists; url: gets each line by POST."""
        self._file = _appending(path) if path else None
        self._url = url
        self._client = httpx.AsyncClient(timeout=PUSH_TIMEOUT_SECONDS, trust_env=False)
        self.undelivered = 0
        """How many lines the address did not take; they are in the file all the same."""

    async def show(self, line: dict[str, Any]) -> None:
        """Write and send one line; it says how many before it were not delivered."""
        line = {**line, "undelivered": self.undelivered}
        if self._file is not None:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._file.flush()
        if self._url is not None:
            await self._push(self._url, line)

    async def _push(self, url: str, line: dict[str, Any]) -> None:
        try:
            (await self._client.post(url, json=line)).raise_for_status()
        except httpx.HTTPError:
            self.undelivered += 1

    async def close(self) -> None:
        """Close both."""
        await self._client.aclose()
        if self._file is not None:
            self._file.close()


def _appending(path: Path) -> TextIO:
    """The file, emptied. Each line goes to its end, as others may add lines of theirs."""
    path.write_bytes(b"")
    return path.open("a", encoding="utf-8")
