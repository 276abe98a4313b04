# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.chaos`: relocations under traffic while everything is killed or frozen at seeded moments.

Exit code: 0 when no invariant was broken, else 1, with the violation in words and the command that repeats it.
"""

import argparse
import logging
import math
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from relocate.demo.stage import interruptible
from tests.chaos.report import Run, show, write
from tests.chaos.run import run

BUILD = Path("build")
WIDTH = 140
"""Characters a line at least, also where nobody looks."""


def main() -> int:
    """Run it."""
    logging.basicConfig(level=logging.ERROR)
    given = _parser().parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    return interruptible(_run(Run(seed, given.relocations, given.applications, given.rate), given.minutes, console))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--relocations", type=int, default=200, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, metavar="S", help="what is drawn; default: another one each time")
    parser.add_argument("--applications", type=int, default=3, metavar="N", help="at once; default: %(default)s")
    parser.add_argument(
        "--rate", type=float, default=5.0, metavar="R", help="requests/s of each in each protocol; default: %(default)s"
    )
    parser.add_argument(
        "--minutes", type=float, default=math.inf, metavar="M", help="no relocation begins later; default: no limit"
    )
    return parser


async def _run(wanted: Run, minutes: float, console: Console) -> int:
    folder = Path(tempfile.mkdtemp(prefix="relocate-chaos-"))
    began, ended = time.monotonic(), False
    console.print(wanted.command)
    try:
        await run(folder, wanted, minutes, lambda text: _tell(console, time.monotonic() - began, text))
        ended = True
    finally:
        _keep(wanted, folder, console, whole=ended)
    show(wanted, console)
    return 1 if wanted.violations else 0


def _tell(console: Console, seconds: float, text: str) -> None:
    console.print(f"{seconds:6.1f} {text}", markup=False, soft_wrap=True)


def _keep(wanted: Run, folder: Path, console: Console, *, whole: bool) -> None:
    """The report; and of a run that broke something, or was broken off, its logs, records and databases."""
    write(wanted, BUILD / "chaos.json")
    if wanted.violations or not whole:
        kept = BUILD / f"chaos-{wanted.seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, ignore_dangling_symlinks=True)
        write(wanted, kept / "chaos.json")
        console.print(f"logs, records and databases are in {kept}")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
