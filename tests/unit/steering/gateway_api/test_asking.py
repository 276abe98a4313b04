# SPDX-License-Identifier: Apache-2.0
"""Asking a replica which write it answers by."""

import asyncio

import pytest

from steering.gateway_api import asking
from steering.gateway_api.asking import Asker, Told
from steering.gateway_api.kinds import GrpcRoute
from steering.gateway_api.record import Record
from steering.gateway_api.settings import Replica
from steering.model import Endpoint
from tests.unit.steering.documents import GRPC, fence
from tests.unit.steering.gateway_api.objects import document

MOMENTS = range(40)
"""Steps of the event loop after which a question is given up: from before it connects until after it has been sent."""


async def test_a_question_that_is_given_up_does_not_end_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two to the same replica at once the other one ends by the replica's silence, whenever the first ends."""
    monkeypatch.setattr(asking, "ASK_SECONDS", 1.0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        replica = Replica(id="edge-1", address=Endpoint(host="127.0.0.1", port=port))
        askers = [Asker(None, GrpcRoute()) for _ in MOMENTS]
        given = await asyncio.gather(*map(_second_of_two, askers, [replica] * len(askers), MOMENTS))
    assert {one.failure for one in given} <= {"ReadTimeout('')", "ConnectTimeout('')"}


async def _second_of_two(asker: Asker, replica: Replica, moment: int) -> Told:
    """What the second question was told, when the first is given up at this moment."""
    record = Record.first("edge", 1, fence(1), document(ports=(GRPC,)))
    first, second = (asyncio.create_task(asker.ask(replica, record)) for _ in range(2))
    for _ in range(moment):
        await asyncio.sleep(0)
    first.cancel()
    try:
        return await second
    finally:
        await asyncio.wait([first])
        await asker.close()
