# SPDX-License-Identifier: Apache-2.0
"""What a cluster of the kind `emco` is told."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from relocate.model.cluster import KindName
from relocate.model.values import Model, Name
from steering.model import Endpoint

KIND = "emco"
FIELD = f"workloads.{KIND}"
"""Where an application says what it is in EMCO."""

Url = Annotated[str, Field(pattern=r"^https?://[^/?#@]+(/[^?#]*)?$", max_length=512)]
Endpoints = Annotated[tuple[Endpoint, ...], Field(min_length=1, max_length=64)]


class CompanionSettings(Model):
    """How the cluster itself is looked at, beside EMCO."""

    driver: KindName = Field(examples=["kubernetes"])
    settings: dict[str, Any] = Field(default_factory=dict)
    """As those of a cluster of that kind."""


class EmcoSettings(Model):
    """An `emco` cluster's `settings`."""

    url: Url = Field(examples=["http://orchestrator.emco:9015"])
    """EMCO's orchestrator."""
    clm_url: Url | None = Field(default=None, examples=["http://clm.emco:9061"])
    """EMCO's cluster manager, which knows labels; None: it is reached at `url` as well."""
    provider: str = Field(min_length=1, max_length=128)
    """Cluster provider in EMCO."""
    cluster: str = Field(min_length=1, max_length=128)
    """The cluster's name there."""
    token: SecretStr | None = None
    """Bearer token, where something before EMCO wants one."""
    token_file: Path | None = None
    """File with that token, read for each request: settings are shown to readers of the API."""
    ca_file: Path | None = None
    """Who signed EMCO's certificate; None: whom this machine trusts."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """For each request."""
    stable_seconds: float = Field(default=2.0, ge=0, le=600)
    """How long a new instance must have been ready without a break."""
    settle_seconds: float = Field(default=15.0, ge=0, le=600)
    """How long an update waits for the one before to be carried out: EMCO deletes nothing of one that was not."""
    orphan_seconds: float = Field(default=60.0, ge=0, le=3600)
    """How long EMCO may take to delete what it says is not wanted, before it counts as left behind."""
    companion: CompanionSettings | None = None
    """None: EMCO's word is all there is."""
    endpoints: dict[Name, dict[Name, Endpoints]] = Field(default_factory=dict)
    """By application, by port name: where it listens, for whoever has no companion that sees it."""
    capacity: dict[Name, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By application: what it can serve, in its own unit."""

    @model_validator(mode="after")
    def _companion_is_not_emco(self) -> "EmcoSettings":
        if self.companion is not None and self.companion.driver == KIND:
            raise ValueError("companion.driver: must be another kind than emco")
        return self
