# SPDX-License-Identifier: Apache-2.0
"""Who keeps an object as it is, by the marks that Argo CD, Flux and Helm leave."""

from typing import Any

import pytest

from steering.kubernetes.keepers import keeper_of

ARGO = [{"manager": "kubectl"}, {"manager": "argocd-controller"}]


@pytest.mark.parametrize(
    ("metadata", "keeper"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:x/y"}}, "Argo CD application shop"),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD application shop"),
        ({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": ARGO}, "Argo CD application shop"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "shop"}}, "Flux Kustomization shop"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux HelmRelease shop"),
        ({"annotations": {"meta.helm.sh/release-name": "shop"}}, "Helm release shop"),
        ({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": ARGO[:1]}, None),
        ({"labels": None}, None),
    ],
)
def test_whoever_would_undo_a_change_is_named(metadata: dict[str, Any], keeper: str | None) -> None:
    """A label that many use counts for Argo CD only where Argo CD has written."""
    assert keeper_of({"metadata": metadata}) == keeper
