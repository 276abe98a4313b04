# SPDX-License-Identifier: Apache-2.0
"""What every process says, whatever it does: which build it is, and what it costs the machine."""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Info,
    Metric,
    disable_created_metrics,
)
from prometheus_client.registry import Collector

PROCESS = CollectorRegistry()
"""The client library's own collectors (`process_...`, `python_...`), and our version."""

# One series more for each counter, of which Prometheus makes no use.
disable_created_metrics()  # type: ignore[no-untyped-call]

Info("relocate_build", "Version of the service.", registry=PROCESS).info({"version": version("edge-relocation")})
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    PROCESS.register(_collector)


class Together(Collector):
    """Several collectors as one scrape."""

    def __init__(self, *collectors: Collector) -> None:
        """Args: collectors: none says what another one says."""
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        """What each says, in order."""
        for collector in self._collectors:
            yield from collector.collect()
