# SPDX-License-Identifier: Apache-2.0
"""A real disk, small enough to be filled."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self

SIZE_MIB = 32
BLOCK = bytes(4096)


@dataclass(frozen=True)
class SmallDisk:
    """A tmpfs of its own: what does not fit is refused with ENOSPC, as by any file system."""

    folder: Path

    @classmethod
    @contextmanager
    def mounted(cls, folder: Path) -> Iterator[Self]:
        """Mounted at `folder` until the block ends; for root alone."""
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "none", str(folder)], check=True)
        try:
            yield cls(folder)
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not one block is free until this block ends."""
        filler = self.folder / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                _fill(file)
            yield
        finally:
            filler.unlink()


def _fill(file: FileIO) -> None:
    try:
        while True:
            file.write(BLOCK)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
