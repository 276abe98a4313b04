# SPDX-License-Identifier: Apache-2.0
"""A Helm chart, rendered by helm. No release is made in the cluster: what is applied is ours, and so is its removal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from relocate.clusters.kubernetes.settings import FIELD as WORKLOAD, Helm
from relocate.clusters.kubernetes.sources.patches import merged
from relocate.clusters.kubernetes.sources.programs import documents, inside
from steering.kubernetes.objects import Object

FIELD = f"{WORKLOAD}.helm"


async def rendered(
    sources: Path | None, helm: Helm, application: str, namespace: str, values: Mapping[str, Any]
) -> Sequence[Object]:
    """What `helm template` prints; the cluster's own values win."""
    chart = str(inside(sources, helm.chart, f"{FIELD}.chart"))
    argv = ["helm", "template", helm.release or application, chart, f"--namespace={namespace}"]
    told = json.dumps(merged(helm.values, values))
    return await documents([*argv, "--include-crds", "--no-hooks", "--values=-"], FIELD, stdin=told)
