# SPDX-License-Identifier: Apache-2.0
"""What driver and agent say to each other, as JSON bodies.

=========================================  =============================================================
`PUT /instances/{application}/{instance}`  `Order` -> 200 `Status`; 409, 412, 422, 503 `Refusal`;
                                           with `?dry_run=true` nothing is started
`GET /instances/{application}/{instance}`  200 `Status`, also of an instance that the agent does not know
`DELETE ...`                               200 `Status`, at once; 412, 422 `Refusal`
`POST .../fence`                           200 `Status`; the fence is kept, and nothing else happens; 412, 422 `Refusal`
`GET /instances`                           200, a list of `Status`
`GET /healthz`                             200, without a token
=========================================  =============================================================

What changes something says under which fence, `?fence=LEASE.SEQUENCE`: 412 when the agent has seen a newer one for that
instance, 422 when there is none. A dry run needs none.
"""

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from relocate.clusters.contract import InstanceState
from relocate.model.values import Duration, Model, Name, Payload
from steering.model import Endpoint, Fence

PLACEHOLDER = re.compile(r"\{(?:port:(?P<port>[^{}]*)|python)\}")
"""`{port:NAME}` stands for the number that the agent gives to a named port, `{python}` for the agent's interpreter."""

INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Names of instances: they become names of log files."""


class ProcessWorkload(Model):
    """An application's `workloads.process`: the command that is one instance."""

    command: tuple[str, ...] = Field(min_length=1, max_length=256)
    """Program and arguments, without a shell."""
    env: dict[str, str] = Field(default_factory=dict, max_length=256)
    """Beside PATH, HOME and the like, and RELOCATE_INSTANCE, RELOCATE_CLUSTER, RELOCATE_PORT_<NAME>."""
    grace_seconds: Duration = 10.0
    """Between SIGTERM and SIGKILL."""
    restart: Literal["never", "on-failure"] = "never"
    """Whether the agent starts an instance again that ended by itself with another status than 0."""
    capacity: float | None = Field(default=None, gt=0)
    """What one instance can serve, in the application's own unit."""


class Order(Model):
    """One instance that shall run."""

    ports: tuple[Name, ...] = Field(default=(), max_length=16)
    workload: ProcessWorkload

    @model_validator(mode="after")
    def _placeholders_name_ports(self) -> Self:
        texts = {f"command.{index}": part for index, part in enumerate(self.workload.command)}
        texts |= {f"env.{name}": value for name, value in self.workload.env.items()}
        for field, text in texts.items():
            for match in PLACEHOLDER.finditer(text):
                if match["port"] is not None and match["port"] not in self.ports:
                    known = ", ".join(self.ports) or "no port"
                    raise ValueError(f"{field}: {match[0]} names no port; the application's routes have {known}")
        return self


class Status(Payload):
    """One instance as the agent sees it."""

    application: str
    instance: str
    state: InstanceState
    reason: str = ""
    endpoints: dict[str, Endpoint] = Field(default_factory=dict)
    pid: int | None = None
    """Process that the agent started, while it lives."""
    capacity: float | None = None
    restarts: int = 0
    gone: bool
    """No process is left that this instance started, grandchildren included."""


FENCE = re.compile(r"(?P<lease>[0-9]{1,18})\.(?P<sequence>[0-9]{1,18})")
"""A fence as a query parameter."""


def written(fence: Fence) -> str:
    """A fence as the query parameter says it."""
    return f"{fence.lease}.{fence.sequence}"


def read_fence(text: str) -> Fence | None:
    """The fence that a query parameter says; None when it says none."""
    found = FENCE.fullmatch(text)
    return None if found is None else Fence(lease=int(found["lease"]), sequence=int(found["sequence"]))


class Refusal(Payload):
    """Why the agent did not do what it was asked."""

    detail: str
    field: str = ""
    """Field of the workload, where one is to blame."""
