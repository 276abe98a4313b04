# SPDX-License-Identifier: Apache-2.0
"""What a control plane process says: the Envoys that are connected to it, what it sent them, and what they refused."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from steering.envoy.control import ControlPlane

Family = CounterMetricFamily | GaugeMetricFamily


class ControlCollector(Collector):
    """Reads a control plane's counts at each scrape."""

    def __init__(self, plane: ControlPlane) -> None:
        """Args: plane: of this process."""
        self._plane = plane

    def collect(self) -> Iterator[Family]:
        """What one scrape gets."""
        yield from self._instances()
        yield from self._counts()
        age = self._plane.read_age()
        if age is not None:
            text = "Seconds since routes were read from the database; beyond 3 s nothing is sent."
            yield GaugeMetricFamily("relocate_gateway_control_database_age_seconds", text, value=age)

    def _instances(self) -> Iterator[Family]:
        connected = GaugeMetricFamily(
            "relocate_gateway_instances_connected",
            "Gateway instances with a control connection to this process, by whether the settings declare them: add up.",
            labels=["gateway", "declared"],
        )
        declared = GaugeMetricFamily(
            "relocate_gateway_instances_declared",
            "Instances that the gateway's settings declare; every process says the same.",
            labels=["gateway"],
        )
        for gateway, presence in self._plane.instances().items():
            declared.add_metric([gateway], presence.declared)
            connected.add_metric([gateway, "yes"], presence.connected)
            connected.add_metric([gateway, "no"], presence.others)
        yield from (connected, declared)

    def _counts(self) -> Iterator[Family]:
        counts = self._plane.counts
        sent = CounterMetricFamily(
            "relocate_xds_responses", "Responses sent to Envoys, by type of resource.", labels=["type"]
        )
        refused = CounterMetricFamily(
            "relocate_xds_rejections", "Responses that an Envoy refused, by type of resource.", labels=["type"]
        )
        for kind in counts.sent:
            sent.add_metric([kind], counts.sent[kind])
            refused.add_metric([kind], counts.refused[kind])
        connections = CounterMetricFamily(
            "relocate_xds_connections", "Control connections, by what became of them.", labels=["result"]
        )
        connections.add_metric(["admitted"], counts.admitted)
        connections.add_metric(["refused"], counts.turned_away)
        yield from (sent, refused, connections)
