# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
# These are tests: assert is how they speak, and a literal in an assertion is the expectation.
"""Cases about what instances say: unknown is never made up."""

import pytest

from steering.conformance.bench import Bench
from steering.conformance.case import case
from steering.errors import Rejected
from steering.model import Acknowledgement


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
        if await bench.harness.request(bench.harness.instances()[0], good) is not None:
            await bench.serves(good)
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
