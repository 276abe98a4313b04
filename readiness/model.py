# SPDX-License-Identifier: Apache-2.0
"""What a probe answers, and what the gate makes of many answers. All values are immutable."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Model(BaseModel):
    """Base of this package's values: immutable, and nothing unknown is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Readiness(StrEnum):
    """One probe's answer."""

    READY = "ready"
    NOT_YET = "not_yet"
    NEVER = "never"
    """Waiting will not help: the gate ends early."""


class Via(StrEnum):
    """On which way a probe goes to the instance."""

    DIRECT = "direct"
    GATEWAYS = "gateways"
    """By the probe path through every gateway instance."""
    BOTH = "both"


class Rule(StrEnum):
    """How probes are joined."""

    ALL = "all"
    ANY = "any"
    QUORUM = "quorum"


class Verdict(Model):
    """One probe's answer with its reason, in words an operator can use."""

    readiness: Readiness
    reason: str = ""
    retry_after: Annotated[float, Field(ge=0)] | None = None
    """Seconds after which asking again makes sense; None leaves it to the gate's period."""
    observed: Mapping[str, str] = Field(default_factory=dict)
    """What was seen, for the record (status, headers asked for, peer)."""
    took_seconds: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether the answer is `ready`."""
        return self.readiness is Readiness.READY


class Target(Model):
    """What is probed: where to connect, and as whom.

    A probe *through a gateway* is the same probe with the gateway instance's address, the route's server name and the
    probe token among the headers.
    """

    host: str
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    server_name: str | None = None
    ca_file: str | None = None
    headers: Mapping[str, str] = Field(default_factory=dict)
    """Request headers (HTTP) or metadata (gRPC) to send."""


class ProbeSpec(Model):
    """One configured probe of a gate."""

    kind: str = Field(min_length=1, max_length=64, examples=["http"])
    """Name of an entry point in the group `readiness.probes`."""
    port: str = Field(default="http", max_length=63)
    """Named port of the instance that is asked."""
    via: Via = Via.BOTH
    settings: Mapping[str, object] = Field(default_factory=dict)
    """The probe's own settings; the probe checks them and names the field that is wrong."""


class GateSpec(Model):
    """The rule that joins probes into "ready". A gate needs at least one probe, and "all of nothing" is never true."""

    probes: tuple[ProbeSpec, ...] = Field(min_length=1, max_length=32)
    rule: Rule = Rule.ALL
    quorum: int | None = Field(default=None, ge=1)
    """How many probes must pass; only with `rule: quorum`."""
    delay_seconds: float = Field(default=0.0, ge=0, le=3600)
    """Time before the first check."""
    period_seconds: float = Field(default=0.2, ge=0.01, le=60)
    """Time from one check's start to the next; shorter between the first four, until the rule holds."""
    timeout_seconds: float = Field(default=1.0, gt=0, le=60)
    """Longest time for one check of one probe."""
    stable_seconds: float = Field(default=1.0, ge=0, le=3600)
    """How long the rule must hold without a break."""
    deadline_seconds: float = Field(default=60.0, gt=0, le=86400)
    """After this time without success the gate ends as not ready."""

    @model_validator(mode="after")
    def _quorum_fits(self) -> Self:
        if (self.quorum is not None) != (self.rule is Rule.QUORUM):
            raise ValueError("quorum: stands with rule quorum, and only there")
        if self.quorum is not None and self.quorum > len(self.probes):
            raise ValueError(f"quorum: at most the number of probes, {len(self.probes)}")
        return self
