# SPDX-License-Identifier: Apache-2.0
"""How the command ends: exit codes, and the errors that lead to them.

Errors carry one or two sentences for people; the group of commands prints them on stderr and exits with their code::

    Ending
    |-- Wrong         2  the command line, a file or a setting makes no sense; nothing was sent
    |-- Refused       3  the server refused
    `-- Unreachable   4  the server, or Temporal for a process of ours, cannot be reached
"""

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """Exit codes. `code.meaning` says what each stands for."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """A code with its meaning."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made

    DONE = 0, "done, or ended as hoped for"
    OTHERWISE = 1, "what was asked about failed or ended otherwise (rolled back, cancelled, no target, not healthy)"
    WRONG = 2, "the command line, a file or a setting makes no sense; nothing was sent"
    REFUSED = 3, "the server refused; the problem is printed"
    UNREACHABLE = 4, "the server cannot be reached, or gave no answer in time"
    INTERRUPTED = 130, "interrupted by Ctrl-C"


class Ending(Exception):
    """The command ends here."""

    code = Exit.OTHERWISE


class Wrong(Ending):
    """The command line, a file or a setting makes no sense."""

    code = Exit.WRONG


class Refused(Ending):
    """The server refused."""

    code = Exit.REFUSED


class Unreachable(Ending):
    """The server cannot be reached."""

    code = Exit.UNREACHABLE
