# SPDX-License-Identifier: Apache-2.0
"""The programs of a test bed, in a folder of its own: the cache they come from may be one that a host hides (see `namespaces`)."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.programs.build import COREDNS, ETCD, KUBERNETES, PAUSE, SAMPLE, build

MODULES = (KUBERNETES, ETCD, COREDNS, PAUSE, SAMPLE)


def built() -> list[Path]:
    """Every program, built or found built; the first time takes minutes.

    Raises:
        NeedsGoError: they cannot be built here.
    """
    return [folder / name for module in MODULES for folder in [build(module)] for name in module.packages]


def sample() -> Path:
    """The sample application alone, for clusters that have the rest.

    Raises:
        NeedsGoError: it cannot be built here.
    """
    return build(SAMPLE) / "sample"


def gather(programs: Iterable[Path], folder: Path) -> Path:
    """Put them into one folder, without a copy where that is possible; the folder."""
    folder.mkdir()
    for program in programs:
        try:
            os.link(program, folder / program.name)
        except OSError:  # another file system
            shutil.copy2(program, folder / program.name)
    return folder
