# SPDX-License-Identifier: Apache-2.0
"""Who else keeps an object as it is, and would undo what we do to it. Pure.

Argo CD, Flux and Helm say so by marks: Argo CD by an annotation with what it tracks, or by a label that many others use as well,
which counts where Argo CD has written too; Flux by labels, Helm by an annotation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

ARGO_TRACKING, ARGO_INSTANCE = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"
ARGO_MANAGER, USUAL_INSTANCE = "argocd", "app.kubernetes.io/instance"
FLUX = {"kustomize.toolkit.fluxcd.io/name": "Flux Kustomization", "helm.toolkit.fluxcd.io/name": "Flux HelmRelease"}
HELM_RELEASE = "meta.helm.sh/release-name"


def keeper_of(found: Mapping[str, Any]) -> str | None:
    """What keeps this object, by its name; None when nobody says so."""
    metadata = found["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if ARGO_TRACKING in annotations:
        return f"Argo CD application {annotations[ARGO_TRACKING].partition(':')[0]}"
    if ARGO_INSTANCE in labels:
        return f"Argo CD application {labels[ARGO_INSTANCE]}"
    if USUAL_INSTANCE in labels and any(one.startswith(ARGO_MANAGER) for one in _managers(metadata)):
        return f"Argo CD application {labels[USUAL_INSTANCE]}"
    for label, kind in FLUX.items():
        if label in labels:
            return f"{kind} {labels[label]}"
    return f"Helm release {annotations[HELM_RELEASE]}" if HELM_RELEASE in annotations else None


def _managers(metadata: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(one.get("manager", "")) for one in metadata.get("managedFields") or ())
