# SPDX-License-Identifier: Apache-2.0
"""The target selector: candidates in, a ranked list with reasons out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from relocate.model.application import Requirements
from relocate.model.values import Payload


class Candidate(Payload):
    """One cluster as a selector sees it. `None` is unknown."""

    cluster: str
    zone: str | None = None
    cells: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    cordoned: bool = False
    ready: bool | None = None
    """Whether its driver answers now."""
    latency_ms: float | None = None
    """Round trip from the UE's cell."""
    cpu_free_millicores: int | None = None
    memory_free_mib: int | None = None
    failed_at: datetime | None = None
    """When a relocation to it last failed."""


class SelectionRequest(Payload):
    """What a selector is asked."""

    id: str
    application: str
    source: str | None
    cell: str | None = None
    requirements: Requirements = Requirements()
    candidates: tuple[Candidate, ...]
    now: datetime


class Ranked(Payload):
    """A candidate that fits, best first."""

    cluster: str
    score: float
    scores: dict[str, float] = Field(default_factory=dict)
    """By scorer, 0 to 100."""


class Rejection(Payload):
    """A candidate that does not fit, and every reason why."""

    cluster: str
    reasons: tuple[str, ...]


class Decision(Payload):
    """A selector's answer: every candidate stands in `ranked` or in `rejected`."""

    selector: str
    ranked: tuple[Ranked, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    keep_current: bool = False
    """The current cluster is still the best: nothing to do."""
    sentence: str = ""
    fallback: str | None = None
    """Why this is not the configured selector's own answer, or None."""


class TargetSelector(ABC):
    """One way to choose. Deterministic for equal requests, ties included."""

    @classmethod
    @abstractmethod
    def open(cls, settings: Mapping[str, Any]) -> Self:
        """Make the selector.

        Raises:
            InvalidRequest: a setting makes no sense; the text names the field and what is allowed.
        """

    @abstractmethod
    async def rank(self, request: SelectionRequest) -> Decision:
        """Rank the candidates of `request`; none fitting is an answer, not an error.

        Raises:
            SelectorFailed: it could not be asked, or its answer makes no sense; `choosing.choose` falls back.
        """

    async def close(self) -> None:
        """Let go of connections."""
        return
