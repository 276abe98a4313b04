# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects as plain values. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Object = Mapping[str, Any]
"""As it stands in a manifest, or as an API server gave it."""


class Kind(NamedTuple):
    """A kind of object, as manifests name it."""

    api_version: str
    name: str
