# SPDX-License-Identifier: Apache-2.0
"""Where the application is, and where it should go."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from temporalio import activity

from relocate.activities import calls
from relocate.activities.beginning import looking
from relocate.activities.failures import translated
from relocate.activities.orders import Selected, SelectOrder, Serving, Written
from relocate.activities.ways import Stretch, stretches
from relocate.clusters.contract import InstanceState
from relocate.errors import ClusterUnavailable, InvalidRequest, NotFound
from relocate.model.application import WHOLE, Application
from relocate.model.cluster import Cluster
from relocate.model.placement import Placement
from relocate.model.relocation import RelocationRequest
from relocate.parts import Parts
from relocate.phases.policy import policy_of
from relocate.phases.proof import is_provable
from relocate.targets.choosing import choose
from relocate.targets.contract import Candidate, Decision, Ranked, SelectionRequest
from steering.errors import Unavailable
from steering.model import Backend, RouteDocument, RouteState

ANSWER_SECONDS = 2.0
"""How long a candidate cluster may take to say that it is there."""


class Selection:
    """The activity of the phase `select`."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.SELECT.name)
    @translated
    async def select(self, order: SelectOrder) -> Selected:
        """The instance that serves, observed now, and the ranked targets or why there is none."""
        async with looking(self._parts.database, order):
            return await self._selected(order)

    async def _selected(self, order: SelectOrder) -> Selected:
        name = order.application.name
        found = await stretches(self._parts, order.application)
        states = await standing_at(found)
        standing = {key: state.document for key, state in states.items()}
        placed = await asyncio.to_thread(self._parts.database.placements.of, name)
        placement = _who_serves(placed, standing.values())
        if placement is None:
            raise NotFound(f"application {name} is not placed anywhere")
        serving, sentence = await self._observed(placement)
        decision = await decide(self._parts, order.relocation, order.request, placement.cluster)
        if decision.ranked:
            check_provable(found, order.application, order.request)
            kept = why_kept(states)
            if kept:
                raise InvalidRequest("; ".join(kept), field="application")
        return Selected(
            source=placement.cluster,
            serving=serving or _as_routed(placement, standing.values()),
            written=Written(epochs={key: document.epoch for key, document in standing.items()}),
            sentence=sentence,
            left=tuple((one.cluster, one.instance) for one in placed if one != placement),
            decision=decision,
        )

    async def _observed(self, placement: Placement) -> tuple[Serving | None, str]:
        """The placed instance if it runs; else why nothing can be relied on."""
        try:
            driver = await self._parts.driver(placement.cluster)
            observed = await driver.observe(placement.application, placement.instance)
        except ClusterUnavailable as error:
            return None, str(error)
        if observed.state is not InstanceState.RUNNING:
            return None, f"{placement.instance} on {placement.cluster} is {observed.state}: {observed.reason}"
        backend = Backend(name=placement.cluster, instance=placement.instance, endpoints=observed.endpoints)
        return Serving(backend=backend, capacity=observed.capacity), ""


async def standing_at(found: Sequence[Stretch]) -> Mapping[str, RouteState]:
    """Each route as it stands, by "gateway/route"; a gateway that does not have the route is left out."""
    states = {stretch.key: await stretch.adapter.read(stretch.route.name) for stretch in found}
    return {key: state for key, state in states.items() if state is not None}


def _who_serves(placed: Sequence[Placement], standing: Collection[RouteDocument]) -> Placement | None:
    """The instance that is on record as active, unless the routes give everything to another one of ours.

    Somebody who abandoned a relocation left the record and the routes as they were.
    """
    for one in placed:
        backends = [
            document.backend(one.cluster) for document in standing if document.weights.get(one.cluster) == WHOLE
        ]
        named = [backend for backend in backends if backend is not None and backend.instance == one.instance]
        if standing and len(named) == len(standing):
            return one
    return next((one for one in placed if one.active), None)


def _as_routed(placement: Placement, standing: Iterable[RouteDocument]) -> Serving | None:
    """The placed instance as the gateways know it, for when its cluster does not; None if no route names it."""
    named = [backend for document in standing if (backend := document.backend(placement.cluster)) is not None]
    mine = [backend for backend in named if backend.instance == placement.instance]
    if not mine:
        return None
    endpoints = {port: found for backend in mine for port, found in backend.endpoints.items()}
    return Serving(backend=Backend(name=placement.cluster, instance=placement.instance, endpoints=endpoints))


