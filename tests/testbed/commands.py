# SPDX-License-Identifier: Apache-2.0
"""Running a program to its end."""

import asyncio

from relocate.demo.processes import tethered

SECONDS = 120.0
"""Longest time for any of them."""


class CommandFailedError(RuntimeError):
    """A program ended with another status than 0; the text holds what it said."""


async def run(*argv: str, stdin: str = "", seconds: float = SECONDS) -> str:
    """What it printed. Ctrl-C at our terminal does not reach it: an order that is begun is carried out. It dies with us.

    Raises:
        CommandFailedError: it failed, or took too long.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *tethered(argv), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            printed, said = await process.communicate(stdin.encode())
    except TimeoutError:
        raise CommandFailedError(f"{' '.join(argv)}: did not end within {seconds:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        words = said.decode(errors="replace").strip()[-1000:] or f"status {process.returncode}"
        raise CommandFailedError(f"{' '.join(argv)}: {words}")
    return printed.decode()


async def try_run(*argv: str) -> bool:
    """Whether it succeeded; for what may be done already."""
    try:
        await run(*argv)
    except CommandFailedError:
        return False
    return True
