# SPDX-License-Identifier: Apache-2.0
"""JSON merge patches (RFC 7386), for what is different on one cluster (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from relocate.clusters.kubernetes.objects import reference
from relocate.clusters.kubernetes.settings import FIELD
from relocate.errors import InvalidWorkload
from steering.kubernetes.objects import Object


def patched(objects: Sequence[Object], patches: Sequence[Object]) -> Sequence[Object]:
    """The objects, with each patch merged into the one that it names.

    Raises:
        InvalidWorkload: a patch names an object that is not there.
    """
    by_reference = {reference(one): one for one in objects}
    for patch in patches:
        of = reference(patch)
        if of not in by_reference:
            text = f"{FIELD}.overrides: a patch is for {of}, which is not among the objects"
            raise InvalidWorkload(text, field=f"{FIELD}.overrides")
        by_reference[of] = merged(by_reference[of], patch)
    return list(by_reference.values())


def merged(target: Any, patch: Any) -> Any:
    """As RFC 7386, section 2: null takes away, anything but an object replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result
