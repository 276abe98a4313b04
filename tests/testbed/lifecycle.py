# SPDX-License-Identifier: Apache-2.0
"""Bringing a test bed up and down from outside: its keeper is a process of its own."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.testbed.bed import VARIABLE, Bed
from tests.testbed.claim import NotUpError, claim, holder, kubeconfigs
from tests.testbed.leftovers import sweep

UP_SECONDS, DOWN_SECONDS = 7200.0, 60.0
"""The first is for a first build of everything."""
PAUSE_SECONDS = 0.05
TAIL = 4000
"""Characters of a keeper's log that are shown when it failed."""


def up(bed: Bed) -> Mapping[str, Path]:
    """Bring it up and leave it up, or find it up.

    Returns:
        The administrator's kubeconfig by cluster.

    Raises:
        NotUpError: it did not come up; the text has the end of its log. What there was of it is down again.
    """
    if holder(bed) is not None:
        return kubeconfigs(bed, UP_SECONDS)
    keeper = _keeper(bed, "--until-told", stdin=subprocess.DEVNULL)
    try:
        return _kubeconfigs(bed, keeper)
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise


def down(bed: Bed) -> None:
    """Take it down, whoever keeps it, and whatever is left when nobody does.

    Raises:
        TakenError: somebody brings it up again.
        LeftoversError: something stays.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        keeper = holder(bed)
        if keeper is not None:
            _end(keeper, number)
    with claim(bed):
        asyncio.run(sweep(bed))
        bed.log.unlink(missing_ok=True)


@contextmanager
def held(bed: Bed) -> Iterator[Mapping[str, Path]]:
    """A bed for as long as we live, however we end; one that is up already is used, and left up.

    Raises:
        NotUpError: it did not come up.
    """
    if holder(bed) is not None:
        yield kubeconfigs(bed, UP_SECONDS)
        return
    with _keeper(bed, stdin=subprocess.PIPE) as keeper:  # leaving closes its standard input, and waits for its end
        yield _kubeconfigs(bed, keeper)


def _keeper(bed: Bed, *options: str, stdin: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "tests.testbed", "keep", *options]
    with bed.log.open("wb") as log:
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {VARIABLE: str(bed.number)},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )


def _kubeconfigs(bed: Bed, keeper: subprocess.Popen[bytes]) -> Mapping[str, Path]:
    _wait(lambda: holder(bed) is not None or keeper.poll() is not None)
    try:
        return kubeconfigs(bed, UP_SECONDS)
    except NotUpError as reason:
        raise NotUpError(f"{reason}\n{_last_words(bed)}") from reason


def _end(keeper: int, number: signal.Signals) -> None:
    """Send a signal, and wait until the process has ended; not for ever."""
    with suppress(ProcessLookupError):
        process = os.pidfd_open(keeper)
        try:
            signal.pidfd_send_signal(process, number)
            select.select([process], [], [], DOWN_SECONDS)
        finally:
            os.close(process)


def _wait(done: Callable[[], bool]) -> None:
    """Until it is done, or the time to come up is over."""
    deadline = time.monotonic() + UP_SECONDS
    while not done() and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)


def _last_words(bed: Bed) -> str:
    with suppress(FileNotFoundError):
        return bed.log.read_text(errors="replace")[-TAIL:]
    return ""
