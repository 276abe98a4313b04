# SPDX-License-Identifier: Apache-2.0
"""The watch of a route on a fake clock, with senders that answer as told."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from readiness.clock import FakeClock
from relocate.errors import EvidenceNotStored
from relocate.model.application import Watch
from relocate.prober.claim import summed
from relocate.prober.coverage import coverage
from relocate.prober.records import Answer, Failure, Result, Second
from relocate.prober.route import BACKLOG_SECONDS, watch_route
from steering.model import Endpoint, Port, ProbePoint

WATCH = Watch(period_seconds=0.1, timeout_seconds=2)
PORT = Port(name="http")
RIGHT = Answer(Result.RIGHT, "200", "mec-a", "e1")


def point(name: str) -> ProbePoint:
    """A gateway instance that nobody connects to."""
    return ProbePoint(instance=name, endpoint=Endpoint(host="127.0.0.1", port=1), tls=False, server_name="app.test")


class Route:
    """A fake route: how long an answer takes and what it is, by the time of asking."""

    def __init__(self, clock: FakeClock, takes: Callable[[float], float] = lambda _: 0.01) -> None:
        self.clock, self.takes = clock, takes
        self.sent: list[tuple[float, str, bool]] = []
        self.prepared = self.closed = 0
        self.seconds: list[Second] = []
        self.failures: list[Failure] = []
        self.stop = asyncio.Event()

    def open_sender(self, _watch: object, _port: object, vantage: ProbePoint, _sides: object) -> "Sending":
        """The sender of one vantage."""
        return Sending(self, vantage.instance)

    async def sink(self, seconds: Sequence[Second], failures: Sequence[Failure]) -> None:
        """Take everything."""
        self.seconds += seconds
        self.failures += failures

    async def watch(self, *vantages: str, seconds: float = 5.0) -> None:
        """Watch for some fake seconds."""

        async def end() -> None:
            await self.clock.sleep(seconds)
            self.stop.set()

        ending = asyncio.create_task(end())
        points = [point(name) for name in vantages]
        await watch_route(
            WATCH, PORT, points, self.sink, stop=self.stop, clock=self.clock, open_sender=self.open_sender
        )
        await ending


class Sending:
    """One vantage of the fake route."""

    def __init__(self, route: Route, name: str) -> None:
        self.route, self.name = route, name

    async def prepare(self) -> None:
        """Count."""
        self.route.prepared += 1

    async def send(self, *, fresh: bool) -> Answer:
        """Answer as told; longer than the time-out is a failure at the time-out."""
        now = self.route.clock.monotonic()
        self.route.sent.append((now, self.name, fresh))
        takes = self.route.takes(now)
        await self.route.clock.sleep(min(takes, WATCH.timeout_seconds))
        if takes > WATCH.timeout_seconds:
            return Answer(Result.FAILED, "no answer within 2 s", fresh=fresh)
        return Answer(Result.RIGHT, "200", "mec-a", "e1", fresh)

    async def close(self) -> None:
        """Count."""
        self.route.closed += 1


async def test_requests_go_out_on_schedule_whatever_comes_back() -> None:
    """Open loop: an unanswered request delays no other, and fresh and kept connections take turns."""
    route = Route(FakeClock(), takes=lambda now: 9.0 if 1 <= now < 2 else 0.01)
    await route.watch("edge-1", seconds=3.95)
    assert [at for at, _, _ in route.sent] == pytest.approx([number / 10 for number in range(40)])
    assert [fresh for _, _, fresh in route.sent[:4]] == [True, False, True, False]
    total = summed(route.seconds)
    assert (total.sent, total.right, total.failed) == (40, 30, 10)
    assert total.longest_gap_ms == pytest.approx(1100, abs=20)
    assert (route.prepared, route.closed) == (1, 1)


async def test_an_outage_longer_than_the_period_is_seen() -> None:
    """Wherever a short outage falls, some request meets it, at each vantage."""
    for begins in (1.0, 1.03, 1.5, 1.99):
        route = Route(FakeClock(), takes=lambda now, begins=begins: 9.0 if begins <= now < begins + 0.11 else 0.0)
        await route.watch("edge-1", "edge-2")
        assert {failure.vantage for failure in route.failures} == {"edge-1", "edge-2"}


async def test_each_vantage_is_watched_on_the_whole_schedule() -> None:
    """Two vantages take turns, each at the full rate, and no second is a hole."""
    route = Route(FakeClock())
    since = route.clock.now().timestamp()
    await route.watch("edge-1", "edge-2", seconds=5)
    seen = coverage(route.seconds, vantages=["edge-1", "edge-2"], period=0.1, since=since, until=since + 5)
    assert seen.conclusive
    assert seen.longest_send_gap_ms == pytest.approx(100, abs=1)
    assert [at for at, name, _ in route.sent if name == "edge-2"][:2] == pytest.approx([0.05, 0.15])


async def test_a_prober_that_was_stalled_leaves_a_hole() -> None:
    """Requests whose moment has long passed are not sent: nobody watched then, and the coverage says so."""
    clock = FakeClock()
    stalled = False

    def stall(now: float) -> float:
        nonlocal stalled
        if now >= 2.05 and not stalled:
            stalled = True
            clock.stall(2.0)
        return 0.01

    route, since = Route(clock, takes=stall), clock.now().timestamp()
    await route.watch("edge-1", seconds=7)
    seen = coverage(route.seconds, vantages=["edge-1"], period=0.1, since=since, until=since + 7)
    assert [(hole.since - since, hole.until - since) for hole in seen.holes] == [(2, 3), (3, 4)]
    assert seen.holes[0].reason.endswith("requests were sent")
    assert summed(route.seconds).failed == 0


async def test_complete_seconds_are_handed_over_as_they_end() -> None:
    """The sink is called each second; a second with an open request comes when that ends."""
    clock = FakeClock()
    route, handed = Route(clock, takes=lambda now: 1.5 if 1.15 < now < 1.25 else 0.01), list[tuple[float, list[int]]]()

    async def sink(seconds: Sequence[Second], _: Sequence[Failure]) -> None:
        handed.append((round(clock.monotonic(), 3), [record.second % 100 for record in seconds]))

    route.sink = sink  # type: ignore[method-assign]
    await route.watch("edge-1", seconds=4.5)
    start = int(FakeClock().now().timestamp()) % 100
    assert handed == [(1.0, [start]), (3.0, [start + 1, start + 2]), (4.0, [start + 3]), (4.5, [start + 4])]


async def test_stopping_waits_for_what_is_open() -> None:
    """A watch that is ended in order knows what became of each of its requests."""
    route = Route(FakeClock(), takes=lambda now: 1.0 if now > 1.55 else 0.01)
    await route.watch("edge-1", seconds=2)
    total = summed(route.seconds)
    assert (total.sent, total.right, total.unfinished) == (len(route.sent), len(route.sent), 0)


async def test_cancelling_hands_over_what_there_is() -> None:
    """Open requests are unfinished, what ended is kept, and connections are let go."""
    route = Route(FakeClock(), takes=lambda now: 1.0 if now > 2.45 else 0.01)
    task = asyncio.create_task(route.watch("edge-1", seconds=100))
    await route.clock.sleep(2.6)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    total = summed(route.seconds)
    assert total.sent == len(route.sent)
    assert total.unfinished >= 1
    assert total.sent == total.finished + total.unfinished
    assert route.closed == 1


async def test_a_sink_that_fails_for_a_while_loses_nothing() -> None:
    """Seconds that could not be stored are given again."""
    route, kept = Route(FakeClock()), list[Second]()
    calls = 0

    async def sink(seconds: Sequence[Second], _: Sequence[Failure]) -> None:
        nonlocal calls
        calls += 1
        if calls in (2, 3):
            raise OSError("database is locked")
        kept.extend(seconds)

    route.sink = sink  # type: ignore[method-assign]
    await route.watch("edge-1", seconds=6)
    assert summed(kept).sent == len(route.sent)
    assert len({record.second for record in kept}) == len(kept)


async def test_a_sink_that_keeps_failing_ends_the_watch() -> None:
    """Evidence that cannot be stored is reported, with the cause."""
    route = Route(FakeClock())

    async def sink(_: Sequence[Second], __: Sequence[Failure]) -> None:
        raise OSError("disk full")

    route.sink = sink  # type: ignore[method-assign]
    with pytest.raises(EvidenceNotStored, match="could not be stored: OSError: disk full"):
        await route.watch("edge-1", seconds=1000)
    assert BACKLOG_SECONDS <= route.clock.monotonic() < BACKLOG_SECONDS + 10


async def test_a_sender_that_breaks_is_a_failure() -> None:
    """A mistake of ours is not a right answer, and does not end the watch."""

    def broken(now: float) -> float:
        if now > 1:
            raise KeyError("bug")
        return 0.01

    route = Route(FakeClock(), takes=broken)
    await route.watch("edge-1", seconds=2)
    assert route.failures[-1].words == "prober: KeyError: 'bug'"


async def test_nobody_to_watch_is_a_mistake() -> None:
    """A watch over no gateway instance would prove nothing."""
    with pytest.raises(ValueError, match="at least one gateway instance"):
        await Route(FakeClock()).watch()
