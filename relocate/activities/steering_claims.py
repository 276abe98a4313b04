# SPDX-License-Identifier: Apache-2.0
"""What the record says of one write at one gateway: the document (E0), and who has it and answers by it (E1 to E3)."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from relocate.activities import proving
from relocate.activities.orders import SteerOrder
from relocate.activities.progress import Progress
from relocate.evidence.samples import AllApplied, InstanceApplied, ProvingAnswers, WrittenDocument
from relocate.model.evidence import Claim
from relocate.phases import proof
from steering.model import Acknowledgement, InstanceAcknowledgement, RouteDocument, Rung


def written(order: SteerOrder, progress: Progress) -> Claim:
    """E0."""
    route = progress.stretch.route.name
    samples = WrittenDocument(
        route=route,
        version=progress.version,
        fence=order.fence,
        weights=progress.document.weights,
        document=without_tokens(progress.document),
        accepted=order.accepted.get(progress.stretch.key),
        kept=order.keeps,
        anew=progress.anew,
    )
    what = "had been deleted by somebody else, and was written anew" if progress.anew else "was written"
    sentence = f"route {route} {what}: {shares(progress.document)}"
    return Claim(rung=Rung.WRITTEN, sentence=sentence, detail=samples.detail(), **_where(order, progress))


def proofs(order: SteerOrder, progress: Progress) -> Sequence[Claim]:
    """E1, E2 and E3 of a write that is live."""
    probed = [_probed(order, progress, name) for name in progress.proven if name in progress.asked]
    return [*_observed(order, progress), *_acknowledged(order, progress), _all(order, progress), *probed]


def given_up(order: SteerOrder, progress: Progress, *, why: str) -> Sequence[Claim]:
    """What was seen of a write when it was given up: where it had not become live, that speaks against going on."""
    if progress.live:
        return proofs(order, progress)
    against = _all(order, progress).model_copy(update={"holds": False, "sentence": why})
    return [against, *(_probed(order, progress, name) for name in progress.asked)]


def shares(document: RouteDocument) -> str:
    """The weights in words."""
    return ", ".join(f"{name} {weight} %" for name, weight in sorted(document.weights.items()))


def without_tokens(document: RouteDocument) -> RouteDocument:
    """The document as it may stand in a record: more people read that than may probe."""
    paths = (
        path.model_copy(update={"token": sha256(path.token.encode()).hexdigest()}) for path in document.probe_paths
    )
    return document.model_copy(update={"probe_paths": tuple(paths)})


def _where(order: SteerOrder, progress: Progress) -> dict[str, Any]:
    return {"phase": order.phase, "gateway": progress.stretch.gateway}


def _observed(order: SteerOrder, progress: Progress) -> Sequence[Claim]:
    """E1 follows from E2 where an adapter proves both: instances have the version from the gateway's controller."""
    if not progress.acknowledged or Rung.OBSERVED not in progress.stretch.adapter.describe().rungs:
        return []
    gateway, version = progress.stretch.gateway, progress.version
    sentence = f"the controller of {gateway} has version {version}: its instances took it from there"
    return [Claim(rung=Rung.OBSERVED, sentence=sentence, **_where(order, progress))]


def _acknowledged(order: SteerOrder, progress: Progress) -> Sequence[Claim]:
    return [
        Claim(
            rung=Rung.ACKNOWLEDGED,
            instance=name,
            sentence=f"{name} acknowledged version {progress.version}",
            detail=InstanceApplied(
                route=progress.stretch.route.name,
                version=progress.version,
                unproven=is_waived(order, progress),
                **answer.model_dump(mode="json"),
            ).detail(),
            **_where(order, progress),
        )
        for name, answer in progress.acknowledged.items()
    ]


def _all(order: SteerOrder, progress: Progress) -> Claim:
    samples = AllApplied(
        route=progress.stretch.route.name,
        version=progress.version,
        epoch=progress.document.epoch,
        answers=tuple(_best(progress, answer) for answer in progress.answers),
        waived=order.waived_instances,
        unproven=is_waived(order, progress),
        seen=order.seen and order.healthy,
    )
    count = len(progress.acknowledged)
    sentence = (
        f"{count} of {len(progress.answers)} instances of {progress.stretch.gateway} have version {progress.version}"
    )
    return Claim(rung=Rung.ACKNOWLEDGED, sentence=sentence, detail=samples.detail(), **_where(order, progress))


def _best(progress: Progress, last: InstanceAcknowledgement) -> InstanceAcknowledgement:
    """An instance that has acknowledged a version need not say so again; one that is dead has no say."""
    return last if last.state is Acknowledgement.DEAD else progress.acknowledged.get(last.instance, last)


def _probed(order: SteerOrder, progress: Progress, instance: str) -> Claim:
    rounds, answers = progress.asked[instance]
    seconds = progress.proven.get(instance)
    count = proving.answers_needed(progress.document.weights, order.probes)
    samples = ProvingAnswers(
        route=progress.stretch.route.name,
        version=progress.version,
        epoch=progress.document.epoch,
        weights=progress.document.weights,
        probes=count,
        seconds=None if seconds is None else round(seconds, 4),
        rounds=rounds,
        answers=tuple(answers),
    )
    failing = progress.failing.get(instance)
    why_not = proof.why_not_seen(answers, progress.document.epoch, progress.document.weights)
    if failing is not None:
        why_not = f"it is live, and it fails: {failing}"
    proven = f"{count} fresh connections through {instance} were answered as written, {shares(progress.document)}"
    return Claim(
        rung=Rung.PROBED,
        instance=instance,
        basis="sampled",
        sentence=why_not or proven,
        holds=seconds is not None and failing is None,
        detail=samples.detail(),
        **_where(order, progress),
    )


def is_waived(order: SteerOrder, progress: Progress) -> bool:
    """Whether an acknowledgement is waived, for the adapter of this gateway can give none."""
    return proof.is_waived(progress.stretch.adapter.describe().rungs, unproven=order.unproven)
