# SPDX-License-Identifier: Apache-2.0
"""Load generators that are not ours, built from source: go.mod names their versions, go.sum their content."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUILT = Path("build/tools")
PACKAGES: Mapping[str, str] = {"vegeta": "github.com/tsenart/vegeta/v12", "ghz": "github.com/bojand/ghz/cmd/ghz"}
BUILD_SECONDS = 900.0
"""Longest time for the first build; a later one only looks whether there is anything to do."""


class NeedsGoError(RuntimeError):
    """They cannot be built here; the text says what is missing."""


@dataclass(frozen=True)
class Tools:
    """Where the programs are."""

    vegeta: Path
    ghz: Path


def build() -> Tools:
    """Build both, or find them built.

    Raises:
        NeedsGoError: Go is not installed, is too old, or cannot get the modules.
    """
    go = shutil.which("go")
    if go is None:
        raise NeedsGoError("needs go (1.24 or newer), to build vegeta and ghz")
    folder = BUILT.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-o", f"{folder}/", *PACKAGES.values()],
        cwd=HERE,
        env=os.environ | {"GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if built.returncode:
        last = (built.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NeedsGoError(f"needs go (1.24 or newer) and its modules: {last}")
    return Tools(**{name: folder / name for name in PACKAGES})
