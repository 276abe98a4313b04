# SPDX-License-Identifier: Apache-2.0
"""From what an application says to the objects that one cluster gets."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from relocate.clusters.kubernetes.objects import in_order, reference
from relocate.clusters.kubernetes.settings import FIELD, KubernetesSettings, KubernetesWorkload, Override
from relocate.clusters.kubernetes.sources.helm import rendered as of_chart
from relocate.clusters.kubernetes.sources.kustomize import rendered as of_kustomization
from relocate.clusters.kubernetes.sources.patches import patched
from relocate.errors import InvalidWorkload
from steering.kubernetes.objects import Object


def namespace_of(cluster: str, settings: KubernetesSettings, workload: KubernetesWorkload) -> str:
    """Where an application's instance is on a cluster.

    Raises:
        InvalidWorkload: the cluster's settings do not allow it.
    """
    named = workload.overrides.get(cluster, Override()).namespace or workload.namespace or settings.namespaces[0]
    if named not in settings.namespaces:
        text = f"{FIELD}.namespace: {named} is none of the cluster's {', '.join(settings.namespaces)}"
        raise InvalidWorkload(text, field=f"{FIELD}.namespace")
    return named


async def objects(
    cluster: str, settings: KubernetesSettings, application: str, workload: KubernetesWorkload
) -> Sequence[Object]:
    """What is to be applied on a cluster, in order, each with a namespace.

    Raises:
        InvalidWorkload: it cannot be rendered, or an object lacks what every object has; the text names the field.
    """
    override = workload.overrides.get(cluster, Override())
    namespace = namespace_of(cluster, settings, workload)
    found: Sequence[Object]
    if workload.manifests is not None:
        found = workload.manifests
    elif workload.kustomize is not None:
        found = await of_kustomization(settings.sources, override.kustomize or workload.kustomize)
    else:
        assert workload.helm is not None  # noqa: S101 - one of the three is there
        found = await of_chart(settings.sources, workload.helm, application, namespace, override.values)
    checked = [_checked(one, namespace) for one in found]
    named = Counter(map(reference, checked))
    twice = sorted(str(one) for one, times in named.items() if times > 1)
    if twice:
        raise InvalidWorkload(f"{FIELD}: {', '.join(twice)} stands twice", field=FIELD)
    return in_order(patched(checked, [_checked(one, namespace) for one in override.patches]))


def _checked(found: Object, namespace: str) -> dict[str, Any]:
    metadata = found.get("metadata")
    if not (found.get("apiVersion") and found.get("kind") and isinstance(metadata, dict) and metadata.get("name")):
        text = f"{FIELD}: each object needs apiVersion, kind and metadata.name, and {str(dict(found))[:120]} has not"
        raise InvalidWorkload(text, field=FIELD)
    return {**found, "metadata": {"namespace": namespace, **metadata}}
