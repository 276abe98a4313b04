# SPDX-License-Identifier: Apache-2.0
"""Where one replica stands with one version, by what it answered. Pure."""

from datetime import UTC, datetime

from steering.gateway_api import conditions
from steering.gateway_api.asking import Told
from steering.gateway_api.routes import Standing
from steering.gateway_api.settings import GatewayApiSettings
from steering.listening import Knock, Listening
from steering.model import Acknowledgement, InstanceAcknowledgement


def judged(
    replica: str, told: Told, asked: int, standing: Standing, settings: GatewayApiSettings
) -> InstanceAcknowledgement:
    """What an answer says.

    Args:
        replica: its id.
        told: what it answered.
        asked: the version in question.
        standing: the route as it was read.
        settings: the gateway's.
    """
    record = standing.record
    answered_by = record.version_of(told.epoch)
    if answered_by is not None and asked <= answered_by:
        return _said(replica, Acknowledgement.APPLIED, "")
    refusal = conditions.refusal(standing.object, settings) if asked == record.version else None
    if refusal is not None:
        return _said(replica, Acknowledgement.REJECTED, refusal)
    reasons = [_why_not(told, answered_by), conditions.complaint(standing.object, settings)]
    return pending(replica, "; ".join(one for one in reasons if one))


def pending(replica: str, reason: str) -> InstanceAcknowledgement:
    """It is on its way."""
    return _said(replica, Acknowledgement.PENDING, reason)


def silent(replica: str, told: Told, knock: Knock) -> InstanceAcknowledgement:
    """What it says that nothing came back."""
    if knock.listening is Listening.REFUSES:
        return _said(replica, Acknowledgement.DEAD, knock.reason)
    return _said(replica, Acknowledgement.UNKNOWN, f"{told.failure}; {knock.reason}")


def _why_not(told: Told, answered_by: int | None) -> str:
    if answered_by is not None:
        return f"it still answers at version {answered_by}"
    if told.epoch is not None:
        return f"it answers with epoch {told.epoch}, which is none of the last that were written"
    return f"it answers {told.status} without an epoch: it does not have the route"


def _said(replica: str, state: Acknowledgement, reason: str) -> InstanceAcknowledgement:
    return InstanceAcknowledgement(instance=replica, state=state, reason=reason, at=datetime.now(UTC))
