# SPDX-License-Identifier: Apache-2.0
"""A Docker engine of our own, beside any other on the machine: its own folder, bridge and addresses, and no firewall rules.

Ports of containers are published by Docker's own proxy, and images are built on the host's network; so the machine's
firewall is left alone, and several engines may run at the same time, each with a number of its own. Networks that somebody makes
on it (Compose) have addresses by that number, too.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path

import docker
from docker.errors import DockerException

from relocate.demo.processes import tethered

GROUPS = Path("/sys/fs/cgroup")
FOLDERS = Path("/var/tmp")  # noqa: S108 - what was left behind is found again by its name
NUMBERS = range(64)
SHARES, WEIGHT = "16384", "1600"
"""Of the processors, for all containers together: as much as sixteen processes of this machine get, for whose number of containers
one process's share is so little that their health checks fail (cgroup v1, and the same in v2)."""
START_SECONDS, STOP_SECONDS = 30.0, 15.0
PAUSE_SECONDS = 0.05


class EngineFailedError(RuntimeError):
    """An engine did not come up; the text holds the end of its log."""


def answers(host: str | None) -> bool:
    """Whether a Docker engine can be used at this address; None: where Docker's own clients look."""
    try:
        client = docker.DockerClient(base_url=host, timeout=5) if host else docker.from_env(timeout=5)
        with closing(client):
            return bool(client.ping())
    except DockerException:
        return False


@dataclass(frozen=True)
class Engine:
    """One engine, by number; the number belongs to this process for as long as it lives."""

    number: int

    @property
    def folder(self) -> Path:
        """Everything that it writes."""
        return FOLDERS / f"edge-relocation-engine-{self.number}"

    @property
    def host(self) -> str:
        """Where clients reach it (DOCKER_HOST)."""
        return f"unix://{self.folder}/docker.sock"

    @property
    def bridge(self) -> str:
        """The network interface of its containers."""
        return f"relocate-{self.number}"

    @property
    def group(self) -> str:
        """The control group of its containers: whatever runs there is ours."""
        return f"edge-relocation-engine-{self.number}"

    def is_left(self) -> bool:
        """Whether anything of it is there."""
        return self.folder.exists() or Path("/sys/class/net", self.bridge).exists()

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            EngineFailedError: it does not.
        """
        self.folder.mkdir(mode=0o700)
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("address", "add", f"10.87.{self.number}.1/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")
        self._weigh()
        with self._log.open("ab") as log:
            subprocess.Popen(tethered(self._command()), stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.host):
            if time.monotonic() > deadline:
                raise EngineFailedError(f"no engine after {START_SECONDS:g} s: {self._log.read_text()[-1000:]}")
            time.sleep(PAUSE_SECONDS)

    def remove(self) -> None:
        """End it and its containers, and take away everything that it made; nothing there is fine."""
        if answers(self.host):
            client = docker.DockerClient(base_url=self.host)
            with closing(client), suppress(DockerException):
                for container in client.containers.list(all=True):
                    container.remove(force=True, v=True)
        self._end(signal.SIGTERM, STOP_SECONDS)
        self._end(signal.SIGKILL, STOP_SECONDS)
        self._unmount()
        for bridge in (self.bridge, *self._bridges()):
            subprocess.run(["ip", "link", "delete", bridge], capture_output=True, check=False)
        self._remove_groups()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "engine.log"

    def _command(self) -> list[str]:
        folder = self.folder
        return [
            "dockerd",
            *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"),
            *("--host", self.host, "--bridge", self.bridge),
            *("--cgroup-parent", f"/{self.group}", "--exec-opt", "native.cgroupdriver=cgroupfs"),
            *("--default-address-pool", f"base={self._pool},size=27"),
            *("--iptables=false", "--ip-masq=false", "--ip-forward=false"),
        ]

    def _end(self, number: signal.Signals, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (found := list(self._processes())) and time.monotonic() < deadline:
            for process in found:
                with suppress(ProcessLookupError):
                    os.kill(process, number)
            time.sleep(PAUSE_SECONDS)

    def _processes(self) -> Iterator[int]:
        """The engine and its helpers, and whatever outlived them in its containers."""
        named, inside = os.fsencode(f"{self.folder}/"), f"/{self.group}/".encode()
        for process in Path("/proc").iterdir():
            with suppress(OSError):
                if process.name.isdecimal() and (
                    named in _argv_of_an_engine(process) or inside in (process / "cgroup").read_bytes()
                ):
                    yield int(process.name)

    def _unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mount in sorted((one for one in mounts if one.startswith(f"{self.folder}/")), reverse=True):
            subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)

    @property
    def _pool(self) -> str:
        return f"10.86.{self.number}.0/24"

    def _bridges(self) -> Iterator[str]:
        """Interfaces of networks that were made on it."""
        told = subprocess.run(["ip", "-json", "-4", "address"], capture_output=True, text=True, check=True).stdout
        for interface in json.loads(told):
            if any(ip_address(one["local"]) in ip_network(self._pool) for one in interface["addr_info"]):
                yield str(interface["ifname"])

    def _weigh(self) -> None:
        for controller, file, weight in (("cpu", "cpu.shares", SHARES), ("", "cpu.weight", WEIGHT)):
            group = GROUPS / controller / self.group
            if (group.parent / "cgroup.procs").exists():
                group.mkdir(exist_ok=True)
            with suppress(OSError):  # this controller is not here
                (group / file).write_text(weight)

    def _remove_groups(self) -> None:
        for parent in (GROUPS, *GROUPS.glob("*/")):
            for folder, _, _ in os.walk(parent / self.group, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()


def claim() -> Engine:
    """An engine with a number that nobody else on this machine has, or gets while this process lives.

    A name among Linux's abstract sockets stands for it, and goes with the process. What a process that was killed left
    behind under any free number is removed on the way.

    Raises:
        EngineFailedError: all numbers are taken.
    """
    found: list[Engine] = []
    for number in NUMBERS:
        taken = socket.socket(socket.AF_UNIX)
        try:
            taken.bind(f"\0edge-relocation-engine-{number}")
        except OSError:
            taken.close()
            continue
        engine = Engine(number)
        if engine.is_left():
            engine.remove()
        if found:
            taken.close()
        else:
            taken.detach()
            found.append(engine)
    if not found:
        raise EngineFailedError("every number of an engine is taken")
    return found[0]


def _argv_of_an_engine(process: Path) -> bytes:
    program, _, arguments = (process / "cmdline").read_bytes().partition(b"\0")
    name = program.rpartition(b"/")[2]
    return arguments if name.startswith((b"dockerd", b"containerd")) else b""


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineFailedError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
