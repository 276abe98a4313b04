# SPDX-License-Identifier: Apache-2.0
"""The cases. Each is a promise of `steering.contract`; a case that a harness cannot offer is skipped and reported so."""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

import pytest

from steering.conformance.bench import Bench
from steering.conformance.harness import ConformanceHarness
from steering.errors import Conflict, Fenced, Rejected, UnknownRoute
from steering.model import Acknowledgement, Fence, Rung

ADAPTER_RUNGS = {Rung.WRITTEN, Rung.OBSERVED, Rung.ACKNOWLEDGED, Rung.DRAINED}


def case(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous case to its end, in the bench's own event loop: no other plugin is needed for that."""

    @functools.wraps(function)
    def run(self: object, steering_bench: Bench, **parameters: object) -> None:
        steering_bench.run(function(self, steering_bench, **parameters))

    asked = inspect.signature(function)
    names = {"bench": "steering_bench"}
    renamed = [one.replace(name=names.get(name, name)) for name, one in asked.parameters.items()]
    run.__dict__.pop("__wrapped__")
    run.__dict__["__signature__"] = asked.replace(parameters=renamed)
    return run


class WrittenSuite:
    """Documents: compare-and-set under a fence."""

    @case
    async def test_describes_what_it_can_prove(self, bench: Bench) -> None:
        """An adapter claims at least that it writes, and never what only the orchestrator can prove."""
        rungs = bench.adapter.describe().rungs
        assert Rung.WRITTEN in rungs
        assert rungs <= ADAPTER_RUNGS

    @case
    async def test_unknown_route_is_not_made_up(self, bench: Bench) -> None:
        """A route that was never written reads as None, and nothing else is said about it."""
        assert await bench.adapter.read(bench.route) is None
        with pytest.raises(UnknownRoute):
            await bench.adapter.acknowledged(bench.route, "1")
        with pytest.raises(UnknownRoute):
            await bench.adapter.usage(bench.route, bench.a.name)

    @case
    async def test_reads_back_what_was_written(self, bench: Bench) -> None:
        """What is read is the document, version and fence of the last write, for another process too."""
        document, fence = bench.document(probe_paths=(bench.probe_path(),)), bench.fence()
        version = await bench.adapter.apply(document, fence=fence, base=None)
        other = bench.harness.adapter()
        try:
            state = await other.read(bench.route)
        finally:
            await other.close()
        assert state is not None
        assert (state.document, state.version, state.fence) == (document, version, fence)

    @case
    async def test_good_document_has_no_problem(self, bench: Bench) -> None:
        """A document that can be carried is not refused beforehand."""
        assert not [problem for problem in await bench.adapter.validate(bench.document()) if problem.fatal]

    @case
    async def test_repeat_answers_the_same_version(self, bench: Bench) -> None:
        """An equal fence with an equal document is a repeat: same version, nothing written anew."""
        document, fence = bench.document(), bench.fence()
        version = await bench.adapter.apply(document, fence=fence, base=None)
        assert await bench.adapter.apply(document, fence=fence, base=None) == version
        assert await bench.adapter.apply(document, fence=fence, base=version) == version

    @case
    async def test_equal_fence_with_another_document_is_refused(self, bench: Bench) -> None:
        """One fence writes one document."""
        fence = bench.fence()
        version = await bench.adapter.apply(bench.document(), fence=fence, base=None)
        with pytest.raises(Fenced):
            await bench.adapter.apply(bench.document((0, 100)), fence=fence, base=version)
        await _unchanged(bench, version)

    @case
    async def test_stale_fence_is_refused(self, bench: Bench) -> None:
        """A writer that is behind changes nothing, even if it knows the version; neither does one of an older lease."""
        version = await bench.adapter.apply(bench.document(), fence=Fence(lease=2, sequence=2), base=None)
        for stale in (Fence(lease=2, sequence=1), Fence(lease=1, sequence=9)):
            with pytest.raises(Fenced):
                await bench.adapter.apply(bench.document((0, 100)), fence=stale, base=version)
        await _unchanged(bench, version)

    @case
    async def test_wrong_base_is_a_conflict(self, bench: Bench) -> None:
        """Somebody else's change is not overwritten."""
        with pytest.raises(Conflict):
            await bench.adapter.apply(bench.document(), fence=bench.fence(), base="1")
        first = await bench.adapter.apply(bench.document(), fence=bench.fence(), base=None)
        second = await bench.adapter.apply(bench.document((50, 50)), fence=bench.fence(), base=first)
        for base in (None, first):
            with pytest.raises(Conflict):
                await bench.adapter.apply(bench.document((0, 100)), fence=bench.fence(), base=base)
        await _unchanged(bench, second)

    @case
    async def test_one_of_two_writers_wins(self, bench: Bench) -> None:
        """Of two that write at the same moment from the same base exactly one succeeds, and its document stands."""
        base = await bench.adapter.apply(bench.document(), fence=bench.fence(), base=None)
        documents = [bench.document((50, 50)), bench.document((0, 100))]
        outcomes = await asyncio.gather(
            *(bench.adapter.apply(document, fence=bench.fence(), base=base) for document in documents),
            return_exceptions=True,
        )
        won = [document for document, outcome in zip(documents, outcomes, strict=True) if isinstance(outcome, str)]
        lost = [outcome for outcome in outcomes if not isinstance(outcome, str)]
        assert len(won) == 1
        assert isinstance(lost[0], Fenced | Conflict)
        state = await bench.adapter.read(bench.route)
        assert state is not None
        assert state.document == won[0]


class InstancesSuite:
    """What instances say: unknown is never made up."""

    @case
    async def test_every_instance_acknowledges(self, bench: Bench) -> None:
        """There is one entry per instance, and each ends at applied; earlier versions stay applied."""
        first = await bench.write(bench.document(), None)
        second = await bench.write(bench.document((50, 50)), first)
        told = await bench.adapter.acknowledged(bench.route, second)
        assert sorted(one.instance for one in told) == sorted(bench.harness.instances())
        assert {one.state for one in await bench.adapter.acknowledged(bench.route, first)} == {Acknowledgement.APPLIED}

    @case
    async def test_unwritten_version_is_never_acknowledged(self, bench: Bench) -> None:
        """Nobody has applied what nobody has written."""
        version = await bench.write(bench.document(), None)
        told = await bench.adapter.acknowledged(bench.route, bench.harness.unwritten(version))
        assert told
        assert Acknowledgement.APPLIED not in {one.state for one in told}

    @case
    async def test_cut_off_instance_is_named(self, bench: Bench) -> None:
        """An instance without a control connection blocks, by name and with a reason, and catches up afterwards."""
        instance = bench.harness.instances()[-1]
        cut = bench.harness.cut_off(instance)
        if cut is None:
            pytest.skip("the harness cannot cut an instance off")
        version = await bench.write(bench.document(), None)
        async with cut:
            version = await bench.adapter.apply(bench.document((50, 50)), fence=bench.fence(), base=version)
            told = await bench.told(
                version, lambda all_of_them: any(one.state is Acknowledgement.DEAF for one in all_of_them)
            )
            (it,) = [one for one in told if one.instance == instance]
            assert it.state in {Acknowledgement.DEAF, Acknowledgement.UNKNOWN, Acknowledgement.PENDING}
            assert it.reason
        await bench.live(version)

    @case
    async def test_rejected_document_leaves_the_old_one(self, bench: Bench) -> None:
        """A document that the gateway refuses is reported with a reason, changes no traffic, and can be taken back."""
        good = bench.document()
        version = await bench.write(good, None)
        poisoned = bench.harness.poison(bench.document())
        if poisoned is None:
            pytest.skip("the harness has no document that its gateway refuses")
        try:
            version = await bench.adapter.apply(poisoned, fence=bench.fence(), base=version)
        except Rejected as refusal:
            assert str(refusal)  # noqa: PT017, being refused at once is one of two right outcomes
        else:
            told = await bench.told(
                version, lambda all_of_them: all(one.state is Acknowledgement.REJECTED for one in all_of_them)
            )
            assert {one.state for one in told} == {Acknowledgement.REJECTED}
            assert all(one.reason for one in told)
        for instance in bench.harness.instances():
            reply = await bench.harness.request(instance, good)
            assert reply is None or (reply.error, reply.epoch) == (None, good.epoch)
        await bench.write(bench.document(), version)

    @case
    async def test_probe_points_name_every_instance(self, bench: Bench) -> None:
        """Every instance can be reached as a UE would."""
        await bench.write(bench.document(), None)
        points = await bench.adapter.probe_points(bench.route)
        assert sorted(point.instance for point in points) == sorted(bench.harness.instances())
        assert {point.server_name for point in points} <= set(bench.harness.hosts(bench.route))

    @case
    async def test_unreadable_counter_is_unknown(self, bench: Bench) -> None:
        """An instance that cannot be asked counts nothing we know of: None, with a reason, never zero."""
        instance = bench.harness.instances()[-1]
        unreadable = bench.harness.uncounted(instance)
        if unreadable is None:
            pytest.skip("the harness cannot hide an instance's counters")
        await bench.write(bench.document(), None)
        async with unreadable:
            found = {one.instance: one for one in await bench.adapter.usage(bench.route, bench.a.name)}
        assert sorted(found) == sorted(bench.harness.instances())
        assert (found[instance].in_flight, found[instance].requests_total) == (None, None)
        assert found[instance].reason

    @case
    async def test_unknown_side_is_unknown(self, bench: Bench) -> None:
        """A side that the document does not have is not a side with nothing in flight."""
        await bench.write(bench.document((100,)), None)
        for one in await bench.adapter.usage(bench.route, bench.b.name):
            assert one.in_flight is None
            assert one.reason


class TrafficSuite:
    """What UEs get."""

    @case
    async def test_answers_carry_epoch_and_side(self, bench: Bench) -> None:
        """Every answer names the write that produced it, and the side that really answered."""
        document = bench.document()
        version = await bench.write(document, None)
        await bench.serves(document)
        document = bench.document()
        await bench.write(document, version)
        for instance in bench.harness.instances():
            reply = await bench.ask(instance, document)
            assert (reply.epoch, reply.side, reply.answered_by) == (document.epoch, bench.a.name, bench.a.name)

    @case
    async def test_probe_path_leads_to_b(self, bench: Bench) -> None:
        """Only the right token leads to B; plain traffic and a wrong token lead to A; afterwards the path is gone."""
        path = bench.probe_path()
        document = bench.document(probe_paths=(path,))
        version = await bench.write(document, None)
        await bench.serves(document)
        await bench.serves(document, token=path.token)
        for instance in bench.harness.instances():
            assert (await bench.ask(instance, document, token=path.token)).answered_by == bench.b.name
            assert (await bench.ask(instance, document, token=path.token)).side == bench.b.name
            assert (await bench.ask(instance, document, token=path.token[::-1])).answered_by == bench.a.name
            assert (await bench.ask(instance, document)).answered_by == bench.a.name
        await bench.write(bench.document(), version)
        for instance in bench.harness.instances():
            assert (await bench.ask(instance, document, token=path.token)).answered_by == bench.a.name

    @case
    async def test_probes_are_not_counted(self, bench: Bench) -> None:
        """Requests move the side's counter, probes do not."""
        path = bench.probe_path()
        document = bench.document(probe_paths=(path,))
        await bench.write(document, None)
        await bench.serves(document)
        await bench.serves(document, token=path.token)
        before = await _totals(bench, bench.a.name), await _totals(bench, bench.b.name)
        for instance in bench.harness.instances():
            await bench.ask(instance, document)
            await bench.ask(instance, document, token=path.token)
        after = await _totals(bench, bench.a.name), await _totals(bench, bench.b.name)
        each = dict.fromkeys(bench.harness.instances(), 1)
        assert {name: after[0][name] - before[0][name] for name in each} == each
        assert after[1] == before[1]

    @case
    async def test_weights_share_the_traffic(self, bench: Bench) -> None:
        """At 50/50 both sides answer, each naming itself rightly."""
        document = bench.document((50, 50))
        await bench.write(document, None)
        await bench.serves(document)
        instance = bench.harness.instances()[0]
        replies = [await bench.ask(instance, document) for _ in range(60)]
        assert {reply.answered_by for reply in replies} == {bench.a.name, bench.b.name}
        assert all(reply.side == reply.answered_by for reply in replies)

    @case
    async def test_flips_lose_nothing(self, bench: Bench) -> None:
        """Switching to and fro under load loses no request, and after the acknowledgement no old answer comes."""
        document = bench.document()
        version = await bench.write(document, None)
        await bench.serves(document)
        # B must be warm before it gets traffic, as in a relocation.
        path = bench.probe_path()
        warm = bench.document(probe_paths=(path,))
        version = await bench.write(warm, version)
        await bench.serves(warm, token=path.token)
        wrong = 0
        async with bench.traffic(document) as seen:
            for flip in range(bench.harness.flips):
                now = bench.document((0, 100) if flip % 2 == 0 else (100, 0))
                version = await bench.write(now, version)
                side = bench.b.name if flip % 2 == 0 else bench.a.name
                for instance in bench.harness.instances():
                    reply = await bench.ask(instance, now)
                    wrong += (reply.epoch, reply.answered_by) != (now.epoch, side)
        bench.measured |= {
            "requests": len(seen.replies),
            "lost": len(seen.errors),
            "wrong_after_acknowledgement": wrong,
        }
        assert seen.errors == []
        assert {reply.side == reply.answered_by for reply in seen.replies} == {True}
        assert wrong == 0

    @pytest.mark.parametrize("state", ["prepared", "shared", "switched", "forgotten"])
    @case
    async def test_reverts_from_every_state(self, bench: Bench, state: str) -> None:
        """From wherever a relocation stands, writing A's document brings every request back to A."""
        start = bench.document((100,))
        version = await bench.write(start, None)
        await bench.serves(start)
        reached = {
            "prepared": bench.document(probe_paths=(bench.probe_path(),)),
            "shared": bench.document((50, 50), failover=bench.adapter.describe().failover),
            "switched": bench.document((0, 100)),
            "forgotten": bench.document((100,), backends=(bench.b,), weights={bench.b.name: 100}),
        }[state]
        version = await bench.write(reached, version)
        await bench.serves(reached)
        back = bench.document((100,))
        await bench.write(back, version)
        await bench.serves(back)
        for instance in bench.harness.instances():
            reply = await bench.ask(instance, back)
            assert (reply.epoch, reply.answered_by) == (back.epoch, bench.a.name)

    @case
    async def test_stream_survives_a_switch(self, bench: Bench) -> None:
        """An open stream stays with A while new requests go to B, and counts as in flight until it ends."""
        instance = bench.harness.instances()[0]
        document = bench.document()
        opened = bench.harness.stream(instance, document)
        if opened is None:
            pytest.skip("the harness offers no streams")
        version = await bench.write(document, None)
        await bench.serves(document)
        async with opened as stream:
            assert await stream.ask() == bench.a.name
            switched = bench.document((0, 100))
            await bench.write(switched, version)
            await bench.serves(switched)
            assert await stream.ask() == bench.a.name
            assert (await bench.ask(instance, switched)).answered_by == bench.b.name
            assert await _in_flight(bench, instance) >= 1
        for _ in range(100):
            if await _in_flight(bench, instance) == 0:
                break
            await asyncio.sleep(0.02)
        assert await _in_flight(bench, instance) == 0


class ConformanceSuite(WrittenSuite, InstancesSuite, TrafficSuite):
    """All cases. Subclass it in a test file, name the subclass `Test...`, and set `harness`."""

    harness: ClassVar[type[ConformanceHarness]]


async def _unchanged(bench: Bench, version: str) -> None:
    state = await bench.adapter.read(bench.route)
    assert state is not None
    assert state.version == version


async def _totals(bench: Bench, side: str) -> dict[str, int]:
    found = await bench.adapter.usage(bench.route, side)
    assert all(one.requests_total is not None for one in found), f"unknown: {found}"
    return {one.instance: one.requests_total or 0 for one in found}


async def _in_flight(bench: Bench, instance: str) -> int:
    (found,) = [one for one in await bench.adapter.usage(bench.route, bench.a.name) if one.instance == instance]
    assert found.in_flight is not None, found.reason
    return found.in_flight
