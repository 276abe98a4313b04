# SPDX-License-Identifier: Apache-2.0
"""Addresses and names of test beds that are up beside each other."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from tests.testbed.bed import NETWORK, NUMBERS, Bed

IFNAMSIZ = 16
"""linux/if.h: the longest name of a link, its end included."""


def networks(bed: Bed) -> list[IPv4Network]:
    """Everything that is routed."""
    return [bed.nodes, *(host.pods for host in bed.hosts), *(host.services for host in bed.hosts)]


def test_no_two_networks_overlap() -> None:
    """Those of nine beds lie apart, inside of what is set aside for benchmarks."""
    all_of_them = [network for number in NUMBERS for network in networks(Bed(number))]
    assert not any(one.overlaps(other) for one, other in combinations(all_of_them, 2))
    assert all(network.subnet_of(NETWORK) for network in all_of_them)


def test_hosts_are_on_their_beds_network() -> None:
    """And each asks for names at an address of its own Services."""
    bed = Bed(2)
    assert [str(host.address) for host in bed.hosts] == ["198.18.20.11", "198.18.20.12", "198.18.20.13"]
    assert all(host.address in bed.nodes and host.dns in host.services for host in bed.hosts)


def test_nothing_has_the_same_name_in_two_beds() -> None:
    """Links and control groups, folders and logs; and a link's name is not too long."""
    beds = [Bed(number) for number in NUMBERS]
    labels = [bed.name for bed in beds] + [host.label for bed in beds for host in bed.hosts]
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) < IFNAMSIZ
    assert len({file for bed in beds for file in (bed.folder, bed.log)}) == 2 * len(beds)


def test_environment_names_a_bed() -> None:
    """Without a name it is the first."""
    assert Bed.of({}).number == 1
    assert Bed.of({"E2E_BED": "7"}).number == 7


@pytest.mark.parametrize("told", ["0", "10", "two", ""])
def test_what_is_no_bed_is_refused(told: str) -> None:
    """The variable is named, and what it may be."""
    with pytest.raises(ValueError, match=r"E2E_BED .* 1 to 9"):
        Bed.of({"E2E_BED": told})
