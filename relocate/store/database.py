# SPDX-License-Identifier: Apache-2.0
"""The whole database, by subject."""

from typing import Self

from sqlalchemy import Engine

from relocate.store.acceptance import Acceptance
from relocate.store.audit import Audit
from relocate.store.catalogue import Catalogue, Placements
from relocate.store.evidence import EvidenceLog
from relocate.store.exclusions import Exclusions
from relocate.store.instances import KeptInstances
from relocate.store.intents import WorkflowIntents
from relocate.store.leases import Leases
from relocate.store.relocations import Relocations
from relocate.store.watched import Watched
from steering.store.engine import engine as make_engine


class Database:
    """One handle on everything that is kept. Making one does not connect."""

    def __init__(self, engine: Engine) -> None:
        """Args: engine: from `make_engine`."""
        self.engine = engine
        self.catalogue = Catalogue(engine)
        self.placements = Placements(engine)
        self.acceptance = Acceptance(engine)
        self.relocations = Relocations(engine)
        self.leases = Leases(engine)
        self.evidence = EvidenceLog(engine)
        self.watched = Watched(engine)
        self.intents = WorkflowIntents(engine)
        self.instances = KeptInstances(engine)
        self.exclusions = Exclusions(engine)
        self.audit = Audit(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """The database at an SQLAlchemy URL."""
        return cls(make_engine(url))

    def close(self) -> None:
        """Let go of connections."""
        self.engine.dispose()
