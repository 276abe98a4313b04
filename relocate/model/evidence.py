# SPDX-License-Identifier: Apache-2.0
"""What was observed, by whom, when: one claim of the evidence ladder."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from relocate.model.relocation import Phase
from relocate.model.values import Payload
from steering.model import Rung


class Claim(Payload):
    """One observation. It says how it was made: *counted* by a gateway, or *sampled* by a prober."""

    rung: Rung | Literal["note"]
    """A rung of the ladder, or `note` for what somebody decided or commanded."""
    phase: Phase | None = None
    sentence: str
    gateway: str | None = None
    instance: str | None = None
    """The gateway instance that said so."""
    side: str | None = None
    """The backend (cluster) it is about."""
    basis: Literal["counted", "sampled", "said"] = "said"
    period_seconds: float | None = None
    """For `sampled`: an outage longer than this would have been seen."""
    bound: float | None = None
    """For `sampled`: 95 % upper bound of the failure rate."""
    holds: bool = True
    """False for an observation that speaks against going on."""
    detail: dict[str, Any] = Field(default_factory=dict)


class Entry(Payload):
    """A claim in its place in a relocation's record."""

    relocation: str
    seq: int
    at: datetime
    claim: Claim
    previous: str
    digest: str
