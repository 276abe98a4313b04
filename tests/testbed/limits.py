# SPDX-License-Identifier: Apache-2.0
"""Limits of the machine that several test beds reach together, and that are not ours to change."""

from pathlib import Path

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHERS = 45
"""Instances of inotify (inotify(7)) that a bed takes: measured 38, and some for its pods. Linux allows a user 128."""


class MachineFullError(RuntimeError):
    """This machine has no room for another test bed."""


def check(limit: Path = INOTIFY) -> None:
    """Say so before the kubelets do, which end with "too many open files".

    Raises:
        MachineFullError: too few instances of inotify are left.
    """
    allowed, taken = int(limit.read_text()), _taken()
    if taken + WATCHERS > allowed:
        raise MachineFullError(
            f"{taken} of {allowed} instances of inotify are taken, and a test bed takes {WATCHERS}: end another bed, or "
            f"`sysctl --write fs.inotify.max_user_instances={allowed + 4 * WATCHERS}`"
        )


def _taken() -> int:
    """By root: whoever else has some has a limit of his own."""
    return sum(map(_watches, Path("/proc").glob("[0-9]*/fd")))


def _watches(descriptors: Path) -> int:
    try:
        if descriptors.stat().st_uid:
            return 0
        return sum(str(one.readlink()) == "anon_inode:inotify" for one in descriptors.iterdir())
    except OSError:  # it has just ended
        return 0
