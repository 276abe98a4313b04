# SPDX-License-Identifier: Apache-2.0
"""Where an application's instances are."""

from datetime import datetime

from relocate.model.values import Payload

ADOPTED = "adopt"
"""What created an instance that ran before it was ours."""


class Placement(Payload):
    """One instance that is ours."""

    application: str
    cluster: str
    instance: str
    active: bool
    """Whether it is the one that serves; a relocation's target is not active until the relocation ends."""
    created_by: str
    """Id of the relocation that created it, `place`, or `adopt`."""
    created_at: datetime
