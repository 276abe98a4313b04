# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what he may do with whose. Pure."""

from dataclasses import dataclass

from relocate.model.application import Application
from relocate.model.cluster import Infrastructure
from relocate.model.values import EVERY_PROJECT

SCOPES = ("read", "write", "admin")
"""Each includes the ones before."""

ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Principal:
    """A caller whose word has been checked."""

    name: str
    shown: str
    """What he showed: `token`, `jwt`, `certificate`, or `nothing`. Names of different kinds may be alike."""
    scopes: frozenset[str] = frozenset(SCOPES)
    projects: frozenset[str] = frozenset({EVERY_PROJECT})

    @property
    def everywhere(self) -> bool:
        """Whether every project is his, and what belongs to none."""
        return EVERY_PROJECT in self.projects

    def may(self, scope: str) -> bool:
        """Whether he has this scope, or one that includes it."""
        return not self.scopes.isdisjoint(SCOPES[SCOPES.index(scope) :])

    def reaches(self, project: str) -> bool:
        """Whether what belongs to this project is there for him."""
        return self.everywhere or project in self.projects

    def sees(self, entry: Application | Infrastructure) -> bool:
        """Whether a configured entry is there for him: his own, and what is shared with one of his projects."""
        if isinstance(entry, Infrastructure) and any(entry.serves(project) for project in self.projects):
            return True
        return self.reaches(entry.project)
