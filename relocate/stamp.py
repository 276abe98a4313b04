# SPDX-License-Identifier: Apache-2.0
"""Tells whether files have changed, without reading them."""

from pathlib import Path

Stamp = tuple[tuple[int, int, int] | None, ...]


def stamp(*files: Path) -> Stamp:
    """What changes when one of the files does, also when it is replaced by a link (as Kubernetes does)."""
    return tuple(_of(file) for file in files)


def _of(file: Path) -> tuple[int, int, int] | None:
    """None: it is away."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
