# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.programs.image FOLDER`: the programs that the image has beside the service, and of what modules they are.

FOLDER gets `bin/` and `modules.txt`, a module and its version in each line. Without Go both are empty, and the image is without them.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.programs.build import HELM, KUSTOMIZE, NeedsGoError, build

MODULES = (HELM, KUSTOMIZE)
"""What a worker renders charts and kustomizations with."""
WORD = ("mod", "dep")
"""Begins a line of `go version -m` that names a module."""


def gather(folder: Path) -> None:
    """Fill a folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    found: set[str] = set()
    for module in MODULES:
        for name in module.packages:
            program = build(module) / name
            shutil.copy(program, folder / "bin" / name)
            found |= _modules(program)
    (folder / "modules.txt").write_text("".join(f"{one}\n" for one in sorted(found)))


def _modules(program: Path) -> set[str]:
    told = subprocess.run(["go", "version", "-m", str(program)], capture_output=True, text=True, check=True).stdout
    lines = (line.split() for line in told.splitlines())
    return {f"{parts[1]} {parts[2]}" for parts in lines if parts[0] in WORD and parts[2] != "(devel)"}


if __name__ == "__main__":
    into = Path(sys.argv[1])
    try:
        gather(into)
    except NeedsGoError as reason:
        (into / "modules.txt").touch()
        sys.stderr.write(
            f"{reason}; the image is without them, and its workers render no charts and no kustomizations\n"
        )
