# SPDX-License-Identifier: Apache-2.0
"""A host's own network and mounts: both live as long as a process that does nothing else.

They have no names in /run/netns and nothing is mounted on the machine, so nothing has to be undone: the kernel drops links,
routes, nftables and mounts with the last process inside. To look around: `nsenter --target PID --net --mount`, where PID is
that of `/pause` in the host's folder.

Inside, /run, /var/lib and /var/log are folders of the host's own. containerd, runc, CNI and the kubelet put files there whatever
they are told, and two of them on one machine would share them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relocate.demo.processes import Processes
from tests.testbed.bed import Host
from tests.testbed.commands import try_run

PRIVATE: Mapping[str, str] = {"run": "/run", "lib": "/var/lib", "log": "/var/log"}
"""Folders that a host has of its own, by their names in its folder."""
SETTINGS: Mapping[str, int] = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}
"""What the kubelet sets for the whole machine (setupKernelTunables, container_manager_linux.go) unless it reads it there
already: a machine lent for a test keeps its own."""
_PREPARE = """
for pair in {pairs}; do mount --bind "${{pair%%:*}}" "${{pair#*:}}"; done
# Between the host's pods and its link.
echo 1 >/proc/sys/net/ipv4/ip_forward
# Pods' mounts are seen by the kubelet, and the kubelet's by pods.
mount --make-rshared /
exec {program}
"""


@dataclass(frozen=True)
class Namespaces:
    """Of one host."""

    process: int
    """That keeps them."""

    def enter(self, *argv: str) -> tuple[str, ...]:
        """The command that runs inside.

        Not `ip netns exec`: that mounts /sys anew, and hides the control groups.
        """
        kept = f"/proc/{self.process}/ns"
        return ("nsenter", f"--net={kept}/net", f"--mount={kept}/mnt", *argv)


async def unshare(host: Host, folder: Path, pause: Path, processes: Processes) -> Namespaces:
    """Make a host's namespaces.

    Args:
        host: whose.
        folder: where the private folders are made.
        pause: the program that keeps them; it waits to be ended.
        processes: where it is started.
    """
    script = _PREPARE.format(pairs=" ".join(_binds(folder)), program=pause)
    command = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec", script]
    kept = await processes.start(host.name, command)
    await processes.wait_for(host.name, lambda: _runs(kept.process.pid, pause))
    return Namespaces(kept.process.pid)


def _binds(folder: Path) -> list[str]:
    """What is mounted where, as SOURCE:TARGET; the sources are made."""
    settings = folder / "settings"
    for name in (*PRIVATE, "settings"):
        (folder / name).mkdir(parents=True)
    for name, value in SETTINGS.items():
        _file(settings, name).write_text(f"{value}\n")
    told = [f"{folder / name}:{target}" for name, target in PRIVATE.items()]
    return [*told, *(f"{_file(settings, name)}:/proc/sys/{name}" for name in SETTINGS)]


def _file(settings: Path, name: str) -> Path:
    return settings / name.replace("/", ".")


async def _runs(process: int, program: Path) -> bool:
    """Whether it has become this program."""
    return await try_run("test", f"/proc/{process}/exe", "-ef", str(program))
