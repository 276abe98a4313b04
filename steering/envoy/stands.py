# SPDX-License-Identifier: Apache-2.0
"""Where one instance stands with each route, by what its control connection told. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from steering.store.gateways import Stand


class Stands:
    """Notes, and which of them are new."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._stands: dict[str, Stand] = {}
        self._changed: set[str] = set()

    def take_changes(self) -> Mapping[str, Stand]:
        """Where routes stand, for those of which that changed since the last call."""
        changed = {route: self._stands[route] for route in self._changed}
        self._changed = set()
        return changed

    def applied(self, route: str, version: int) -> None:
        """It has applied this version; a refusal of a later one still stands."""
        stand = self._of(route)
        rejected = stand.rejected if stand.rejected > version else 0
        reason = stand.reason if rejected else ""
        self._note(route, Stand(applied=version, held=max(stand.held, version), rejected=rejected, reason=reason))

    def refused(self, route: str, version: int, reason: str) -> None:
        """It refused this version, and goes on with what it had."""
        self._note(route, replace(self._of(route), rejected=version, reason=reason))

    def brought(self, route: str, version: int) -> None:
        """It came with this version; anything that it said on this connection is later, and counts instead."""
        if not self._of(route).applied:
            self.applied(route, version)

    def brought_unknown(self, route: str, version: int) -> None:
        """It came with a route that the database knows nothing about."""
        self._note(route, replace(self._of(route), held=version, reason="the database does not know this route"))

    def brought_newer(self, route: str, version: int, known: int) -> None:
        """It came with a newer version than the database's, `known`."""
        reason = f"holds version {version}, newer than the database's {known}: left as it is"
        self._note(route, replace(self._of(route), held=version, rejected=known, applied=0, reason=reason))

    def _of(self, route: str) -> Stand:
        return self._stands.get(route, Stand())

    def _note(self, route: str, stand: Stand) -> None:
        if self._stands.get(route) != stand:
            self._stands[route] = stand
            self._changed.add(route)
