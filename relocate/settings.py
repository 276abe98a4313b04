# SPDX-License-Identifier: Apache-2.0
"""Settings of our own processes, from the environment (`RELOCATE_...`).

Temporal's settings have Temporal's own names (`TEMPORAL_ADDRESS`, ...), read by `temporalio.envconfig`.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from relocate.credentials import ClientCertificate, Issuer, Token
from relocate.emco.clients import MIGRATION_TASK_QUEUE, RELOCATE_TASK_QUEUE, WorkflowClient, known_clients
from steering.store.engine import TIMEOUT

KINDS = ("sqlite", "postgresql+psycopg")
"""Of databases, as their URLs begin."""


class Settings(BaseSettings):
    """What every process of the service needs to know."""

    model_config = SettingsConfigDict(
        env_prefix="RELOCATE_", env_nested_delimiter="__", extra="forbid", use_attribute_docstrings=True
    )

    database_url: str = "sqlite:///relocate.db"
    """SQLAlchemy URL. SQLite serves one machine and its several processes; PostgreSQL (`postgresql+psycopg://...`) serves more.
    What follows a `?` is libpq's (`sslmode=verify-full&sslrootcert=FILE`)."""
    database_timeout_seconds: float = Field(default=10.0, ge=1, le=300)
    """PostgreSQL: longest time for a connection, a statement, a wait for a row, and for a transaction of which nothing is
    heard. What fails by it is tried again."""
    config: Path | None = None
    """YAML file with applications, clusters and gateways, read at the start of the API."""
    task_queue: str = "relocate"
    """Prefix of the task queues: `-watch`, `-probe` and `-change`."""
    temporal_api_key_file: Path | None = None
    """File with Temporal's API key, instead of `TEMPORAL_API_KEY`: it is read anew when it changes. TLS is used then."""
    payload_keys: Path | None = None
    """JSON file with the keys that encrypt what Temporal keeps of a run: `{"writes": ID, "keys": {ID: KEY, ...}}`, each key 32
    bytes in base64. It is read anew when it changes. Without it Temporal keeps plain text."""
    worker_build: str = Field(default="", max_length=200, pattern=r"^[A-Za-z0-9._-]*$")
    """Which build of the code a worker is, such as its image's tag. Given, a relocation ends on the build on which it began
    (Temporal's Worker Versioning), and new ones begin on the build that `relocate promote` named last. Not given: every worker
    carries on every relocation."""
    api_host: str = "127.0.0.1"
    """Where the API listens; anything but loopback needs `tokens`, `jwt` or `client_certificates`."""
    api_port: int = Field(default=8070, ge=0, le=65535)
    """0 takes a free one."""
    emco_host: str = "127.0.0.1"
    """Where the routes of EMCO listen once more, without a token."""
    emco_port: int | None = Field(default=None, ge=0, le=65535)
    """Their port, for EMCO's workflowmgr, which has none to send; not given: nowhere. Whoever reaches it may start and end
    workflows: keep it inside the cluster."""
    metrics_host: str = "127.0.0.1"
    """Where `/livez`, `/readyz` and `/metrics` of each process listen, without a token."""
    metrics_port: int = Field(default=8071, ge=0, le=65535)
    """Of the API; 0 takes a free one."""
    worker_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """Where a worker's `/livez`, `/readyz` and `/metrics` listen (on `metrics_host`); not given: nowhere, and nothing is
    measured by Temporal's SDK."""
    control_metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """The same of `gateway-control`."""
    tokens: tuple[Token, ...] = ()
    """Static bearer tokens. Where nobody has anything to show (no tokens, `jwt` or `client_certificates`), the API is open, which
    only loopback allows."""
    tokens_file: Path | None = None
    """JSON file with the same, for whoever keeps secrets out of the environment."""
    jwt: Issuer | None = None
    """Who else issues tokens: signed ones, such as those of an OpenID Connect provider."""
    tls_certificate: Path | None = None
    """PEM file with the API's certificate and those between it and its authority: it speaks HTTPS then. It is read anew when
    it changes."""
    tls_key: Path | None = None
    """PEM file with the certificate's key."""
    tls_client_ca: Path | None = None
    """PEM file with the authorities whose certificates callers may show. One that is shown must be valid; showing none is not
    refused by that alone. It is read anew when it changes."""
    client_certificates: tuple[ClientCertificate, ...] = ()
    """What callers may who show a certificate, by its name."""
    requests_per_second: float | None = Field(default=None, gt=0, le=1_000_000)
    """How often one caller of the API may ask in the mean: a token's holder, or else an address. Beyond, 429 says when to come
    back. Not given: as often as it likes."""
    requests_at_once: int = Field(default=100, ge=1, le=1_000_000)
    """How many of them may come at once after a rest."""
    selector: str = "builtin"
    """Name of an entry point in the group `relocate.targets`."""
    selector_settings: dict[str, object] = Field(default_factory=dict)
    """The selector's own settings; for `http` at least `url`."""
    selector_fallback: Literal["fail", "builtin", "keep-current"] = "builtin"
    """What happens when the selector cannot be asked or answers nonsense."""
    signing_key: Path | None = None
    """PEM file with an Ed25519 private key (`openssl genpkey -algorithm ed25519`) that signs downloaded evidence; several
    APIs share one. Without it evidence is served unsigned, and `relocate verify` says so."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged at least, on stderr: a JSON object a line, or text where that is a terminal."""
    tracing: bool = False
    """OpenTelemetry traces of API and workers, over OTLP/HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says; needs the extra
    `tracing`."""
    migrate_task_queue: str = Field(default=MIGRATION_TASK_QUEUE, max_length=1000)
    """Task queue on which workers take EMCO's `EmcoMigrateWorkflow`; empty: they do not, and the original's worker may."""
    relocate_task_queue: str = Field(default=RELOCATE_TASK_QUEUE, max_length=1000)
    """The same for `EmcoRelocateWorkflow`."""
    workflow_clients: tuple[WorkflowClient, ...] = ()
    """More names for `POST /invoke/{workflowClientName}`, for workflows that are somebody else's: each with `name`, `task_queue`
    (empty: the intent's), `workflow_type` (empty: as the queue) and `project` (whose callers may use it, `default`)."""
    page_feed: Path | None = None
    """A file of JSON lines with traffic per second, shown on the page (`relocate demo` writes one)."""

    @model_validator(mode="before")
    @classmethod
    def _tokens_come_from_a_file(cls, given: dict[str, Any]) -> dict[str, Any]:
        """If one is named."""
        if "tokens_file" not in given:
            return given
        try:
            return {"tokens": json.loads(Path(given["tokens_file"]).read_bytes()), **given}
        except (OSError, ValueError) as error:
            raise ValueError("TOKENS_FILE: cannot be read as JSON") from error

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, value: str) -> str:
        """It is not repeated: a password may stand in it."""
        try:
            kind = make_url(value).drivername
        except ArgumentError as error:
            raise ValueError("must be an SQLAlchemy URL, such as sqlite:///relocate.db") from error
        if kind not in KINDS:
            raise ValueError(f"begins with {kind}://; known: {', '.join(f'{one}://' for one in KINDS)}")
        return value

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) is not (self.tls_key is None):
            raise ValueError("TLS_KEY: needed with TLS_CERTIFICATE, and only with it")
        if self.tls_client_ca is not None and self.tls_certificate is None:
            raise ValueError("TLS_CLIENT_CA: needs TLS_CERTIFICATE, as nobody shows a certificate without TLS")
        if self.client_certificates and self.tls_client_ca is None:
            raise ValueError("CLIENT_CERTIFICATES: need TLS_CLIENT_CA, by which certificates are checked")
        return self

    @property
    def secured(self) -> bool:
        """Whether callers have to show who they are."""
        return bool(self.tokens or self.jwt or self.client_certificates)

    @cached_property
    def known_workflow_clients(self) -> Mapping[str, WorkflowClient]:
        """Every name for `POST /invoke/{workflowClientName}`."""
        return known_clients(self.workflow_clients, self.migrate_task_queue, self.relocate_task_queue)

    @property
    def database(self) -> str:
        """The database's URL with all that is to be known to open it, for `steering.store.engine`."""
        url = make_url(self.database_url)
        if url.get_backend_name() != "postgresql":
            return self.database_url
        timed = url.update_query_dict({TIMEOUT: str(self.database_timeout_seconds)})
        return timed.render_as_string(hide_password=False)
