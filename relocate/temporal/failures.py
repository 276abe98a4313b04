# SPDX-License-Identifier: Apache-2.0
"""Temporal's errors in our words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from relocate.errors import EngineUnavailable, NotRunning


@asynccontextmanager
async def asking(identity: str | None = None) -> AsyncIterator[None]:
    """Around what is asked of Temporal, about one run unless `identity` is None.

    Raises:
        NotRunning: Temporal does not have that run, or it has ended.
        EngineUnavailable: Temporal, or a worker, did not answer.
    """
    try:
        yield
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise EngineUnavailable("no worker answered in time; the command may still take effect") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and identity is not None:
            text = (
                f"{identity} does not run: it has ended, has not begun, or Temporal has lost it (abandon ends it then)"
            )
            raise NotRunning(text) from error
        raise EngineUnavailable(f"Temporal cannot be asked: {error.message}") from error
    except RuntimeError as error:
        raise EngineUnavailable(f"Temporal cannot be reached: {error}") from error
