# SPDX-License-Identifier: Apache-2.0
"""Settings of our own processes, from the environment (`RELOCATE_...`).

Temporal's settings have Temporal's own names (`TEMPORAL_ADDRESS`, ...), read by `temporalio.envconfig`.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Token(BaseModel):
    """One static bearer token."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=128)
    """Who holds it; kept in the record of what was done with it."""
    token: SecretStr = Field(min_length=16)
    """The secret itself, at least 16 characters."""
    scopes: frozenset[str] = frozenset({"read"})
    """Any of `read`, `write`, `admin`; each includes the one before."""


class Settings(BaseSettings):
    """What every process of the service needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="RELOCATE_", env_nested_delimiter="__", extra="forbid", use_attribute_docstrings=True
    )

    database_url: str = "sqlite:///relocate.db"
    """SQLAlchemy URL. SQLite serves one machine and its several processes; PostgreSQL serves more."""
    config: Path | None = None
    """YAML file with applications, clusters and gateways, read at the start of the API."""
    task_queue: str = "relocate"
    """Prefix of the task queues: `-watch`, `-probe` and `-change`."""
    api_host: str = "127.0.0.1"
    """Where the API listens; anything but loopback needs `tokens`."""
    api_port: int = Field(default=8070, ge=0, le=65535)
    """0 takes a free one."""
    metrics_host: str = "127.0.0.1"
    """Where `/livez`, `/readyz` and `/metrics` listen, without a token."""
    metrics_port: int = Field(default=8071, ge=0, le=65535)
    """0 takes a free one."""
    tokens: tuple[Token, ...] = ()
    """Static bearer tokens; none means that the API is open, which only loopback allows."""
    selector: str = "builtin"
    """Name of an entry point in the group `relocate.targets`."""
    selector_settings: dict[str, object] = Field(default_factory=dict)
    """The selector's own settings; for `http` at least `url`."""
    selector_fallback: Literal["fail", "builtin", "keep-current"] = "builtin"
    """What happens when the selector cannot be asked or answers nonsense."""
    signing_key: Path | None = None
    """PEM file with an Ed25519 private key (`openssl genpkey -algorithm ed25519`) that signs downloaded evidence; several
    APIs share one. Without it evidence is served unsigned, and `relocate verify` says so."""
    page_feed: Path | None = None
    """A file of JSON lines with traffic per second, shown on the page (`relocate demo` writes one)."""
