# SPDX-License-Identifier: Apache-2.0
"""Starts what was accepted and could not be started at once, or whose process died in between."""

import asyncio

import structlog

from relocate.dispatch import Dispatch

SWEEP_PERIOD = 1.0
"""Seconds between two looks for relocations that were accepted and not started."""

_log = structlog.get_logger(__name__)


async def sweep(dispatch: Dispatch) -> None:
    """Start what was accepted and not started, for as long as the service runs."""
    failing = False
    while True:
        try:
            await dispatch.sweep()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next second tries again
            if not failing:
                _log.warning("accepted relocations cannot be started now", error=str(error))
            failing = True
        else:
            failing = False
        await asyncio.sleep(SWEEP_PERIOD)
