# SPDX-License-Identifier: Apache-2.0
"""The sample application as manifests."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.testbed.archives import SAMPLE

HTTP, GRPC = 8080, 9090
SCAR = "/scars/exit"
"""Where a told exit leaves its mark: in a volume that outlives the container, so that it comes to nothing again and again."""


def manifests(
    name: str = "echo",
    *arguments: str,
    replicas: int = 1,
    image: str = SAMPLE,
    node_ports: Mapping[str, int] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """A Deployment, and a Service with node ports.

    Args:
        name: of both.
        arguments: more of them for the program (tests/programs/sample).
        replicas: how many pods.
        image: of the container; nodes have it, or not.
        node_ports: by port; those that are not named are the cluster's choice.
    """
    labels = {"app": name}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _pod(name, arguments, image)},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"type": "NodePort", "selector": labels, "ports": _ports(node_ports)},
        },
    ]


def _pod(name: str, arguments: tuple[str, ...], image: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "args": [f"--scar={SCAR}", *arguments],
        "env": [_told("RELOCATE_INSTANCE", "instance"), _told("RELOCATE_CLUSTER", "cluster")],
        "ports": [{"name": "http", "containerPort": HTTP}, {"name": "grpc", "containerPort": GRPC}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": "scars", "mountPath": SCAR.rpartition("/")[0]}],
    }
    return {"containers": [container], "volumes": [{"name": "scars", "emptyDir": {}}]}


def _told(variable: str, label: str) -> dict[str, Any]:
    """From a label that the driver puts on every pod."""
    return {"name": variable, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['relocation.edge/{label}']"}}}


def _ports(node_ports: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"name": name, "port": number, "targetPort": name}
        | ({"nodePort": node_ports[name]} if name in node_ports else {})
        for name, number in (("http", 80), ("grpc", 90))
    ]
