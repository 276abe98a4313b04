# SPDX-License-Identifier: Apache-2.0
"""Kubernetes clusters. Needs `edge-relocation[kubernetes]`; how it works is told in docs/explanation/kubernetes.md."""

from relocate.clusters.kubernetes.driver import KubernetesDriver

__all__ = ["KubernetesDriver"]
