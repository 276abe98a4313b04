# SPDX-License-Identifier: Apache-2.0
"""HTTP/2: one multiplexed connection, by h2 on asyncio's streams. No redirects, no cookies, no proxies, no retries."""

import asyncio
import ssl
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection, H2ConnectionStateMachine
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError, TooManyStreamsError

from relocate.demo.traffic.clients.body import CELL_HEADER, REQUEST_ID_HEADER, checked_response
from relocate.demo.traffic.clients.contract import Requester
from relocate.demo.traffic.ledger import Answer, Ticket, failed
from relocate.demo.traffic.plan import Flow, GatewayInstance
from steering.model import SIDE_HEADER

CHUNK = 65536
CONNECT_SECONDS = 2.0
"""Longest time for one connection to be made, however many requests wait for it."""
SHUTDOWN_SECONDS = 1.0
"""How long the other side may take to say goodbye over TLS; nobody waits for it."""


CONFIGURATION = H2Configuration(
    client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
)
"""What we send are always the same few headers, right as they are."""


class Broken(Exception):
    """The exchange cannot be completed; the text says why."""


class _States(H2ConnectionStateMachine):
    """GOAWAY ends what is new, not what is under way (RFC 9113, 6.8).

    h2 takes the connection for closed from then on, and an answer that was still to come for a protocol error.
    """

    _transitions = H2ConnectionStateMachine._transitions | {  # noqa: SLF001 - h2 has no other way to say so
        (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN)
    }


@dataclass
class _Exchange:
    """One request and what has come back of its answer."""

    done: asyncio.Future[None]
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class _Connection:
    """One connection, with as many exchanges at once as the other side allows."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = H2Connection(CONFIGURATION)
        self._protocol.state_machine = _States()
        self._protocol.initiate_connection()
        self._flush()
        self._exchanges: dict[int, _Exchange] = {}
        self.is_usable = True
        """Whether another request may be sent."""
        self._reading = asyncio.create_task(self._read())

    async def ask(self, headers: list[tuple[str, str]]) -> _Exchange:
        """Send one request without a body, and wait for the whole answer.

        Raises:
            Broken: there is none to come.
        """
        stream = self._protocol.get_next_available_stream_id()
        exchange = self._exchanges[stream] = _Exchange(asyncio.get_running_loop().create_future())
        try:
            self._protocol.send_headers(stream, headers, end_stream=True)
            self._flush()
            await exchange.done
        except asyncio.CancelledError:
            self._give_up(stream)
            raise
        except TooManyStreamsError as error:
            raise Broken(str(error)) from error  # It was not sent; the others go on.
        except ProtocolError as error:
            self._end(str(error))
            raise Broken(str(error)) from error
        finally:
            self._exchanges.pop(stream, None)
            self._end_if_idle()
        return exchange

    @property
    def has_ended(self) -> bool:
        """Whether nothing is read from it any more."""
        return self._reading.done()

    async def close(self) -> None:
        """Say goodbye and close."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        if self.is_usable:
            self._protocol.close_connection()
            self._flush()
        self._end("the client closed")

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(CHUNK):
                for event in self._protocol.receive_data(data):
                    self._take(event)
                self._flush()
        except (OSError, ProtocolError) as error:
            self._end(f"{type(error).__name__}: {error}")
        else:
            self._end("the connection was closed without an answer")

    def _take(self, event: Event) -> None:
        if isinstance(event, ConnectionTerminated):
            self._leave(event.last_stream_id or 0)
            return
        exchange = self._exchanges.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, DataReceived):
            self._protocol.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        if exchange is None or exchange.done.done():
            return
        match event:
            case ResponseReceived():
                exchange.headers |= {str(name): str(value) for name, value in event.headers or ()}
            case DataReceived():
                exchange.body += event.data or b""
            case StreamEnded():
                exchange.done.set_result(None)
            case StreamReset():
                exchange.done.set_exception(Broken(f"the stream was reset: {event.error_code!r}"))

    def _leave(self, last: int) -> None:
        """GOAWAY: what was sent after `last` was not processed. The UE would notice, so it is not sent again."""
        self.is_usable = False
        for stream, exchange in self._exchanges.items():
            if stream > last and not exchange.done.done():
                exchange.done.set_exception(Broken("the gateway refused it by GOAWAY; it is not sent again"))
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        """After GOAWAY the connection is there only for the answers under way."""
        if not self.is_usable and not self._exchanges:
            self._end("the last answer came")

    def _give_up(self, stream: int) -> None:
        """Nobody waits for this answer any more; the others are not touched."""
        if self.is_usable:
            try:
                self._protocol.reset_stream(stream)
            except ProtocolError:
                return  # it had ended in the same moment
            self._flush()

    def _end(self, why: str) -> None:
        self.is_usable = False
        for exchange in self._exchanges.values():
            if not exchange.done.done():
                exchange.done.set_exception(Broken(why))
        self._writer.close()

    def _flush(self) -> None:
        data = self._protocol.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)


class Http2Requester(Requester):
    """One UE's HTTP/2 connection to one gateway instance."""

    def __init__(self, gateway: GatewayInstance, flow: Flow, tls: ssl.SSLContext | None) -> None:
        """Args: gateway: where to; flow: the path; tls: trust that offers h2, None for no TLS (prior knowledge)."""
        self._gateway = gateway
        self._tls = tls
        self._path = flow.path
        self._connection: _Connection | None = None
        """The one for new requests."""
        self._connections: list[_Connection] = []
        """That one, and those left after GOAWAY that are still read. asyncio alone does not keep them alive."""
        self._connecting: asyncio.Task[_Connection] | None = None

    async def ask(self, ticket: Ticket, cell: str) -> Answer:
        """Send one request over the connection; a new one is made when that has ended."""
        headers = [
            (":method", "GET"),
            (":scheme", "https" if self._tls else "http"),
            (":authority", self._gateway.server_name),
            (":path", self._path),
            (REQUEST_ID_HEADER, ticket.request_id),
            (CELL_HEADER, cell),
        ]
        try:
            exchange = await (await self._usable()).ask(headers)
        except (OSError, Broken) as error:
            raise failed(f"{type(error).__name__}: {error}") from error
        status, side = int(exchange.headers[":status"]), exchange.headers.get(SIDE_HEADER)
        return checked_response(status, bytes(exchange.body), ticket.request_id, side)

    async def _usable(self) -> _Connection:
        """The connection; where one is being made, all who wait share it.

        A request that gives up waiting leaves it to the others. If each had to make one of its own in what was left of its
        time, one connection that was slow to come would cost every request after it.
        """
        if self._connection is not None and self._connection.is_usable:
            return self._connection
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> _Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                self._connection = await self._open()
            self._connections = [*(each for each in self._connections if not each.has_ended), self._connection]
            return self._connection
        finally:
            self._connecting = None

    async def _open(self) -> _Connection:
        gateway = self._gateway
        if self._tls is None:
            return _Connection(*await asyncio.open_connection(gateway.host, gateway.port))
        reader, writer = await asyncio.open_connection(
            gateway.host,
            gateway.port,
            ssl=self._tls,
            server_hostname=gateway.server_name,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS,
        )
        return _Connection(reader, writer)

    async def close(self) -> None:
        """Close every connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        for connection in self._connections:
            await connection.close()
