# SPDX-License-Identifier: Apache-2.0
"""What is there for whom: who may not reach a project is answered as if nothing of it were there.

What an address names is looked at here, for every route; what a body names, or a list holds, by the route itself.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request

from api.access.audit import LOOKS, concerns
from api.access.principal import Principal
from api.problems import RequestRefused
from api.service import principal_of, service_of
from relocate.errors import NotFound
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.store.catalogue import Entry, unknown as unknown_entry
from relocate.store.database import Database
from relocate.store.relocations import unknown as unknown_relocation

ENTRIES: Mapping[str, type[Entry]] = {
    "applications": Application,
    "clusters": Cluster,
    "gateways": Gateway,
}
"""By the second part of their addresses."""


class Reach:
    """What is there for who asks, while one request is answered."""

    def __init__(self, request: Request, principal: Principal, database: Database) -> None:
        """Args: request: his; principal: who he is; database: where everything is."""
        self._request = request
        self._database = database
        self.principal = principal

    @property
    def projects(self) -> Collection[str] | None:
        """His; None: all."""
        return None if self.principal.everywhere else self.principal.projects

    def key(self, given: str | None) -> str | None:
        """An idempotency key as it is kept: who has only some projects shares none with others."""
        if given is None or self.principal.everywhere:
            return given
        mine = f"{self.principal.shown} {self.principal.name}\n{given}"
        return f"sha256:{hashlib.sha256(mine.encode()).hexdigest()}"

    def own(self, project: str, absent: NotFound) -> None:
        """The request is about something of this project: note that for the record.

        Raises:
            NotFound: `absent`, as it is not there for him.
        """
        if not self.principal.reaches(project):
            raise absent
        concerns(self._request.scope, project)

    def everywhere(self, what: str) -> None:
        """The request is about what no single project may decide.

        Raises:
            RequestRefused: he has only some.
        """
        if not self.principal.everywhere:
            raise RequestRefused("forbidden", f"{what} by who has all projects; {self.principal.name} has only some")

    async def application(self, name: str) -> None:
        """The request is about this application.

        Raises:
            NotFound: it is not there, or not for him.
        """
        if not self.principal.everywhere:
            found = await asyncio.to_thread(self._database.catalogue.get, Application, name)
            self.own(found.project, unknown_entry(Application, name))

    async def relocation(self, identity: str) -> None:
        """The request is about this relocation.

        Raises:
            NotFound: it is not there, or not for him.
        """
        project = await asyncio.to_thread(self._database.relocations.project, identity)
        self.own(project, unknown_relocation(identity))

    async def entry(self, kind: type[Entry], name: str) -> None:
        """The request is about this entry, which he may look at, or change, if it is his.

        Raises:
            NotFound: it is not there, or not for him.
            RequestRefused: it is infrastructure, he would change it, and he has only some projects.
        """
        if kind is not Application and self._request.method not in LOOKS:
            self.everywhere("clusters and gateways are configured")
        found = await asyncio.to_thread(self._database.catalogue.entry, kind, name)
        if not self.principal.sees(found):
            raise unknown_entry(kind, name)
        concerns(self._request.scope, found.project)


# One part each, and not parts of parts: every request pays for each of them.
async def _reach(request: Request) -> Reach:
    return Reach(request, principal_of(request), service_of(request).database)


TheReach = Annotated[Reach, Depends(_reach)]


async def within_reach(request: Request) -> None:
    """See that what the address names is there for who asks.

    Raises:
        NotFound: it is not.
        RequestRefused: he would change what only somebody of all projects may.
    """
    reach = await _reach(request)
    if reach.principal.everywhere:
        if request.method not in LOOKS:
            with suppress(NotFound):  # of which the route itself says it better
                await _check(request, reach)
        return
    await _check(request, reach)


async def _check(request: Request, reach: Reach) -> None:
    named = request.path_params
    if "identity" in named:
        await reach.relocation(named["identity"])
    elif "project" in named:
        reach.own(named["project"], NotFound(f"no project is called {named['project']}"))
    elif "name" in named:
        _, _, place, _, *more = request.url.path.split("/")
        # What is put need not be there yet; whose it will be stands in the body.
        if request.method != "PUT" or more:
            await reach.entry(ENTRIES[place], named["name"])
