# SPDX-License-Identifier: Apache-2.0
"""The orchestrator's way in, in memory: it keeps requests in the real database and runs nothing."""

import asyncio
from datetime import UTC, datetime
from itertools import count

from relocate.dispatch import Adoption, CommandResult, Dispatch, DryRun
from relocate.errors import EngineUnavailable, InvalidRequest
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.placement import ADOPTED, Placement
from relocate.model.relocation import Actor, RelocationRequest, Status, View
from relocate.store.acceptance import Accepted
from relocate.store.database import Database
from relocate.targets.contract import Decision, Ranked
from tests.api.memory_workflows import MemoryWorkflows


class MemoryDispatch(Dispatch):
    """Keeps and answers; runs nothing. Faults: `down` makes everything unavailable; `refusing` refuses every command."""

    def __init__(self, database: Database) -> None:
        """Args: database: where requests are kept."""
        self._database = database
        self._numbers = count(1)
        self.down = False
        self.refusing = False
        self.actors: list[Actor] = []
        self.swept = asyncio.Event()
        self._workflows = MemoryWorkflows()

    @property
    def workflows(self) -> MemoryWorkflows:
        """Started, and nothing more."""
        return self._workflows

    def _check(self, request: RelocationRequest) -> Application:
        if self.down:
            raise EngineUnavailable("Temporal cannot be asked now; nothing was accepted")
        application = self._database.catalogue.get(Application, request.application)
        for cluster in (request.source, request.target, *(request.candidates or ())):
            if cluster is not None:
                self._database.catalogue.cluster_for(application, cluster)
        return application

    async def accept(self, request: RelocationRequest, *, key: str | None, actor: Actor) -> Accepted:
        """Keep it; nothing starts."""
        application = self._check(request)
        self.actors.append(actor)
        identity = f"r-{next(self._numbers)}"
        return self._database.acceptance.accept(identity, request, key=key, project=application.project)

    async def dry_run(self, request: RelocationRequest) -> DryRun:
        """Always the same plan."""
        self._check(request)
        decision = Decision(
            selector="builtin", ranked=(Ranked(cluster="mec-b", score=80),), sentence="mec-b is nearest."
        )
        return DryRun(source="mec-a", target="mec-b", decision=decision, steps=("An instance is put on mec-b.",))

    async def cancel(self, identity: str, actor: Actor) -> View:
        """Recorded in the sentence."""
        self._available()
        self._database.relocations.unfinished(identity)
        self.actors.append(actor)
        return self._database.relocations.change(
            identity, lambda view: view.model_copy(update={"sentence": "Undoing."})
        )

    async def command(self, identity: str, name: str, actor: Actor, *, cluster: str | None = None) -> CommandResult:
        """Taken, or refused when `refusing`."""
        self._available()
        self._database.relocations.unfinished(identity)
        self.actors.append(actor)
        if name == "settle" and cluster is None:
            raise InvalidRequest("cluster: settle needs the side to stay on", field="cluster")
        if self.refusing:
            return CommandResult(accepted=False, sentence=f"There is nothing to {name} now.")
        return CommandResult(accepted=True, sentence=f"Accepted: {name}.")

    async def place(self, application: str, cluster: str, actor: Actor) -> Placement:
        """Recorded; `actor` is told in `actors`."""
        self._available()
        self.actors.append(actor)
        self._database.catalogue.get(Application, application)
        self._database.catalogue.get(Cluster, cluster)
        if self._database.placements.active(application) is not None:
            raise InvalidRequest(f"name: {application} is placed already", field="name")
        placement = Placement(
            application=application,
            cluster=cluster,
            instance=f"{application}-1",
            active=True,
            created_by="place",
            created_at=datetime.now(UTC),
        )
        self._database.placements.put(placement)
        return placement

    async def adoption(self, application: str, cluster: str) -> Adoption:
        """One Deployment and one route; on `mec-b` it is kept by somebody."""
        self._available()
        self._database.catalogue.get(Application, application)
        self._database.catalogue.get(Cluster, cluster)
        kept = ("Deployment web is kept by Argo CD application shop",) if cluster == "mec-b" else ()
        changes = ("Deployment web gets the labels relocation.edge/...",)
        return Adoption(
            application=application, cluster=cluster, parts=("Deployment web",), changes=changes, problems=kept
        )

    async def adopt(self, application: str, cluster: str, actor: Actor) -> Placement:
        """As `place`, unless somebody keeps it."""
        problems = (await self.adoption(application, cluster)).problems
        if problems:
            raise InvalidRequest("; ".join(problems), field="application")
        placement = (await self.place(application, cluster, actor)).model_copy(update={"created_by": ADOPTED})
        self._database.placements.put(placement)
        return placement

    async def release(self, application: str, actor: Actor) -> Placement:
        """Forgotten, if it was adopted."""
        self._available()
        self._database.catalogue.get(Application, application)
        self.actors.append(actor)
        placement = self._database.placements.active(application)
        if placement is None or placement.created_by != ADOPTED:
            raise InvalidRequest(f"application: {application} was not adopted", field="application")
        self._database.placements.forget(application, placement.cluster)
        return placement

    async def sweep(self) -> int:
        """Everything accepted counts as started."""
        self._available()
        pending = self._database.acceptance.not_started()
        for one in pending:
            self._database.acceptance.started(one.id)
        self.swept.set()
        return len(pending)

    async def reachable(self) -> bool:
        """Unless `down`."""
        return not self.down

    def _available(self) -> None:
        if self.down:
            raise EngineUnavailable("Temporal cannot be asked now; nothing was accepted")


def finish(database: Database, identity: str, outcome: str = "completed") -> View:
    """End a relocation, as the workflow would."""
    end = {"status": Status.FINISHED, "outcome": outcome, "finished_at": datetime.now(UTC), "sentence": "It is done."}
    return database.relocations.change(identity, lambda view: View.model_validate({**view.model_dump(), **end}))
