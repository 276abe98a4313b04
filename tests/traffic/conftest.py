# SPDX-License-Identifier: Apache-2.0
"""Two real gateways in front of one real instance, and the traffic process."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relocate.demo.traffic.record import Recording, read_recording
from tests.traffic.gateway import Application, Certificates, Gateway, wait_until


class Scene:
    """One instance on cluster mec-a, behind edge-1 and edge-2."""

    def __init__(self, folder: Path) -> None:
        certificates = Certificates(folder)
        self.application = Application(folder, "navigator-1", "mec-a")
        self.gateways = [Gateway(folder, name, certificates, self.application) for name in ("edge-1", "edge-2")]

    def start(self) -> None:
        """Return when everything serves."""
        for program in (self.application, *self.gateways):
            program.start()
        for program in (self.application, *self.gateways):
            wait_until(program.serves, "the start")

    def stop(self) -> None:
        """End everything."""
        for program in (self.application, *self.gateways):
            program.kill()


class TrafficProcess:
    """`python -m relocate.demo.traffic`, as the demonstration starts it."""

    def __init__(self, folder: Path, gateways: list[Gateway], **settings: Any) -> None:
        self.records_file = folder / "records.jsonl"
        self.seconds_file = folder / "seconds.jsonl"
        plan = {
            "gateways": [gateway.as_configured() for gateway in gateways],
            "ues": [{"name": "ue-1", "cell": "cell-a"}],
            "records_file": str(self.records_file),
            "seconds_file": str(self.seconds_file),
            **settings,
        }
        config = folder / "traffic.json"
        config.write_text(json.dumps(plan))
        command = [sys.executable, "-m", "relocate.demo.traffic", "--config", str(config)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def flows(self) -> bool:
        """Whether a first second of it has been summed up."""
        return self.seconds_file.exists() and self.seconds_file.stat().st_size > 0

    def tell(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def finish(self) -> Recording:
        """Ask it to end, and read what it recorded."""
        self.process.terminate()
        assert self.process.wait(15) == 0
        return read_recording(self.records_file)

    def close(self) -> str:
        """Leave nothing behind; what it said on standard error."""
        if self.process.poll() is None:
            self.process.kill()
        _, said = self.process.communicate(timeout=10)
        return said.decode()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Everything but the traffic, running."""
    made = Scene(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def traffic(scene: Scene, tmp_path: Path) -> Iterator[TrafficProcess]:
    """The default traffic through both gateways, flowing."""
    made = TrafficProcess(tmp_path, scene.gateways)
    try:
        wait_until(made.flows, "the first second of traffic")
        yield made
    finally:
        made.close()
