# SPDX-License-Identifier: Apache-2.0
"""Writing routes, and proving that what was written is live at every gateway instance."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

from temporalio import activity

from relocate.activities import calls, proving
from relocate.activities.beginning import changing
from relocate.activities.failures import translated
from relocate.activities.orders import Steered, SteerOrder, Written
from relocate.activities.pauses import pauses
from relocate.activities.progress import Progress
from relocate.activities.record import keep_claims
from relocate.activities.standing import check_unchanged, why_changed
from relocate.activities.steering_claims import given_up, is_waived, proofs, shares, written
from relocate.activities.ways import Stretch, stretches
from relocate.errors import Drifted, NotProven
from relocate.metrics.worker import RUNG_SECONDS, WRITES
from relocate.model.evidence import Claim
from relocate.parts import Parts
from relocate.phases import documents, proof
from relocate.phases.documents import Sides
from relocate.tracing import TRACER
from steering.errors import Rejected
from steering.model import InstanceAcknowledgement, ProbePoint, RouteDocument, RouteState, Rung

Claims = Callable[[SteerOrder, Progress], Sequence[Claim]]

FAILED_ROUNDS = 3
"""A write that is seen and fails is given up after this many rounds: users meet the same, and waiting mends nothing ..."""
FAILED_SECONDS = 0.6
"""... and not before this time: a gateway answers 503 until its own first health check of a side has come back, and three
rounds may be over long before. Our Envoys check every 0.5 s."""


class Steering:
    """The activity that changes where requests go."""

    def __init__(self, parts: Parts) -> None:
        """Args: parts: what this worker works with."""
        self._parts = parts

    @activity.defn(name=calls.STEER.name)
    @translated
    async def steer(self, order: SteerOrder) -> Steered:
        """Write the sides to every route at every gateway; ends when all of them are proven live.

        Raises:
            StaleFence, Fenced: a newer step or undo has been here.
            Drifted: somebody else changed or deleted a route, and no operator has accepted that very change; nothing was
                written.
            Conflict: somebody else changed a route at this moment; it was not overwritten.
            Rejected: a gateway instance refused the configuration.
            NotProven: it did not become live in time; the text names who is missing.
        """
        async with changing(self._parts.database, order):
            found = await stretches(self._parts, order.application)
            standing = [await stretch.adapter.read(stretch.route.name) for stretch in found]
            _check_drift(order, list(zip(found, standing, strict=True)))
            progress = [await self._write(order, *one) for one in zip(found, standing, strict=True)]
            await self._keep_written(order, progress)
            try:
                await self._until_live(order, progress)
            except (NotProven, Rejected) as error:
                _count(progress)
                await self._keep(order, progress, partial(given_up, why=str(error)))
                raise
        _count(progress)
        await self._keep(order, progress, proofs)
        return _steered(order, progress)

    async def _write(self, order: SteerOrder, stretch: Stretch, found: RouteState | None) -> Progress:
        epoch = documents.epoch_of(order.relocation, order.fence)
        sides = documents.within(_sides(order, found), stretch.adapter.describe())
        document = documents.document(order.application.name, stretch.route, sides, epoch)
        problems = [p for p in await stretch.adapter.validate(document) if p.fatal]
        if problems:
            raise Rejected("; ".join(f"{stretch.gateway}: {p.field}: {p.reason}" for p in problems))
        base = found.version if found is not None else None
        anew = _is_deleted(order, stretch, found)
        if found is not None and found.document == document and found.fence == order.fence:
            return Progress(stretch, found.version, time.monotonic(), document)
        began = time.monotonic()
        with TRACER.start_as_current_span("write", attributes=_written_to(stretch, document)):
            version = await stretch.adapter.apply(document, fence=order.fence, base=base)
        progress = Progress(stretch, version, time.monotonic(), document, first=found is None, anew=anew)
        RUNG_SECONDS.labels(progress.kind, Rung.WRITTEN).observe(progress.written_at - began)
        return progress

    async def _until_live(self, order: SteerOrder, progress: Sequence[Progress]) -> None:
        try:
            async with asyncio.timeout(order.prove_seconds):
                await asyncio.gather(*(self._prove(order, one) for one in progress))
        except TimeoutError as error:
            missing = "; ".join(one.missing for one in progress if not one.live)
            raise NotProven(f"not live after {order.prove_seconds:g} s: {missing}") from error

    async def _prove(self, order: SteerOrder, progress: Progress) -> None:
        """Let each instance prove itself as soon as it has acknowledged; one never waits for another."""
        pause, unchanged_at = looks(), time.monotonic()
        points = {p.instance: p for p in await progress.stretch.adapter.probe_points(progress.stretch.route.name)}
        while not progress.live:
            answers = progress.answers = await self._acknowledgements(order, progress)
            waived = order.waived_instances
            progress.expected = proof.alive(answers, waived)
            if proof.is_rejected(answers, waived):
                raise Rejected(proof.why_not_acknowledged(answers, waived) or "rejected")
            progress.missing = proof.why_not_acknowledged(answers, waived) or progress.unproven
            ready = [
                name for name in progress.acknowledged if name not in progress.proven and name in progress.expected
            ]
            if order.seen or is_waived(order, progress):
                _check_addresses(progress, ready, points)
                await asyncio.gather(*(self._prove_instance(order, progress, points[name]) for name in ready))
            else:
                progress.proven |= dict.fromkeys(ready, time.monotonic() - progress.written_at)
            if not progress.live:
                unchanged_at = await check_unchanged(progress.stretch, unchanged_at)
                await asyncio.sleep(next(pause))

    async def _acknowledgements(self, order: SteerOrder, progress: Progress) -> Sequence[InstanceAcknowledgement]:
        answers = await progress.stretch.adapter.acknowledged(progress.stretch.route.name, progress.version)
        unprovable = is_waived(order, progress)
        for answer in answers:
            acknowledged = proof.why_not_acknowledged([answer]) is None
            if acknowledged and answer.instance not in progress.acknowledged:
                progress.measure(Rung.ACKNOWLEDGED)
            if unprovable or acknowledged:
                progress.acknowledged.setdefault(answer.instance, answer)
        return answers

    async def _prove_instance(self, order: SteerOrder, progress: Progress, point: ProbePoint) -> None:
        route = progress.stretch.route
        weights = progress.document.weights
        count = proving.answers_needed(weights, order.probes)
        with TRACER.start_as_current_span("prove", attributes={"relocate.gateway_instance": point.instance}):
            answers = await proving.ask(proving.asker(route), route, point, count)
        progress.asked[point.instance] = (progress.rounds(point.instance) + 1, answers)
        epoch = documents.epoch_of(order.relocation, order.fence)
        reason, failing = proof.why_not_seen(answers, epoch, weights), proof.is_failing(answers, epoch)
        if failing and reason is not None and not (order.seen and order.healthy):
            progress.failing[point.instance] = reason
        if reason is None or point.instance in progress.failing:
            progress.proven[point.instance] = progress.measure(Rung.PROBED)
            return
        progress.unfit[point.instance] = reason
        progress.missing = progress.unproven
        # A first route leads nobody away from a side that serves: there is time for a gateway to hear of its endpoints.
        if failing and not progress.first:
            progress.failed += 1
            progress.failed_since = progress.failed_since or time.monotonic()
            lasted = time.monotonic() - progress.failed_since
            if progress.failed >= FAILED_ROUNDS and lasted >= FAILED_SECONDS:
                raise NotProven(f"it is live, and it fails: {reason}")

    async def _keep_written(self, order: SteerOrder, progress: Sequence[Progress]) -> None:
        await keep_claims(self._parts.database, order, [written(order, one) for one in progress])

    async def _keep(self, order: SteerOrder, progress: Sequence[Progress], claims: Claims) -> None:
        await keep_claims(self._parts.database, order, [claim for one in progress for claim in claims(order, one)])


def looks() -> Iterator[float]:
    """Pauses between looks at who has acknowledged; a look is one row a gateway instance.

    What is live at once is seen at once, and whoever waits long for one gateway does not burden the database.
    """
    return pauses(0.1, first=0.005, growth=1.1)


def _sides(order: SteerOrder, found: RouteState | None) -> Sides:
    """What is to stand at one gateway.

    Raises:
        Rejected: weights are to be kept that no document of these sides can have.
    """
    if not order.keeps or found is None:
        return order.sides
    try:
        return documents.keeping(order.sides, found.document)
    except ValueError as error:
        raise Rejected(str(error)) from error


def _check_addresses(progress: Progress, names: Sequence[str], points: Collection[str]) -> None:
    """See that everybody who routes can be asked as a user would ask; nobody is left out silently.

    Raises:
        NotProven: the listener of some gateway instance is not known.
    """
    unknown = [name for name in names if name not in points]
    if unknown:
        raise NotProven(
            f"{', '.join(unknown)} has its routes from gateway {progress.stretch.gateway}, and nobody knows where it listens: "
            "declare it with its address in the gateway's settings, stop it, or name it in policy.waived_instances"
        )


def _check_drift(order: SteerOrder, standing: Sequence[tuple[Stretch, RouteState | None]]) -> None:
    """Look at every route before any is written.

    Raises:
        Drifted: somebody else changed one, and no operator has accepted that very change; or deleted one.
    """
    deleted = [stretch for stretch, found in standing if _is_deleted(order, stretch, found)]
    if deleted and not order.mends:
        raise Drifted("; ".join(f"route {one.route.name} is gone from gateway {one.gateway}" for one in deleted), {})
    drifted = {
        stretch.key: (found.version, reason)
        for stretch, found in standing
        if found is not None
        and found.version != order.accepted.get(stretch.key)
        and (reason := why_changed(order, stretch, found))
    }
    if drifted:
        sentence = "; ".join(reason for _, reason in drifted.values())
        raise Drifted(sentence, {key: version for key, (version, _) in drifted.items()})


def _is_deleted(order: SteerOrder, stretch: Stretch, found: RouteState | None) -> bool:
    """Whether a route is not there any more that was when we began, or that we have written since."""
    return found is None and stretch.key in order.written.epochs


def _written_to(stretch: Stretch, document: RouteDocument) -> dict[str, str]:
    """For the trace."""
    weights = ", ".join(f"{side} {weight}" for side, weight in document.weights.items())
    return {"relocate.gateway": stretch.gateway, "relocate.route": stretch.route.name, "relocate.weights": weights}


def _count(progress: Sequence[Progress]) -> None:
    for one in progress:
        WRITES.labels(one.kind, "proven" if one.live else "unproven").inc()


def _steered(order: SteerOrder, progress: Sequence[Progress]) -> Steered:
    epoch = documents.epoch_of(order.relocation, order.fence)
    said = "; ".join(dict.fromkeys(shares(one.document) for one in progress))
    seconds = {name: taken for one in progress for name, taken in one.proven.items()}
    return Steered(
        written=Written(epochs={one.stretch.key: epoch for one in progress}),
        live_seconds=seconds,
        live_at=time.time(),
        sentence=f"Live at {', '.join(sorted(seconds))}: {said}{_mended(progress)}.",
    )


def _mended(progress: Sequence[Progress]) -> str:
    anew = [one.stretch.key for one in progress if one.anew]
    return f"; {' and '.join(anew)} had been deleted and was written anew" if anew else ""
