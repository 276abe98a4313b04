# SPDX-License-Identifier: Apache-2.0
"""How processes are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relocate.demo.processes import Processes, free_ports


def session_nice(process: int) -> str | None:
    """What the kernel notes of a session; None where it does not group by session."""
    group = Path(f"/proc/{process}/autogroup")
    return group.read_text(encoding="ascii").split()[-1] if group.exists() else None


async def test_a_process_that_shall_yield_does(tmp_path: Path) -> None:
    """It is nicer than we are, and so is its session where the kernel groups by session."""
    processes = Processes(tmp_path)
    try:
        for nicer in (0, 5):
            started = await processes.start(
                f"by {nicer}", [sys.executable, "-c", "import time; time.sleep(60)"], nicer=nicer
            )
            process = started.process.pid
            assert os.getpriority(os.PRIO_PROCESS, process) == os.getpriority(os.PRIO_PROCESS, 0) + nicer
            assert session_nice(process) in (str(nicer), None)
    finally:
        await processes.stop()


@pytest.mark.parametrize("nicer", [0, 5])
async def test_a_process_that_has_ended_at_once_is_no_trouble(tmp_path: Path, nicer: int) -> None:
    """Whoever waits for it finds out; starting it does not fail."""
    processes = Processes(tmp_path)
    started = await processes.start("short", ["/bin/false"], nicer=nicer)
    await started.process.wait()
    await processes.stop()


def test_no_port_is_given_out_twice() -> None:
    """What is chosen now may be listened on later: neither this process nor another one on this machine chooses it too."""
    asked = "import sys; from relocate.demo.processes import free_ports; print(*free_ports(50)); sys.stdin.read()"
    command = [sys.executable, "-c", asked]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert one.stdout is not None
        assert other.stdout is not None
        theirs = [int(port) for found in (one, other) for port in found.stdout.readline().split()]
        ports = theirs + free_ports(50) + free_ports(50)
        for each in (one, other):
            each.communicate("")
    assert len(set(ports)) == 200
