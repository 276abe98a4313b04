# SPDX-License-Identifier: Apache-2.0
"""A kubeconfig that needs no file beside it."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.pki import Pair


def write(file: Path, *, cluster: str, server: str, ca: Path, user: str, pair: Pair) -> None:
    """Write somebody's, who has this certificate; nobody else may read it.

    Args:
        file: where it is written.
        cluster: its name, and that of the one context.
        server: URL of the API.
        ca: certificate of the authority that signed the server's.
        user: the name of the user's entry.
        pair: of the user.
    """
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(_kubeconfig(cluster, server, ca, user, pair), sort_keys=False))


def _kubeconfig(cluster: str, server: str, ca: Path, user: str, pair: Pair) -> Mapping[str, Any]:
    certificates = {"client-certificate-data": _inline(pair.certificate), "client-key-data": _inline(pair.key)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": _inline(ca)}}],
        "users": [{"name": user, "user": certificates}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }


def _inline(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
