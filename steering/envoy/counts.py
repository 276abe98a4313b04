# SPDX-License-Identifier: Apache-2.0
"""What a control plane process has counted since it started, for whoever publishes it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from steering.envoy.xds import SHORT


class Presence(NamedTuple):
    """The instances of one gateway, as one control plane process knows them."""

    declared: int
    """In the gateway's settings."""
    connected: int
    """Of those, with a control connection to this process."""
    others: int
    """Connected to this process, and not declared."""


def _by_type() -> dict[str, int]:
    return dict.fromkeys(SHORT.values(), 0)


@dataclass
class Counts:
    """Plain numbers that only rise."""

    sent: dict[str, int] = field(default_factory=_by_type)
    """Responses, by what the type of resource is called (`xds.SHORT`)."""
    refused: dict[str, int] = field(default_factory=_by_type)
    """Of those, refused by the Envoy."""
    admitted: int = 0
    """Control connections that were let in."""
    turned_away: int = 0
    """Control connections that were not."""

    def count_sent(self, type_url: str) -> None:
        """One response."""
        self.sent[SHORT[type_url]] += 1

    def count_refused(self, type_url: str) -> None:
        """One refusal. The type comes from the other end, so it may be none of ours."""
        if type_url in SHORT:
            self.refused[SHORT[type_url]] += 1
