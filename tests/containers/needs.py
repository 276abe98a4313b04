# SPDX-License-Identifier: Apache-2.0
"""What a machine needs for containers, and what of it is not there."""

import os
import shutil
from collections.abc import Sequence

COMMANDS = ("dockerd", "containerd", "runc", "debootstrap", "ip")
PACKAGES = ("docker.io", "debootstrap", "iproute2")
"""Debian's names."""


def missing() -> Sequence[str]:
    """A sentence for each need of an engine of our own that is not met; empty where one can be started."""
    found = []
    if os.geteuid() != 0:
        found.append("root, to start an engine; or a Docker engine that runs and may be used")
    absent = [one for one in COMMANDS if shutil.which(one) is None]
    if absent:
        found.append(f"the commands {', '.join(absent)} (Debian: apt-get install {' '.join(PACKAGES)})")
    return found
