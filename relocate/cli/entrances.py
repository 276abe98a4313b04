# SPDX-License-Identifier: Apache-2.0
"""Whether the declared instances of gateways take connections, seen from where the command runs."""

import socket
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from relocate.cli.client import Client

SECONDS = 2.0
"""How long one connection may take."""


class Entrance(NamedTuple):
    """One instance of a gateway that has something to serve."""

    gateway: str
    instance: str
    host: str
    port: int

    def why_closed(self) -> str | None:
        """Why it takes no connection, or None if it does."""
        try:
            socket.create_connection((self.host, self.port), SECONDS).close()
        except OSError as error:
            return str(error.strerror or error)
        return None


def entrances(client: Client, gateways: Sequence[Any], applications: Sequence[Any]) -> Iterator[Entrance]:
    """The declared instances of every gateway that carries a placed application; others may not listen yet."""
    busy = _busy(client, applications)
    for gateway in gateways:
        declared = gateway["settings"].get("instances", []) if gateway["name"] in busy else []
        for instance in declared if isinstance(declared, list) else []:
            address = instance.get("address") if isinstance(instance, dict) else None
            if isinstance(address, dict) and "host" in address and "port" in address:
                yield Entrance(gateway["name"], str(instance.get("id")), str(address["host"]), int(address["port"]))


def _busy(client: Client, applications: Sequence[Any]) -> set[str]:
    placed = [each for each in applications if client.get(f"/v1/applications/{each['name']}/placement")["active"]]
    return {gateway for application in placed for route in application["routes"] for gateway in route["gateways"]}
