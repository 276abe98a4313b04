# SPDX-License-Identifier: Apache-2.0
"""What the demo configures: two clusters, one gateway with two Envoys, and the sample application."""

from collections.abc import Sequence
from dataclasses import dataclass

from relocate.demo.certificates import Certificates
from relocate.demo.processes import free_ports
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway

CELLS = {"mec-a": "cell-a", "mec-b": "cell-b"}
"""The radio cell that each cluster is near to."""
DISTANCE_MS = 25
"""What the way to the far cluster costs; the sample application adds it, as loopback has no distance."""
GATEWAY = "edge"
INSTANCES = ("edge-1", "edge-2")
LESSER_ENVOY = ("--disable-extensions", "envoy.clusters/envoy.clusters.aggregate")
"""What makes an Envoy one of those builds that refuse the cluster on which fail-over stands."""
SCRAPED = ("worker", "gateway-control")
"""Processes, beside the API, that are asked for their health and metrics. Of several workers it is the one of this name."""
OURS = "navigator"
"""The application that is moved."""
WARM_UP_SECONDS = 1.0
GRACE_SECONDS = 2.0


@dataclass(frozen=True)
class Ports:
    """Every port of one run."""

    temporal: int
    api: int
    metrics: int
    control: int
    scraped: dict[str, int]
    """Health and metrics of the other processes of ours, by name."""
    clusters: dict[str, int]
    listeners: dict[str, int]
    admins: dict[str, int]


def choose_ports(api: int | None = None) -> Ports:
    """Free ports of loopback; the API's may be given, and health and metrics are then beside it."""
    found = iter(free_ports(4 + len(SCRAPED) + len(CELLS) + 2 * len(INSTANCES)))
    return Ports(
        temporal=next(found),
        api=api or next(found),
        metrics=api + 1 if api else next(found),
        control=next(found),
        scraped={process: next(found) for process in SCRAPED},
        clusters={cluster: next(found) for cluster in CELLS},
        listeners={instance: next(found) for instance in INSTANCES},
        admins={instance: next(found) for instance in INSTANCES},
    )


def host_of(application: str) -> str:
    """The name under which UEs reach an application."""
    return f"{application}.edge.test"


def clusters(ports: Ports) -> list[Cluster]:
    """The two MEC hosts."""
    return [
        Cluster(
            name=name,
            driver="process",
            settings={"url": f"http://127.0.0.1:{ports.clusters[name]}"},
            zone=f"zone-{name[-1]}",
            cells=(cell,),
            latency_ms={near: 2.0 if near == cell else 2.0 + DISTANCE_MS for near in CELLS.values()},
            cpu_millicores=4000,
            memory_mib=8192,
        )
        for name, cell in CELLS.items()
    ]


def gateway(ports: Ports, certificates: Certificates) -> Gateway:
    """One entry point with two instances."""
    instances = [
        {
            "id": instance,
            "address": {"host": "127.0.0.1", "port": ports.listeners[instance]},
            "admin": {"host": "127.0.0.1", "port": ports.admins[instance]},
        }
        for instance in INSTANCES
    ]
    tls = {
        "cert_file": str(certificates.cert),
        "key_file": str(certificates.key),
        "ca_file": str(certificates.ca),
    }
    return Gateway(name=GATEWAY, adapter="envoy", settings={"instances": instances, "tls": tls})


def application(name: str, arguments: Sequence[str] = ()) -> Application:
    """The sample application under some name; `arguments` are what it is told besides."""
    near = [part for cluster, cell in CELLS.items() for part in ("--near", f"{cluster}={cell}")]
    command = ["{python}", "-m", "relocate.demo.app", "--http-port", "{port:http}", "--grpc-port", "{port:grpc}"]
    command += ["--warm-up", str(WARM_UP_SECONDS), "--grace", str(GRACE_SECONDS)]
    command += ["--cell-distance-ms", str(DISTANCE_MS), *near, *arguments]
    grpc_port = {
        "name": "grpc",
        "protocol": "grpc",
        "prefix": "/demo.Echo",
        "health": "demo.Echo",
        "retry_safe": ["/demo.Echo/Say", "/demo.Echo/Ping"],
    }
    return Application.model_validate(
        {
            "name": name,
            "workloads": {"process": {"command": command, "grace_seconds": GRACE_SECONDS + 1, "capacity": 200}},
            "routes": [
                {
                    "name": name,
                    "hosts": [host_of(name)],
                    "gateways": [GATEWAY],
                    "ports": [{"name": "http", "health": "/healthz"}, grpc_port],
                    "watch": {"port": "http", "path": "/whoami", "period_seconds": 0.05},
                    "try_seconds": 0.75,
                }
            ],
            "readiness": {
                "probes": [
                    {"kind": "http", "port": "http", "settings": {"path": "/healthz"}},
                    {"kind": "grpc", "port": "grpc", "via": "direct", "settings": {"service": "demo.Echo"}},
                ],
                "stable_seconds": 0.6,
                "deadline_seconds": 20,
            },
            "policy": {
                "bake_seconds": 2,
                "drain": {"window_seconds": 0.6, "deadline_seconds": 20, "at_deadline": "hold"},
            },
            "requirements": {"max_latency_ms": 50},
        }
    )
