# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
# These are tests: assert is how they speak.
"""Cases about instances that listen elsewhere now."""

import asyncio
import time

import pytest

from steering.conformance.bench import POLL_SECONDS, Bench
from steering.conformance.case import case
from steering.model import RouteDocument


class FollowingSuite:
    """Instances that listen elsewhere now."""

    @case
    async def test_unknown_instance_is_not_kept(self, bench: Bench) -> None:
        """Where no route names an instance, nobody need be told where it is; an instance without endpoints is nowhere."""
        assert not await bench.adapter.follow(f"{bench.route}-a", bench.b.endpoints)
        await bench.adapter.apply(_document(bench), fence=bench.fence(), base=None)
        assert not await bench.adapter.follow(f"{bench.route}-c", bench.b.endpoints)
        for nowhere in ({}, {bench.harness.ports[0].name: ()}):
            with pytest.raises(ValueError, match="endpoints"):
                await bench.adapter.follow(f"{bench.route}-a", nowhere)

    @case
    async def test_moved_instance_is_followed(self, bench: Bench) -> None:
        """A's side leads to where A listens now, in the same version, and still does so after the next write."""
        document, instance = _document(bench), f"{bench.route}-a"
        version = await bench.write(document, None)
        await bench.serves(document)
        assert await bench.adapter.follow(instance, bench.b.endpoints)
        await _answered(bench, document, by=bench.b.name)
        state = await bench.adapter.read(bench.route)
        assert state is not None
        assert (state.version, state.drift) == (version, None)
        document = _document(bench)
        await bench.write(document, version)
        await _answered(bench, document, by=bench.b.name)
        assert await bench.adapter.follow(instance, bench.a.endpoints)
        await _answered(bench, document, by=bench.a.name)


def _document(bench: Bench) -> RouteDocument:
    """With an instance that no other case knows: what is followed is followed in every route."""
    a = bench.a.model_copy(update={"instance": f"{bench.route}-a"})
    return bench.document((100, 0), backends=(a, bench.b))


async def _answered(bench: Bench, document: RouteDocument, *, by: str) -> None:
    """Wait until every instance has sent a request of side A there; where A was before may serve on while it is healthy."""
    deadline = time.monotonic() + bench.harness.settle_seconds
    for instance in bench.harness.instances():
        reply = await bench.ask(instance, document)
        while reply.answered_by != by and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
            reply = await bench.ask(instance, document)
        assert (reply.error, reply.side, reply.answered_by) == (None, bench.a.name, by), instance
