# SPDX-License-Identifier: Apache-2.0
"""One bridge for each test bed, and the hosts on it; each of them and the machine itself know the way to every pod and Service.

No packet is forwarded by the machine, so its own `net.ipv4.ip_forward` and its firewall do not matter and are not touched.
"""

import json
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from tests.testbed.bed import NETWORK, Bed, Host
from tests.testbed.commands import run, try_run
from tests.testbed.namespaces import Namespaces


class AddressesTakenError(RuntimeError):
    """The addresses of a test bed are in use on this machine for something else."""


async def make_bridge(bed: Bed) -> None:
    """The wire between all hosts and this machine.

    Raises:
        AddressesTakenError: something else on this machine has one of its networks.
    """
    await _must_be_free(bed)
    await _ip(
        f"link add {bed.name} type bridge",
        f"address add {bed.machine}/{bed.nodes.prefixlen} dev {bed.name}",
        f"link set {bed.name} up",
    )


async def plug_in(host: Host, namespaces: Namespaces) -> None:
    """Give a host its address on the bridge; its pods and Services are routed there."""
    await _ip(
        f"link add {host.label} type veth peer name eth0 netns {namespaces.process}",
        f"link set {host.label} master {host.bed.name} up",
    )
    others = [other for other in host.bed.hosts if other != host]
    await _ip(
        f"address add {host.address}/{host.bed.nodes.prefixlen} dev eth0",
        "link set eth0 up",
        "link set lo up",
        f"route add default via {host.bed.machine}",
        *(way for other in others for way in _ways(other)),
        inside=namespaces,
    )
    await _ip(*_ways(host))


async def remove_bridge(bed: Bed) -> None:
    """The bridge with its routes, and the hosts' ends of the wires. Nothing happens where there is none."""
    for name in (*(host.label for host in bed.hosts), bed.name):
        await try_run("ip", "link", "delete", name)


def _behind(host: Host) -> tuple[IPv4Network, IPv4Network]:
    return host.pods, host.services


def _ways(host: Host) -> Iterator[str]:
    """To what is behind it."""
    return (f"route add {network} via {host.address}" for network in _behind(host))


async def _ip(*commands: str, inside: Namespaces | None = None) -> None:
    """ip(8), several times in one process, on the machine or inside of a host; ends at the first that fails."""
    batch = ("ip", "-batch", "-")
    await run(*(inside.enter(*batch) if inside else batch), stdin="\n".join(commands))


async def _must_be_free(bed: Bed) -> None:
    ours = [bed.nodes, *(network for host in bed.hosts for network in _behind(host))]
    routes = json.loads(await run("ip", "-json", "route", "show", "table", "all", "type", "unicast"))
    for route in routes:
        if _overlaps(route, ours):
            raise AddressesTakenError(f"{route['dst']} is routed on {route.get('dev')}; choose another E2E_BED, 1 to 9")


def _overlaps(route: Mapping[str, str], ours: list[IPv4Network]) -> bool:
    """Whether a route leads to one of these networks and to little else: ours win over a wider one."""
    try:
        there = IPv4Network(route["dst"])
    except ValueError:  # "default", or IPv6
        return False
    return there.prefixlen >= NETWORK.prefixlen and any(there.overlaps(one) for one in ours)
