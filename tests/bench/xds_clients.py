# SPDX-License-Identifier: Apache-2.0
"""Many simulated Envoys in one process: `python -m tests.bench.xds_clients GATEWAY COUNT PORT...`.

Each has a connection of its own to each port, subscribes as an Envoy does (clusters and listeners as a whole, endpoints
and routes by the names it finds in them), and acknowledges whatever it is told. Ends with its standard input.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import http_connection_manager_pb2
from envoy.service.discovery.v3 import ads_pb2_grpc, discovery_pb2

from steering.envoy.xds import CDS, EDS, LDS, RDS

OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
_MANAGER = http_connection_manager_pb2.HttpConnectionManager.DESCRIPTOR.full_name


def name_of(number: int) -> str:
    """Id of a simulated Envoy."""
    return f"simulated-{number:03}"


class Client:
    """One simulated Envoy."""

    def __init__(self, gateway: str, instance: str) -> None:
        """Args: gateway: whose instance it is; instance: its id."""
        self._node = {"id": instance, "cluster": gateway}
        self._requests: asyncio.Queue[Any] = asyncio.Queue()

    async def run(self, port: int) -> None:
        """Converse until cancelled."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
            stub = ads_pb2_grpc.AggregatedDiscoveryServiceStub(channel)
            self._ask(CDS, node=self._node)
            self._ask(LDS)
            async for response in stub.DeltaAggregatedResources(self._requesting()):
                for type_url, names in _wanted(response).items():
                    if names:
                        self._ask(type_url, resource_names_subscribe=names)
                self._ask(response.type_url, response_nonce=response.nonce)

    def _ask(self, type_url: str, **fields: Any) -> None:
        self._requests.put_nowait(discovery_pb2.DeltaDiscoveryRequest(type_url=type_url, **fields))

    async def _requesting(self) -> AsyncIterator[Any]:
        while True:
            yield await self._requests.get()


def _wanted(response: Any) -> dict[str, list[str]]:
    """What an Envoy asks for after this response."""
    if response.type_url == CDS:
        return {EDS: [one.name for one in response.resources if _has_endpoints(one.resource)]}
    if response.type_url == LDS:
        return {RDS: sorted({name for one in response.resources for name in _routes_of(one.resource)})}
    return {}


def _has_endpoints(packed: Any) -> bool:
    return bool(cluster_pb2.Cluster.FromString(packed.value).type == cluster_pb2.Cluster.EDS)


def _routes_of(packed: Any) -> Sequence[str]:
    listener = listener_pb2.Listener.FromString(packed.value)
    filters = [one for chain in listener.filter_chains for one in chain.filters]
    managers = [one.typed_config for one in filters if one.typed_config.type_url.endswith(_MANAGER)]
    return [
        http_connection_manager_pb2.HttpConnectionManager.FromString(one.value).rds.route_config_name
        for one in managers
    ]


async def main(gateway: str, count: int, ports: Sequence[int]) -> None:
    """Run every client against every port until standard input ends."""
    clients = [(Client(gateway, name_of(number)), port) for port in ports for number in range(count)]
    running = [asyncio.create_task(client.run(port)) for client, port in clients]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    done, _ = await asyncio.wait([ended, *running], return_when=asyncio.FIRST_COMPLETED)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for task in done:
        task.result()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
