# SPDX-License-Identifier: Apache-2.0
"""One WebSocket connection. `websockets` reconnects only when iterated over, which is not done here."""

import json
import ssl
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus

from relocate.demo.traffic.clients.body import CELL_HEADER, REQUEST_ID_HEADER, read_answer, read_object
from relocate.demo.traffic.clients.contract import Conversation, Life
from relocate.demo.traffic.ledger import Answer, NotRightError, Ticket, failed, wrong
from relocate.demo.traffic.plan import GatewayInstance
from steering.model import SIDE_HEADER

SERVER_ERROR = 500
CLOSE_SECONDS = 1.0


class WebSocketConversation(Conversation):
    """Sends one message for each slot; each is answered with its own id."""

    def __init__(self, gateway: GatewayInstance, path: str, tls: ssl.SSLContext | None) -> None:
        """Args: gateway: where to; path: of the WebSocket; tls: trust, None for no TLS."""
        self._uri = f"{'wss' if tls else 'ws'}://{gateway.server_name}{path}"
        self._gateway = gateway
        self._tls = tls
        self._connection: ClientConnection | None = None
        self._side: str | None = None

    async def open(self, life: Life, cell: str) -> None:
        """Connect and shake hands."""
        try:
            self._connection = await connect(
                self._uri,
                host=self._gateway.host,
                port=self._gateway.port,
                ssl=self._tls,
                additional_headers={REQUEST_ID_HEADER: life.first.request_id, CELL_HEADER: cell},
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=None,
                close_timeout=CLOSE_SECONDS,
            )
        except InvalidStatus as error:
            raise _refused(error.response.status_code) from error
        except (OSError, InvalidHandshake, EOFError) as error:
            raise failed(f"cannot connect: {type(error).__name__}: {error}") from error
        response = self._connection.response
        self._side = response.headers.get(SIDE_HEADER) if response else None

    async def put(self, ticket: Ticket, cell: str) -> None:
        """Send this slot's message."""
        try:
            await self._opened().send(json.dumps({"id": ticket.request_id, "cell": cell}))
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def answers(self) -> AsyncIterator[tuple[str, Answer]]:
        """Ids and answers, in the order in which they come."""
        try:
            while True:
                value = read_object(await self._opened().recv())
                yield str(value.get("id")), read_answer(value, self._side)
        except ConnectionClosedOK:
            return
        except ConnectionClosed as error:
            raise _ended(error) from error

    async def close(self) -> None:
        """Say goodbye, and wait for the other side's."""
        if self._connection is not None:
            await self._connection.close()

    def _opened(self) -> ClientConnection:
        if self._connection is None:
            raise failed("the connection is not open")
        return self._connection


def _refused(status: int) -> NotRightError:
    make = failed if status >= SERVER_ERROR else wrong
    return make(f"handshake answered with status {status}")


def _ended(error: ConnectionClosed) -> NotRightError:
    return failed(f"the connection ended: {error}")
