# SPDX-License-Identifier: Apache-2.0
"""The instance's own log of what it answered, so that others' counts can be held against it. Off by default."""

from pathlib import Path
from typing import TextIO


class Answers:
    """One line for each request that was answered well: its id.

    A line is handed to the operating system at once, so that it is there although the instance is killed.
    """

    def __init__(self, folder: Path | None, instance: str) -> None:
        """Args: folder: where the file `INSTANCE.txt` is, shared by all instances; None for no log."""
        self._file: TextIO | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / f"{instance}.txt").open("a", buffering=1, encoding="utf-8")

    def note(self, request: str) -> None:
        """The request with this id was answered; one without an id is nobody's to look for."""
        if self._file is not None and request:
            self._file.write(f"{request}\n")


def read(folder: Path) -> dict[str, list[str]]:
    """Which instances answered each request, by its id: every line of every file in `folder`."""
    found: dict[str, list[str]] = {}
    for file in sorted(folder.glob("*.txt")):
        for request in file.read_text(encoding="utf-8").splitlines():
            found.setdefault(request, []).append(file.stem)
    return found
