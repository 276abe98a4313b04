# SPDX-License-Identifier: Apache-2.0
"""Where an instance's ports are reached, in each of the ways that a cluster may offer."""

import pytest

from relocate.clusters.kubernetes.endpoints import Around, Place, addresses, find, reached
from relocate.clusters.kubernetes.settings import Reach

HTTP = {"name": "http", "port": 80, "nodePort": 30080}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "echo"},
    "spec": {"clusterIP": "10.96.0.7", "ports": [HTTP, {"name": "grpc", "port": 90}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}, {"hostname": "lb.example"}]}},
}
SLICE = {
    "metadata": {"labels": {"kubernetes.io/service-name": "echo"}},
    "ports": [{"name": "http", "port": 8080}, {"name": "grpc", "port": 9090}],
    "endpoints": [
        {"addresses": ["10.244.1.5"], "conditions": {"ready": True}},
        {"addresses": ["10.244.1.6"]},
        {"addresses": ["10.244.1.7"], "conditions": {"ready": False}},
    ],
}
AROUND = Around(services=[SERVICE], slices=[SLICE], nodes=["192.0.2.2", "192.0.2.1"])


@pytest.mark.parametrize(
    ("reach", "expected"),
    [
        (Reach.NODE_PORT, ["192.0.2.1:30080", "192.0.2.2:30080"]),
        (Reach.LOAD_BALANCER, ["203.0.113.9:80", "lb.example:80"]),
        (Reach.CLUSTER_IP, ["10.96.0.7:80"]),
        (Reach.PODS, ["10.244.1.5:8080", "10.244.1.6:8080"]),
    ],
)
def test_a_port_is_found_where_the_cluster_offers_it(reach, expected):
    """Every node, every address of the balancer, or every pod that is ready; always in the same order."""
    assert [str(one) for one in reached(Place("echo", "http"), reach, AROUND)] == expected


def test_a_port_without_a_node_port_is_nowhere():
    """It is not made up from another one."""
    assert reached(Place("echo", "grpc"), Reach.NODE_PORT, AROUND) == ()


def test_a_service_that_is_not_there_is_nowhere():
    """Nor is one that has gone."""
    assert reached(Place("other", "http"), Reach.PODS, AROUND) == ()


def test_a_name_that_two_services_have_stands_for_neither():
    """Which one is meant has to be said."""
    other = SERVICE | {"metadata": {"name": "second"}}
    assert find("http", None, [SERVICE, other]) is None
    assert find("http", "second", [SERVICE, other]) == (other, HTTP)
    assert find(80, "echo", [SERVICE]) == (SERVICE, HTTP)


def test_a_nodes_outer_address_comes_before_its_inner_one():
    """And one that is not ready has none."""
    inner, outer = {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "192.0.2.1"}
    ready, lost = ({"conditions": [{"type": "Ready", "status": said}]} for said in ("True", "Unknown"))
    nodes = [
        {"status": ready | {"addresses": [inner, outer]}},
        {"status": ready | {"addresses": [inner]}},
        {"status": lost | {"addresses": [outer]}},
    ]
    assert addresses(nodes) == ["192.0.2.1", "10.0.0.1"]
