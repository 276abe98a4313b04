# SPDX-License-Identifier: Apache-2.0
"""The probe: one question, one answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Self

from readiness.model import Target, Verdict


class Probe(ABC):
    """One readiness check. It holds settings, no state, and may be asked at any time, any number of times at once."""

    through_gateways: ClassVar[bool] = True
    """Whether asking by a gateway's probe path says something about the instance behind it. False for a probe that a
    gateway would answer in the instance's place (tcp), or that asks somebody else (prometheus)."""

    confined: ClassVar[bool] = True
    """Whether it reaches nothing but its target. False for a probe that runs a program where it asks from (exec), or asks an
    address that its settings name (prometheus): only an operator's word should be enough for that."""

    @classmethod
    @abstractmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe.

        Raises:
            InvalidProbe: a setting makes no sense; the text names the field and what is allowed.
        """

    @abstractmethod
    async def check(self, target: Target, *, timeout: float) -> Verdict:
        """Ask `target` once, on a fresh connection, within `timeout` seconds.

        Never raises for anything the target does or fails to do: that is the verdict.
        """
