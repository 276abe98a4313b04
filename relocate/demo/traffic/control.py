# SPDX-License-Identifier: Apache-2.0
"""How a UE moves while its traffic runs: a line on standard input, `{"ue": NAME, "cell": CELL}`."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import Callable

from pydantic import Field

from relocate.demo.traffic.plan import UeName
from relocate.demo.traffic.record import Event
from relocate.demo.traffic.run import Run
from relocate.model.values import Model


class Move(Model):
    """One UE is in another cell from now on."""

    ue: UeName
    cell: str = Field(max_length=128)


def move(run: Run, line: str | bytes) -> None:
    """Take one line.

    Raises:
        ValueError: it is no such line, or names no UE of this run; nothing was changed.
    """
    wanted = Move.model_validate_json(line)
    if wanted.ue not in run.cells:
        raise ValueError(f"ue: must be one of {', '.join(sorted(run.cells))}")
    run.cells[wanted.ue] = wanted.cell
    run.note(Event("cell", run.clock(), None, json.dumps({"ue": wanted.ue, "cell": wanted.cell})))


def check_stdin() -> None:
    """Raise ValueError when standard input is nothing that can be followed: a file, or the null device."""
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or sys.stdin.isatty()):
        raise ValueError("control: with stdin, standard input must be a pipe or a terminal; or say control: none")


async def follow_stdin(run: Run, complain: Callable[[str], None]) -> None:
    """Take lines until standard input ends; then the parent has gone, and the traffic ends too."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            try:
                move(run, line)
            except ValueError as error:
                complain(f"control: {error}")
    finally:
        transport.close()
    run.stop.now()
