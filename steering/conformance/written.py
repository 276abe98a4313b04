# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
# These are tests: assert is how they speak, and a literal in an assertion is the expectation.
"""Cases about documents: compare-and-set under a fence."""

import asyncio

import pytest

from steering.conformance.bench import Bench
from steering.conformance.case import case
from steering.errors import Conflict, Fenced, UnknownRoute
from steering.model import Acknowledgement, Fence, Rung

ADAPTER_RUNGS = {Rung.WRITTEN, Rung.OBSERVED, Rung.ACKNOWLEDGED, Rung.DRAINED}
"""What an adapter may claim; the other rungs are proven by the orchestrator."""


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
    async def test_removed_route_is_gone(self, bench: Bench) -> None:
        """Nothing is said about it any more; removing it again changes nothing; written anew, its versions go on."""
        first = await bench.adapter.apply(bench.document(), fence=bench.fence(), base=None)
        for _ in range(2):
            await bench.adapter.remove(bench.route, fence=bench.fence(), base=first)
            assert await bench.adapter.read(bench.route) is None
        with pytest.raises(UnknownRoute):
            await bench.adapter.probe_points(bench.route)
        second = await bench.write(bench.document(), None)
        told = await bench.adapter.acknowledged(bench.route, first)
        assert {one.state for one in told} == {Acknowledgement.APPLIED}
        assert second != first

    @case
    async def test_removal_by_a_stale_writer_is_refused(self, bench: Bench) -> None:
        """A route is taken away by the newest writer, and as it read it; by nobody else."""
        stale = bench.fence()
        first = await bench.adapter.apply(bench.document(), fence=bench.fence(), base=None)
        with pytest.raises(Fenced):
            await bench.adapter.remove(bench.route, fence=stale, base=first)
        second = await bench.adapter.apply(bench.document((50, 50)), fence=bench.fence(), base=first)
        with pytest.raises(Conflict):
            await bench.adapter.remove(bench.route, fence=bench.fence(), base=first)
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


async def _unchanged(bench: Bench, version: str) -> None:
    state = await bench.adapter.read(bench.route)
    assert state is not None
    assert state.version == version
