# SPDX-License-Identifier: Apache-2.0
"""What was asked for, what was written (E0), who has it (E2), who answers by it (E3), and what was removed."""

from collections.abc import Iterator

from relocate.evidence.rules.given import Given
from relocate.evidence.samples import AllApplied, InstanceApplied, ProvingAnswers, Removed, Started, WrittenDocument
from relocate.model.application import Policy
from relocate.phases import proof
from relocate.phases.documents import epoch_of
from steering.model import InstanceAcknowledgement


def why_not_asked_for(given: Given, started: Started) -> Iterator[str]:
    """The request is that of the relocation, and the policy in force says what it says."""
    if started.request != given.record.view.request:
        yield "the relocation was asked for with another request"
    for name in Policy.model_fields:
        wanted = getattr(started.request.options, name)
        if wanted is not None and getattr(started.policy, name) != wanted:
            yield f"the request says {name}: {wanted}"


def why_not_written(given: Given, wrote: WrittenDocument) -> Iterator[str]:
    """The document is the one of this write."""
    document = wrote.document
    if document.route != wrote.route:
        yield f"the document is that of route {document.route}"
    if document.weights != wrote.weights:
        yield f"the document gives {document.weights}"
    if document.epoch != epoch_of(given.record.relocation, wrote.fence):
        yield f"the document carries epoch {document.epoch}, which is not of fence {wrote.fence.lease}.{wrote.fence.sequence}"


def why_not_applied(given: Given, applied: InstanceApplied) -> Iterator[str]:
    """One instance has the version, unless the request waives that."""
    if given.claim.instance != applied.instance:
        yield f"{applied.instance} said so"
    if not applied.unproven:
        answer = InstanceAcknowledgement(instance=applied.instance, state=applied.state, reason=applied.reason)
        yield from given.differs(proof.why_not_acknowledged([answer]))


def why_not_live(given: Given, everyone: AllApplied) -> Iterator[str]:
    """All instances that count have the version; and what each said is in an entry of its own."""
    if not given.claim.holds:
        return
    against = None if everyone.unproven else proof.why_not_acknowledged(everyone.answers, everyone.waived)
    yield from given.differs(against)
    said = {
        entry.samples.instance
        for entry in given.earlier
        if isinstance(entry.samples, InstanceApplied)
        and entry.claim.gateway == given.claim.gateway
        and (entry.samples.route, entry.samples.version) == (everyone.route, everyone.version)
    }
    silent = [name for name in proof.alive(everyone.answers, everyone.waived) if name not in said]
    if silent:
        yield f"no acknowledgement by {', '.join(silent)} is on record"


def why_not_proven(given: Given, proving: ProvingAnswers) -> Iterator[str]:
    """Enough answers, each by this write and from a side that has weight."""
    strangers = {answer.instance for answer in proving.answers} - {given.claim.instance or ""}
    if strangers:
        yield f"answers came through {', '.join(sorted(strangers))}"
    against = proof.why_not_seen(proving.answers, proving.epoch, proving.weights)
    if against is None and len(proving.answers) < proving.probes:
        against = f"{len(proving.answers)} answers came, {proving.probes} were needed"
    yield from given.differs(against)


def why_not_removed(given: Given, removed: Removed) -> Iterator[str]:
    """What was removed is what the claim is about."""
    if given.claim.side != removed.cluster:
        yield f"the instance was on {removed.cluster}"
