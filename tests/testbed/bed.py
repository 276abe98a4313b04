# SPDX-License-Identifier: Apache-2.0
"""Which test bed: several can be up on one machine, and everything that one of them makes has its number in its name.

All addresses lie in 198.18.0.0/15, which RFC 2544 sets aside for benchmarks in closed networks. Each bed has ten networks of
256 in either half; with bed 2 as the example:

    198.18.20.1              the machine itself, on the bridge testbed2
    198.18.20.11  ..12 ..13  the hosts edge-a, edge-b and hub
    198.18.21.0/24   22, 23  their pods
    198.19.21.0/24   22, 23  their Services
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

VARIABLE = "E2E_BED"
NUMBERS = range(1, 10)
FOLDERS = Path("/var/cache")
"""Root's own, and kept off the node's private folders (see `private`)."""
NETWORK = IPv4Network("198.18.0.0/15")


@dataclass(frozen=True)
class Bed:
    """Two edge clusters with a node each, and a hub, which is a control plane alone: where gateways are configured."""

    number: int = 1

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Bed":
        """The one that `E2E_BED` names, 1 to 9; without it the first.

        Raises:
            ValueError: it names none.
        """
        told = environment.get(VARIABLE, "1")
        if told not in map(str, NUMBERS):
            raise ValueError(f"{VARIABLE} is {told!r}; it is a number from {NUMBERS[0]} to {NUMBERS[-1]}")
        return cls(int(told))

    @property
    def name(self) -> str:
        """How the names of all that it makes begin, and its bridge's whole name."""
        return f"testbed{self.number}"

    @property
    def folder(self) -> Path:
        """Where all its files are."""
        return FOLDERS / f"edge-relocation-{self.name}"

    @property
    def log(self) -> Path:
        """What its keeper printed, when nobody looks on."""
        return self.folder.with_suffix(".log")

    @property
    def nodes(self) -> IPv4Network:
        """Of its bridge."""
        return IPv4Network(f"198.18.{self.number}0.0/24")

    @property
    def machine(self) -> IPv4Address:
        """This machine's own address on the bridge."""
        return self.nodes[1]

    @property
    def edges(self) -> tuple["Host", "Host"]:
        """Where pods run."""
        return Host(self, "edge-a", 1), Host(self, "edge-b", 2)

    @property
    def hub(self) -> "Host":
        """Where gateways are configured."""
        return Host(self, "hub", 3)

    @property
    def hosts(self) -> tuple["Host", ...]:
        """All of them."""
        return *self.edges, self.hub


@dataclass(frozen=True)
class Host:
    """One host of a test bed, with a network of its own on the bed's bridge."""

    bed: Bed
    name: str
    """Its cluster's, too."""
    number: int
    """1 to 9 in its bed."""

    @property
    def label(self) -> str:
        """What its link and its control groups are called; 15 characters at most, as Linux wants of a link."""
        return f"{self.bed.name}-{self.name}"

    @property
    def address(self) -> IPv4Address:
        """Its own."""
        return self.bed.nodes[10 + self.number]

    @property
    def pods(self) -> IPv4Network:
        """Where its pods are, reachable from the machine and from every other host."""
        return IPv4Network(f"198.18.{self.bed.number}{self.number}.0/24")

    @property
    def services(self) -> IPv4Network:
        """Cluster addresses of its Services, reachable from the same places."""
        return IPv4Network(f"198.19.{self.bed.number}{self.number}.0/24")

    @property
    def dns(self) -> IPv4Address:
        """Where its pods ask for names."""
        return self.services[10]
