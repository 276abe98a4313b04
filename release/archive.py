# SPDX-License-Identifier: Apache-2.0
"""Archives that come out the same whoever makes them, and when."""

import gzip
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

READABLE, RUNNABLE = 0o644, 0o755


def pack(archive: Path, files: Mapping[str, Path], moment: int) -> None:
    """Put files into a tar archive.

    Args:
        archive: what is written: `.tar`, or `.tgz`, which is compressed.
        files: by their names in the archive; the order does not matter.
        moment: every file's time, in seconds since 1970.
    """
    with (
        archive.open("wb") as raw,
        _compressed(raw, archive.suffix) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, file in sorted(files.items()):
            _add(tar, name, file, moment)


def compress(source: IO[bytes], archive: Path) -> None:
    """A stream as a .gz file, without a name and a time in it."""
    with archive.open("wb") as raw, _compressed(raw, ".gz") as out:
        shutil.copyfileobj(source, out, 1 << 20)


def _compressed(raw: IO[bytes], suffix: str) -> IO[bytes]:
    if suffix == ".tar":
        return raw
    return gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6)  # type: ignore[return-value]


def _add(tar: tarfile.TarFile, name: str, file: Path, moment: int) -> None:
    member = tarfile.TarInfo(name)
    found = file.stat()
    member.size, member.mtime = found.st_size, moment
    member.mode = RUNNABLE if found.st_mode & 0o100 else READABLE
    with file.open("rb") as content:
        tar.addfile(member, content)
