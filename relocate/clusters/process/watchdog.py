# SPDX-License-Identifier: Apache-2.0
"""A process beside the agent that outlives it just long enough to end everything the agent had started.

The kernel already kills the instances with the agent (`tether`); the watchdog finds their descendants too. It waits
at a pipe whose other end only the agent holds: the kernel closes that one, however the agent ends.
"""

import os
import signal

from relocate.clusters.process import marks


def start(prefix: str) -> None:
    """Fork the watchdog. Call it early: the process must have one thread, and no socket that must close with it.

    Args:
        prefix: what the marks of all this agent's instances begin with.
    """
    reading, writing = os.pipe()
    if os.fork():
        # The writing end stays open for as long as the agent lives; instances do not inherit it.
        os.close(reading)
        return
    try:
        os.close(writing)
        _watch(reading, prefix)
    finally:
        # Whatever happened: this copy must never go on as if it were the agent.
        os._exit(0)


def _watch(pipe: int, prefix: str) -> None:
    # A session of its own, and deaf: Ctrl-C in a terminal, or a signal to the agent's group, must not end it first.
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.read(pipe, 1)
    marks.exterminate(prefix, whole=False)
