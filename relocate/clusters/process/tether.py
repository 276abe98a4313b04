# SPDX-License-Identifier: Apache-2.0
"""Becomes another program that dies with its parent: `python -I -S tether.py PARENT-PID PROGRAM ARGUMENTS...`.

The kernel sends SIGKILL when the parent ends, however it ends (prctl(2), PR_SET_PDEATHSIG); the order survives exec.
This is a program of its own because code between fork and exec is unsafe in a process with threads; it imports
nothing but the standard library, so that it costs some 20 ms.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""What a shell says in these cases."""


def die_with(parent: int) -> None:
    """Let the kernel kill this process when `parent` ends; at once when it has ended already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Become `arguments[1:]`; returns only when that is impossible."""
    die_with(int(arguments[0]))
    command = arguments[1:]
    try:
        os.execvp(command[0], command)  # noqa: S606 - a command without a shell is what is wanted
    except FileNotFoundError:
        sys.stderr.write(f"{command[0]}: there is no such program\n")
        return NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_EXECUTABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
