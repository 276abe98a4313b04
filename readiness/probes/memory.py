# SPDX-License-Identifier: Apache-2.0
"""The memory probe: answers what it was told to, for tests and rehearsals."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field

from readiness.answers import bounded
from readiness.contract import Probe
from readiness.model import Readiness, Target, Verdict
from readiness.settings import Settings, checked


class Line(Settings):
    """One answer of the script."""

    readiness: Readiness
    reason: str = Field(default="as scripted", max_length=256)
    retry_after: Annotated[float, Field(ge=0)] | None = None
    observed: dict[str, str] = Field(default_factory=dict)
    delay_seconds: float = Field(default=0.0, ge=0, le=3600)
    """The answer comes after this time; longer than the time-out means that none comes."""
    fault: str | None = None
    """Instead of answering, raise an error with this text: what a stranger's broken probe does."""
    times: int = Field(default=1, ge=1)
    """How often this answer is given before the next one's turn."""


class MemorySettings(Settings):
    """The script of a memory probe."""

    verdicts: tuple[Line | Readiness, ...] = Field(default=(Readiness.READY,), min_length=1, max_length=1000)
    """Answers in order; the last one repeats for ever. A bare word stands for that readiness once."""


class MemoryProbe(Probe):
    """Scripted answers. The one probe with state: where its script stands, and in `asked` whom it was asked about."""

    def __init__(self, settings: MemorySettings) -> None:
        """Args: settings: the script."""
        lines = [line if isinstance(line, Line) else Line(readiness=line) for line in settings.verdicts]
        self._script = [line for line in lines[:-1] for _ in range(line.times)] + lines[-1:]
        self.asked: list[Target] = []

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe from `{"verdicts": ["not_yet", {"readiness": "ready"}]}`."""
        return cls(checked("memory", MemorySettings, settings))

    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """The script's next answer.

        Raises:
            RuntimeError: the script says so.
        """
        line = self._script[min(len(self.asked), len(self._script) - 1)]
        self.asked.append(target)
        if line.fault is not None:
            raise RuntimeError(line.fault)
        return await bounded(self._say(line), timeout)

    async def _say(self, line: Line) -> Verdict:
        if line.delay_seconds:
            await asyncio.sleep(line.delay_seconds)
        return Verdict(
            readiness=line.readiness, reason=line.reason, retry_after=line.retry_after, observed=line.observed
        )
