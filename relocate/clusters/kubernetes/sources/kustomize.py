# SPDX-License-Identifier: Apache-2.0
"""A Kustomize folder."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from relocate.clusters.kubernetes.settings import FIELD as WORKLOAD
from relocate.clusters.kubernetes.sources.programs import documents, inside
from steering.kubernetes.objects import Object

FIELD = f"{WORKLOAD}.kustomize"


async def rendered(sources: Path | None, folder: str) -> Sequence[Object]:
    """What `kustomize build` prints, by whichever of the two programs is installed."""
    path = str(inside(sources, folder, FIELD))
    command = ["kustomize", "build", path] if shutil.which("kustomize") else ["kubectl", "kustomize", path]
    return await documents(command, FIELD)
