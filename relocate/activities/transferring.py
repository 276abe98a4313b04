# SPDX-License-Identifier: Apache-2.0
"""The application's own hooks for its state: asked by HTTP at the instance that has it."""

import httpx
from opentelemetry import propagate
from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import changing
from relocate.activities.failures import translated
from relocate.activities.orders import TransferOrder
from relocate.activities.record import keep_claims
from relocate.errors import NotProven
from relocate.model.evidence import Claim
from relocate.parts import Parts
from steering.model import Backend, Endpoint


class Transferring:
    """The activity of the phase `transfer`, and of its undo."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.TRANSFER.name)
    @translated
    async def transfer(self, order: TransferOrder) -> None:
        """Call one hook at the source, which must answer 2xx; hooks may be called again.

        Raises:
            NotProven: it answered otherwise, or not in time.
        """
        async with changing(self._parts.database, order):
            sentence = await _call(order)
        claim = Claim(rung="note", phase=order.phase, side=order.source.name, sentence=sentence)
        await keep_claims(self._parts.database, order, [claim])


async def _call(order: TransferOrder) -> str:
    at = _endpoint(order.source, order.port)
    body = {
        "relocation": order.relocation,
        "source": str(at),
        "target": str(_endpoint(order.target, order.port)),
        "fence": order.fence.model_dump(),
    }
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=order.timeout_seconds) as client:
            answer = await client.post(f"http://{at}{order.path}", json=body, headers=_trace_headers())
    except httpx.HTTPError as error:
        raise NotProven(f"hook {order.path} of {order.source.name} failed: {error or type(error).__name__}") from error
    if not answer.is_success:
        raise NotProven(f"hook {order.path} of {order.source.name} answered {answer.status_code}: {answer.text[:200]}")
    return f"hook {order.path} of {order.source.name} answered {answer.status_code}"


def _trace_headers() -> dict[str, str]:
    """The application may go on with our trace (W3C `traceparent`), if there is one."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def _endpoint(side: Backend, port: str) -> Endpoint:
    return side.endpoints[port][0]
