# SPDX-License-Identifier: Apache-2.0
"""What is done to processes and databases ends by itself."""

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.chaos.actors import _hold_write_lock
from tests.chaos.supervisor import frozen


async def test_a_frozen_process_says_nothing_and_then_goes_on() -> None:
    """SIGSTOP, SIGCONT; a process that has ended is no error."""
    program = "import time\nwhile True: print('x', flush=True); time.sleep(0.01)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        freeze = asyncio.create_task(frozen(process.pid, 0.5))
        await asyncio.sleep(0.1)
        assert _state(process.pid) == "T"
        assert await freeze
        assert _state(process.pid) != "T"
    finally:
        process.kill()
        await process.communicate()
    assert not await frozen(process.pid, 0)


async def test_a_held_write_lock_keeps_writers_out_and_is_let_go(tmp_path: Path) -> None:
    """SQLite has no process to kill: a held write lock is how its users see it stand still."""
    file = tmp_path / "some.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE t (a)")
    held = asyncio.create_task(asyncio.to_thread(_hold_write_lock, str(file), 0.5))
    await asyncio.sleep(0.1)
    writer = sqlite3.connect(file, timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("INSERT INTO t VALUES (1)")
    await held
    writer.execute("INSERT INTO t VALUES (1)")
    writer.close()


def _state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
