# SPDX-License-Identifier: Apache-2.0
"""The last look before the point of no return."""

from collections.abc import Sequence

from relocate.model.values import Payload
from steering.model import RouteState


class Checked(Payload):
    """Everything that is checked once more before A is removed."""

    acknowledged: str | None = "it was not asked"
    """Why some gateway instance may still know A (E2), or None."""
    seen: str | None = "it was not probed"
    """Why some gateway instance may still answer from A (E3), or None."""
    target_healthy: str | None = "it was not probed"
    """Why B may not be healthy now, or None."""
    drained: str | None = "it was not counted"
    """Why somebody may still use A (E5), or None."""
    watched: str | None = None
    """What the prober saw fail since the switch, or None (E4)."""
    evidence_stored: bool = False
    cut: int | None = 0
    """Requests and streams that `force` gives up, at least; None: unknown how many."""


class Waivers(Payload):
    """Exceptions that the request names; each stands in the record."""

    force_drain: bool = False
    unproven: bool = False
    """Gateway instances need not acknowledge where an adapter can give no proof; what else can be proven must be."""
    unsteered: bool = False
    """The application has no routes. Under `unproven` it is given up to prove where its users are, and nothing else."""


def why_not_teardown(checked: Checked, waivers: Waivers) -> str | None:
    """Why A must not be removed, or None. Evidence that was not stored stops it whatever is waived."""
    if not checked.evidence_stored:
        return "the evidence so far could not be stored"
    if checked.target_healthy is not None:
        return f"the target is not proven healthy: {checked.target_healthy}"
    if checked.watched is not None:
        return checked.watched
    unsteered = waivers.unsteered and waivers.unproven
    unproven = checked.acknowledged or checked.seen
    if unproven is not None and not unsteered:
        return f"new requests may still go to the source: {unproven}"
    if checked.drained is not None and not (waivers.force_drain or unsteered):
        return f"the source is still in use: {checked.drained}"
    return None


def why_not_forgotten(found: RouteState | None, source: str, epoch: str | None, where: str) -> str | None:
    """Why a route, as its gateway holds it, may still lead to the source, or None.

    Args:
        found: what was read back, None when there is no such route.
        source: the side that has to be forgotten.
        epoch: of our last write there, None when we wrote nothing.
        where: names the route and its gateway.
    """
    if found is None:
        return f"{where} is gone"
    if found.document.epoch != epoch:
        return f"{where} was changed by somebody else"
    if source in found.document.weights:
        return f"{where} still names {source}"
    return None


def join_reasons(reasons: Sequence[str | None]) -> str | None:
    """The reasons that there are, as one sentence; None if there is none."""
    found = [reason for reason in reasons if reason]
    return "; ".join(found) if found else None
