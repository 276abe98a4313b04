# SPDX-License-Identifier: Apache-2.0
"""The lines from UEs to gateway instances: which client speaks on which, and with what trust."""

import ssl
from collections.abc import Callable

import grpc.aio

from readiness.tls import context
from relocate.demo.traffic.clients.contract import Conversation, Requester
from relocate.demo.traffic.clients.grpc import GrpcConversation, GrpcRequester, open_channel
from relocate.demo.traffic.clients.http1 import Http1Requester
from relocate.demo.traffic.clients.http2 import Http2Requester
from relocate.demo.traffic.clients.websocket import WebSocketConversation
from relocate.demo.traffic.plan import Flow, GatewayInstance, Protocol, TrafficPlan
from relocate.demo.traffic.timetable import Timetable


def trust(gateway: GatewayInstance, *protocols: str) -> ssl.SSLContext | None:
    """Whom a client trusts, and the protocols that it offers; None for no TLS.

    Raises:
        OSError: the CA file cannot be read.
    """
    return context(str(gateway.ca_file), *protocols) if gateway.ca_file else None


class Lines:
    """Makes the clients. Every timetable has connections of its own, as another UE would."""

    def __init__(self, plan: TrafficPlan) -> None:
        """Args: plan: names the gateway instances."""
        self._gateways = {gateway.name: gateway for gateway in plan.gateways}
        self._channels: list[grpc.aio.Channel] = []

    def requester(self, table: Timetable, flow: Flow) -> Requester:
        """The client of one timetable of single requests."""
        gateway = self._gateways[table.gateway]
        if flow.protocol is Protocol.GRPC:
            return GrpcRequester(open_channel(gateway))
        if flow.protocol is Protocol.HTTP2:
            return Http2Requester(gateway, flow, trust(gateway, "h2"))
        return Http1Requester(gateway, flow, trust(gateway, "http/1.1"))

    def conversations(self, table: Timetable, flow: Flow) -> Callable[[], Conversation]:
        """Makes the streams of one timetable, one after the other."""
        gateway = self._gateways[table.gateway]
        if flow.protocol is Protocol.WEBSOCKET:
            tls = trust(gateway)
            return lambda: WebSocketConversation(gateway, flow.path, tls)
        channel = open_channel(gateway)
        self._channels.append(channel)
        return lambda: GrpcConversation(channel)

    async def close(self) -> None:
        """Close what outlives single streams."""
        for channel in self._channels:
            await channel.close()
