# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
# These are tests: assert is how they speak, and a literal in an assertion is the expectation.
"""Cases about what UEs get, where the harness offers traffic."""

import asyncio

import pytest

from steering.conformance.bench import Bench
from steering.conformance.case import case
from steering.model import Rung


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
        """An open stream stays with A while new requests go to B, and counts as in flight until it ends.

        A gateway that does not claim to prove a drain need not count it.
        """
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
            if Rung.DRAINED not in bench.adapter.describe().rungs:
                return
            assert await _in_flight(bench, instance) >= 1
        for _ in range(100):
            if await _in_flight(bench, instance) == 0:
                break
            await asyncio.sleep(0.02)
        assert await _in_flight(bench, instance) == 0


async def _totals(bench: Bench, side: str) -> dict[str, int]:
    found = await bench.adapter.usage(bench.route, side)
    assert all(one.requests_total is not None for one in found), f"unknown: {found}"
    return {one.instance: one.requests_total or 0 for one in found}


async def _in_flight(bench: Bench, instance: str) -> int:
    (found,) = [one for one in await bench.adapter.usage(bench.route, bench.a.name) if one.instance == instance]
    assert found.in_flight is not None, found.reason
    return found.in_flight
