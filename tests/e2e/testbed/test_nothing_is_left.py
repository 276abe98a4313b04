# SPDX-License-Identifier: Apache-2.0
"""However a test bed ends, the machine is as it was before. Each test brings a bed of its own up, beside others."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.testbed.machine import look
from tests.testbed.bed import NUMBERS, VARIABLE, Bed
from tests.testbed.claim import holder, kubeconfigs
from tests.testbed.lifecycle import down, held

UP_SECONDS, END_SECONDS, PAUSE_SECONDS = 240.0, 60.0, 0.02

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def bed(machine_for_clusters: None) -> Iterator[Bed]:
    """One that nobody uses; it is down in the end."""
    spare = next(Bed(number) for number in reversed(NUMBERS) if holder(Bed(number)) is None)
    down(spare)
    yield spare
    down(spare)


@pytest.fixture
def start(bed: Bed) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    """Starts the bed's keeper, in a process group of its own and held by its standard input."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-m", "tests.testbed", "keep"]
        environment = os.environ | {VARIABLE: str(bed.number)}
        started.append(subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment, start_new_session=True))
        wait(lambda: holder(bed) is not None)
        return started[-1]

    yield start
    for keeper in started:
        keeper.communicate(timeout=END_SECONDS)


def wait(done: Callable[[], bool]) -> None:
    """Until it is so; fails when that takes too long."""
    deadline = time.monotonic() + UP_SECONDS
    while not done():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(PAUSE_SECONDS)


def test_bed_that_was_held_leaves_nothing(bed: Bed) -> None:
    """Links, routes, mounts, control groups, kernel settings, processes and folders are what they were before."""
    before = look(bed)
    with held(bed) as clusters:
        assert sorted(clusters) == ["edge-a", "edge-b", "hub"]
        assert any("process" in line for line in look(bed) - before)
    assert look(bed) == before


def test_bed_whose_holder_was_killed_leaves_nothing(bed: Bed) -> None:
    """Its keeper notices, and takes it down with nobody's help."""
    before = look(bed)
    holding = f"import time\nfrom tests.testbed import bed, lifecycle\nwith lifecycle.held(bed.Bed({bed.number})): time.sleep(999)"
    with subprocess.Popen([sys.executable, "-c", holding]) as test_run:
        wait(lambda: holder(bed) is not None)
        kubeconfigs(bed, UP_SECONDS)
        test_run.kill()
    wait(lambda: holder(bed) is None)
    wait(lambda: look(bed) == before)


def test_interrupt_leaves_nothing(bed: Bed, start: Callable[[], "subprocess.Popen[bytes]"]) -> None:
    """Ctrl-C, again and again, reaches the keeper and everybody in its process group."""
    before = look(bed)
    keeper = start()
    kubeconfigs(bed, UP_SECONDS)
    for _ in range(3):
        os.killpg(keeper.pid, signal.SIGINT)
        time.sleep(PAUSE_SECONDS)
    assert keeper.wait(END_SECONDS) == 0
    assert look(bed) == before


@pytest.mark.parametrize(
    "begun",
    ["images/pause.tar", "edge-a/run", "logs/hub-apiserver.log", "edge-b/run/containerd/containerd.sock"],
)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "told"])
def test_keeper_that_ends_while_the_bed_comes_up(
    bed: Bed, start: Callable[[], "subprocess.Popen[bytes]"], begun: str, number: signal.Signals
) -> None:
    """Whatever it had made by then, nothing is left after `down`; told to end, it needs no `down`."""
    before = look(bed)
    keeper = start()
    wait((bed.folder / begun).exists)
    keeper.send_signal(number)
    keeper.wait(END_SECONDS)
    if number is signal.SIGKILL:
        assert look(bed) != before
        down(bed)
    assert look(bed) == before


def test_killed_keeper_leaves_nothing_after_down(bed: Bed, start: Callable[[], "subprocess.Popen[bytes]"]) -> None:
    """Its processes end with it; containers and the rest go with `down`."""
    before = look(bed)
    keeper = start()
    kubeconfigs(bed, UP_SECONDS)
    keeper.kill()
    keeper.wait(END_SECONDS)
    assert holder(bed) is None
    down(bed)
    assert look(bed) == before


def test_next_keeper_sweeps_up_what_a_killed_one_left(bed: Bed, start: Callable[[], "subprocess.Popen[bytes]"]) -> None:
    """A bed comes up on the ruins of the one before, and takes them away with its own."""
    before = look(bed)
    killed = start()
    kubeconfigs(bed, UP_SECONDS)
    killed.kill()
    killed.wait(END_SECONDS)
    with held(bed) as clusters:
        assert all(Path(file).exists() for file in clusters.values())
    assert look(bed) == before