async def decide(parts: Parts, identity: str, request: RelocationRequest, source: str | None) -> Decision:
    """Rank the targets of a request; a given target is the whole ranking.

    Raises:
        NotFound: a named cluster is not configured.
    """
    catalogue = parts.database.catalogue
    application = await asyncio.to_thread(catalogue.get, Application, request.application)
    configured = await asyncio.to_thread(catalogue.list, Cluster)
    known = {cluster.name: cluster for cluster in configured if cluster.serves(application.project)}
    if request.target is not None:
        return _pinned(request.target, source, known)
    offered = _offered(request, known)
    failed = await asyncio.to_thread(parts.database.relocations.failed_targets, request.application)
    candidates = await asyncio.gather(
        *(_candidate(parts, cluster, request.cell, failed.get(cluster.name)) for cluster in offered)
    )
    asked = SelectionRequest(
        id=identity,
        application=request.application,
        source=source,
        cell=request.cell,
        requirements=application.requirements,
        candidates=tuple(candidates),
        now=datetime.now(UTC),
    )
    return await choose(parts.selector, parts.settings.selector_fallback, asked)


def check_provable(found: Sequence[Stretch], application: Application, request: RelocationRequest) -> None:
    """See that every gateway can prove what the policy wants proven, before anything is changed.

    Raises:
        InvalidRequest: one cannot.
    """
    unproven = policy_of(application, request.options).unproven == "allow"
    if not application.routes and not unproven:
        raise InvalidRequest(
            f"unproven: {application.name} has no routes, so nothing can prove where its users are; "
            "allow moves it all the same",
            field="options.unproven",
        )
    silent = {one.gateway for one in found if not is_provable(one.adapter.describe().rungs, unproven=unproven)}
    if silent:
        raise InvalidRequest(
            f"unproven: gateway {', '.join(sorted(silent))} cannot tell what its instances have applied; "
            "allow relies on answers through them alone",
            field="options.unproven",
        )


async def why_not_written(found: Sequence[Stretch]) -> Sequence[str]:
    """For a plan: who would undo what is written to these routes, or which gateway does not say."""
    try:
        return why_kept(await standing_at(found))
    except Unavailable as error:
        return (str(error),)


def why_kept(states: Mapping[str, RouteState]) -> Sequence[str]:
    """Why what is written would not stay: somebody says of a route that he keeps it as it is."""
    said = "keeps route {} as it is, and would undo what we write: take the route out of it first"
    return [f"{state.kept_by} {said.format(key)}" for key, state in states.items() if state.kept_by is not None]


def _pinned(target: str, source: str | None, known: dict[str, Cluster]) -> Decision:
    if target not in known:
        raise NotFound(f"no cluster is called {target}")
    if target == source:
        return Decision(selector="given", keep_current=True, sentence=f"It already runs on {target}.")
    if known[target].cordoned:
        return Decision(selector="given", sentence=f"{target} was asked for, but it is cordoned.")
    return Decision(
        selector="given", ranked=(Ranked(cluster=target, score=100.0),), sentence=f"{target} was asked for by name."
    )


def _offered(request: RelocationRequest, known: dict[str, Cluster]) -> Sequence[Cluster]:
    names = request.candidates if request.candidates is not None else tuple(sorted(known))
    for name in names:
        if name not in known:
            raise InvalidRequest(f"candidates: no cluster is called {name}", field="candidates")
    wanted = (request.labels or {}).items()
    return [known[name] for name in dict.fromkeys(names) if wanted <= known[name].labels.items()]


async def _candidate(parts: Parts, cluster: Cluster, cell: str | None, failed_at: datetime | None) -> Candidate:
    return Candidate(
        cluster=cluster.name,
        zone=cluster.zone,
        cells=cluster.cells,
        labels=cluster.labels,
        cordoned=cluster.cordoned,
        ready=await _answers(parts, cluster.name),
        latency_ms=cluster.latency_ms.get(cell) if cell is not None else None,
        cpu_free_millicores=cluster.cpu_millicores,
        memory_free_mib=cluster.memory_mib,
        failed_at=failed_at,
    )


async def _answers(parts: Parts, cluster: str) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await (await parts.driver(cluster)).observe("relocate-ask", "relocate-ask")
    except (ClusterUnavailable, TimeoutError):
        return False
    return True
