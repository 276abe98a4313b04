# SPDX-License-Identifier: Apache-2.0
"""Whether a gateway instance's listener takes connections: what tells a dead instance from one that is merely silent."""

import asyncio
from enum import Enum
from typing import NamedTuple

from steering.model import Endpoint

KNOCK_SECONDS = 2.0
"""Time-out of one try."""
REFUSALS = 3
"""So many refused connections in a row, `REFUSAL_SPACING_SECONDS` apart, make an instance dead."""
REFUSAL_SPACING_SECONDS = 0.1


class Listening(Enum):
    """What a listener does."""

    ANSWERS = "it answers"
    REFUSES = "it refused every connection"
    UNCLEAR = "it gives no clear answer"


class Knock(NamedTuple):
    """What came of knocking."""

    listening: Listening
    reason: str


async def knock(address: Endpoint) -> Knock:
    """Try to connect, again and again where it is refused."""
    for attempt in range(REFUSALS):
        if attempt:
            await asyncio.sleep(REFUSAL_SPACING_SECONDS)
        failure = await _try(address)
        if failure is None:
            return Knock(Listening.ANSWERS, f"its listener {address} answers")
        if not isinstance(failure, ConnectionRefusedError):
            return Knock(Listening.UNCLEAR, f"its listener {address} gives no clear answer: {failure!r}")
    return Knock(Listening.REFUSES, f"its listener {address} refused {REFUSALS} connections in a row")


async def _try(address: Endpoint) -> OSError | None:
    """One connection: None if it was accepted, or why not."""
    try:
        async with asyncio.timeout(KNOCK_SECONDS):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except OSError as error:
        return error
    writer.close()
    return None
