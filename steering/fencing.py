# SPDX-License-Identifier: Apache-2.0
"""The rule by which a route's one document may be replaced: compare-and-set under a fence.

A pure decision, so that every adapter that keeps documents itself (Envoy, memory) decides alike.
"""

from dataclasses import dataclass

from steering.errors import Conflict, Fenced
from steering.model import Fence, RouteDocument


@dataclass(frozen=True)
class Current:
    """What a route's row says before a write."""

    version: int
    """The last version written; it outlives a removal, so that no number is ever used twice."""
    fence: Fence
    document: RouteDocument | None
    """None: the route has been removed."""


def decide(
    current: Current | None, document: RouteDocument | None, fence: Fence, base: int | None, *, floor: int = 0
) -> int | None:
    """Judge one write (`document`) or removal (`document` is None).

    Args:
        current: the route's row, or None if there never was one.
        document: what shall stand there.
        fence: the writer's token.
        base: the version the writer derived its document from; None if there was no such route.
        floor: a version that some gateway instance already holds; the answer lies above it.

    Returns:
        The version to write, or None if exactly this has been written by exactly this fence: a repeat.

    Raises:
        Fenced: a higher fence has written, or the same one wrote something else.
        Conflict: the route is not at `base`.
    """
    if current is None:
        if base is not None:
            raise Conflict(f"the route does not exist; the writer expected version {base}")
        return floor + 1
    if fence < current.fence:
        raise Fenced(
            f"fence {_text(fence)} is older than {_text(current.fence)}, which wrote version {current.version}"
        )
    if fence == current.fence:
        if document == current.document:
            return None
        raise Fenced(f"fence {_text(fence)} has already written something else, as version {current.version}")
    live = current.version if current.document is not None else None
    if base != live:
        raise Conflict(f"the route is at version {live}; the writer expected {base}")
    return max(current.version, floor) + 1


def _text(fence: Fence) -> str:
    return f"{fence.lease}.{fence.sequence}"
