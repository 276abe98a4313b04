# SPDX-License-Identifier: Apache-2.0
"""`relocate demo` is left: by Ctrl-C at any moment, and by a key that breaks it."""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import terminals

COMMAND = [sys.executable, "-m", "relocate", "demo", "--short", "--directory"]
AS_INTERRUPTED = (130, -signal.SIGINT)
"""Both are 130 to a shell: said by us, or by the kernel when the second Ctrl-C came in our last moment."""
LISTENING = "0A"
"""Of a socket, in /proc/net/tcp (proc(5))."""


class Demo:
    """One run, with a folder for temporary files of its own by which everything that it starts is found."""

    def __init__(self, folder: Path, *arguments: str, terminal: int | None = None) -> None:
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.build = folder / "build"
        self.log = folder / "demo.log"
        stdin = subprocess.DEVNULL if terminal is None else terminal
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, str(self.build), *arguments],
                stdin=stdin,
                stdout=output,
                stderr=output,
                env={**os.environ, "TMPDIR": str(self.temporary)},
                # With a terminal it must be in its foreground, which a session of its own gives it.
                preexec_fn=_take_terminal if terminal is not None else None,  # noqa: PLW1509 - no threads here
                start_new_session=True,
            )

    def says(self, text: str, seconds: float = 60) -> None:
        """Wait until it has said this."""
        deadline = time.monotonic() + seconds
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{text!r} was not said:\n{self.log.read_text()}"
            time.sleep(0.02)

    def family(self) -> set[int]:
        """Every living process of this run: TMPDIR is handed down even to instances."""
        mark = f"\0TMPDIR={self.temporary}\0".encode()
        return {int(one.name) for one in Path("/proc").iterdir() if one.name.isdecimal() and mark in _environment(one)}

    def ports(self) -> set[int]:
        """Every port that this run listens on."""
        sockets = {link for process in self.family() for link in _links(process)}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {
            int(row[1].rpartition(":")[2], 16)
            for row in rows
            if row[3] == LISTENING and f"socket:[{row[9]}]" in sockets
        }

    def kill(self) -> None:
        """Whatever a drill that failed has left."""
        for process in self.family():
            os.kill(process, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A run that has just been started."""
    made = Demo(tmp_path)
    yield made
    made.kill()


MOMENTS = {
    "before anything has been started": None,
    "while everything starts": "",
    "while the application is placed": "everything runs",
    "in the middle of a relocation": "switch: Giving",
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_ctrl_c_leaves_no_process_port_or_file(demo: Demo, moment: str | None) -> None:
    """Pressed twice, as people do; status 130, and nothing is left of the run."""
    time.sleep(0.1)
    if moment is not None:
        _wait(lambda: len(demo.family()) > 1, demo)
        demo.says(moment)
    ports = demo.ports()
    assert (moment is None) == (not demo.family() - {demo.process.pid})
    demo.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(20) in AS_INTERRUPTED, demo.log.read_text()
    assert demo.family() == set()
    assert list(demo.temporary.iterdir()) == []
    assert not demo.build.exists()
    assert [port for port in ports if _is_taken(port)] == []
    assert "Traceback" not in demo.log.read_text()


def test_the_key_k_kills_the_target_in_the_middle_of_the_switch(tmp_path: Path) -> None:
    """One line tells about the key; users go back to A and then move after all; the terminal is as it was."""
    ours, theirs = terminals.opened()
    before = termios.tcgetattr(theirs)
    demo = Demo(tmp_path, terminal=theirs)
    try:
        demo.says("press k at any time")
        demo.says("too far away")
        assert termios.tcgetattr(theirs) != before
        os.write(ours, b"k")
        status = _ended(demo, ours)
        assert termios.tcgetattr(theirs) == before
        report = json.loads((demo.build / "report.json").read_text())
        first, *others = report["relocations"]
        assert first["outcome"] == "rolled_back", demo.log.read_text()
        assert first["fault"]["sentence"] == "navigator on mec-b was killed (SIGKILL)"
        assert {one["outcome"] for one in first["fault"]["in_flight"]} <= {"right", "failed"}
        assert [one["outcome"] for one in others] == ["completed", "completed"]
        assert status == (0 if report["passed"] else 1)
    finally:
        demo.kill()
        os.close(ours)
        os.close(theirs)


def test_an_unknown_fault_is_told_what_there_is_and_starts_nothing(tmp_path: Path) -> None:
    """Status 2, and the list of names."""
    demo = Demo(tmp_path, "--fault", "nonsense")
    assert demo.process.wait(20) == 2
    assert "nothing is called nonsense" in demo.log.read_text()
    assert "b-dies-in-switch" in demo.log.read_text()
    assert list(demo.temporary.iterdir()) == []


def _ended(demo: Demo, terminal: int) -> int:
    """Its status; what it echoes to the terminal is taken from there, so that it never waits for a reader."""
    deadline = time.monotonic() + 120
    while demo.process.poll() is None:
        assert time.monotonic() < deadline, demo.log.read_text()
        if select.select([terminal], [], [], 0.1)[0]:
            os.read(terminal, 1024)
    return demo.process.wait()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _wait(true: Callable[[], bool], demo: Demo) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert demo.process.poll() is None, demo.log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _environment(process: Path) -> bytes:
    try:
        return b"\0" + (process / "environ").read_bytes()
    except OSError:
        return b""


def _links(process: int) -> Iterator[str]:
    try:
        yield from (str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
