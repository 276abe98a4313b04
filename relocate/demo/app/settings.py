# SPDX-License-Identifier: Apache-2.0
"""What the sample application is told: by arguments, and by the environment that a cluster gives it."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything that one run of the sample application is told."""

    http_port: int
    grpc_port: int
    host: str
    instance: str
    """RELOCATE_INSTANCE: the name that every answer carries."""
    cluster: str
    """RELOCATE_CLUSTER: where this instance runs, as far as it knows."""
    warm_up: float
    """Seconds in which the ports are open and every request is answered "warming up"."""
    never_ready: bool
    """Warm up for ever."""
    flap: float
    """Once warm: ready and not ready in turns of this many seconds; 0 stays ready."""
    grace: float
    """Seconds that requests and streams in flight get after SIGTERM."""
    near: frozenset[str]
    """Cells that this cluster is near to; empty when it is told none."""
    cell_distance: float
    """Seconds by which an answer to a cell that is not near comes later."""
    answers: Path | None
    """Folder for the log of what this instance answered; None for no log."""


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings in `arguments` and `environment`; leaves the process with status 2 when they make no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    cluster = environment.get("RELOCATE_CLUSTER", "nowhere")
    near: dict[str, frozenset[str]] = dict(given.near)
    return Settings(
        http_port=given.http_port,
        grpc_port=given.grpc_port,
        host=given.host,
        instance=environment.get("RELOCATE_INSTANCE", "unnamed"),
        cluster=cluster,
        warm_up=given.warm_up,
        never_ready=given.never_ready,
        flap=given.flap,
        grace=given.grace,
        near=near.get(cluster, frozenset()),
        cell_distance=given.cell_distance_ms / 1000,
        answers=given.answers,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m relocate.demo.app", description="The sample application.")
    parser.add_argument("--http-port", type=_port, required=True, help="HTTP/1.1, HTTP/2 (prior knowledge), WebSocket")
    parser.add_argument("--grpc-port", type=_port, required=True, help="gRPC")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--warm-up", type=_seconds, default=1.0, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--never-ready", action="store_true", help="warm up for ever (a drill)")
    parser.add_argument(
        "--flap", type=_seconds, default=0.0, metavar="SECONDS", help="ready and not ready in turns (a drill)"
    )
    parser.add_argument("--grace", type=_seconds, default=5.0, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument(
        "--near",
        type=_near,
        action="append",
        default=[],
        metavar="CLUSTER=CELL[,CELL...]",
        help="cells that a cluster is near to; one workload serves all clusters, so each may be named",
    )
    parser.add_argument(
        "--cell-distance-ms",
        type=_milliseconds,
        default=25.0,
        metavar="MS",
        help="how much later a cell that is not near gets its answer (default: %(default)s)",
    )
    parser.add_argument(
        "--answers", type=Path, metavar="FOLDER", help="log the id of each request that was answered (default: no log)"
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text!r} must be a port from 1 to 65535")
    return int(text)


def _within(text: str, limit: float, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= limit:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of {unit} from 0 to {limit:g}")
    return number


def _seconds(text: str) -> float:
    return _within(text, 3600, "seconds")


def _milliseconds(text: str) -> float:
    return _within(text, 60_000, "milliseconds")


def _near(text: str) -> tuple[str, frozenset[str]]:
    cluster, found, cells = text.partition("=")
    names = frozenset(cell for cell in cells.split(",") if cell)
    if not (cluster and found and names):
        raise argparse.ArgumentTypeError(f"{text!r} must look like CLUSTER=CELL or CLUSTER=CELL,CELL")
    return cluster, names
