# SPDX-License-Identifier: Apache-2.0
"""Real Kubernetes clusters on this machine, for tests and for development.

up: two edge clusters and a hub; tells their kubeconfigs. down: takes them away. needs: what this machine lacks for them.
install: gets that (Debian, root). sample: writes the sample application's image archive, for clusters of others (Go). keep: what `up` leaves running; it lives as long as its standard input is open.
Several beds can be up beside each other: E2E_BED, 1 to 9, says which.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from relocate.errors import RelocateError
from tests.testbed.archives import make
from tests.testbed.bed import Bed
from tests.testbed.keeper import keep
from tests.testbed.lifecycle import down, up
from tests.testbed.needs import INSTALL, missing
from tests.testbed.programs import sample

FAILED, LACKING = 1, 2


def main(arguments: Sequence[str]) -> int:
    """Do it; 1 when it failed, 2 when this machine cannot."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.testbed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=[*_ANYWHERE, *_COMMANDS])
    parser.add_argument("--until-told", action="store_true", help="keep: until SIGTERM, not as long as stdin is open")
    given = parser.parse_args(arguments)
    if given.command in _ANYWHERE:
        return _ANYWHERE[given.command]()
    lacking = _needs()
    return lacking or _do(_COMMANDS[given.command], given)


def _do(command: Callable[[Bed, argparse.Namespace], None], given: argparse.Namespace) -> int:
    try:
        command(Bed.of(), given)
    except (RuntimeError, RelocateError, OSError, ValueError) as reason:
        sys.stderr.write(f"{reason}\n")
        return FAILED
    except KeyboardInterrupt:  # what had begun has been undone
        return FAILED
    return 0


def _needs() -> int:
    lacking = missing()
    sys.stderr.write("".join(f"this machine lacks {need}\n" for need in lacking))
    return LACKING if lacking else 0


def _install() -> int:
    for argv in INSTALL:
        ended = subprocess.run(argv, check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}).returncode
        if ended:
            return FAILED
    return _needs()


def _sample() -> int:
    for archive in make([sample()], Path("build")):
        sys.stdout.write(f"{archive}\n")
    return 0


def _keep(bed: Bed, given: argparse.Namespace) -> None:
    keep(bed, held=not given.until_told)


def _up(bed: Bed, _: argparse.Namespace) -> None:
    told = up(bed)
    sys.stdout.write("".join(f"{name}: export KUBECONFIG={file}\n" for name, file in told.items()))


def _down(bed: Bed, _: argparse.Namespace) -> None:
    down(bed)


_ANYWHERE: Mapping[str, Callable[[], int]] = {"needs": _needs, "install": _install, "sample": _sample}
_COMMANDS: Mapping[str, Callable[[Bed, argparse.Namespace], None]] = {
    "up": _up,
    "down": _down,
    "keep": _keep,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
