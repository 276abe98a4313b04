# SPDX-License-Identifier: Apache-2.0
"""A node's control groups (version 1): the pods' processes are in them, whoever started them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.needs import GROUPS

INHERITED = ("cpuset.cpus", "cpuset.mems")
"""Empty in a new group, and no process can join it as long as they are."""


@dataclass(frozen=True)
class Groups:
    """One group of the same name under every controller."""

    name: str

    def make(self) -> None:
        """Make it everywhere; what is there already is fine."""
        for controller in _controllers():
            (controller / self.name).mkdir(exist_ok=True)
        for file in INHERITED:
            (GROUPS / "cpuset" / self.name / file).write_text((GROUPS / "cpuset" / file).read_text())

    def processes(self) -> set[int]:
        """Ids of those in it, and in every group below."""
        # os.walk passes over a group that is removed while it is looked at, where Path.rglob raises.
        folders = [folder for one in _controllers() for folder, _, _ in os.walk(one / self.name)]
        return {int(line) for folder in folders for line in _read(Path(folder, "cgroup.procs")).split()}

    def remove(self) -> bool:
        """Remove it and every group in it; whether all went, which none does that still has a process."""
        for controller in _controllers():
            for folder, _, _ in os.walk(controller / self.name, topdown=False):
                with suppress(OSError):
                    Path(folder).rmdir()
        return not any((controller / self.name).exists() for controller in _controllers())


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # removed since we looked
        return ""


def _controllers() -> Iterator[Path]:
    """Each hierarchy once: some controllers are links to another's."""
    seen = {one.resolve() for one in GROUPS.iterdir() if one.is_dir()}
    yield from sorted(one for one in seen if (one / "cgroup.procs").exists())
