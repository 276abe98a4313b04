# SPDX-License-Identifier: Apache-2.0
"""Forged records whose chain and signature are right: each forgery is found, in a sentence of its own."""

from collections.abc import Callable
from typing import Any

import pytest

from readiness.model import Readiness
from relocate.evidence.invariants import why_not_kept
from relocate.evidence.record import Read, Record
from relocate.evidence.samples import (
    AllApplied,
    AskedGate,
    CheckedAll,
    CheckedRoutes,
    Commanded,
    InstanceApplied,
    Judgements,
    ProvingAnswers,
    Removed,
    Started,
    UsageCounts,
    WatchedRoute,
    WrittenDocument,
)
from relocate.model.relocation import Outcome, Phase
from steering.model import Acknowledgement, Fence, Rung
from tests.evidence.forging import (
    claiming,
    found,
    moved,
    of,
    rechained,
    recorded,
    saying,
    telling,
    watching,
    without,
)

FORGERIES: dict[str, tuple[str, Callable[[Record], Record], str]] = {}
"""By name: the record it starts from, what is done to it, and what is found."""

Forge = Callable[[Record], Record]


def forgery(of_record: str, sentence: str) -> Callable[[Forge], Forge]:
    """Register one."""

    def keep(forge: Forge) -> Forge:
        FORGERIES[forge.__name__] = (of_record, forge, sentence)
        return forge

    return keep


def last(record: Record, kind: Any, wanted: Callable[[Read], bool] = lambda _: True) -> Read:
    """The latest entry of one kind."""
    return of(record, kind, wanted)[-1]


def gates_of(record: Record, side: str | None) -> Any:
    """When a side's checks were asked."""
    return of(record, AskedGate, lambda entry: entry.claim.side == side)


def source_drain(record: Record) -> Read:
    """The last drain of the source."""
    return last(record, UsageCounts, lambda entry: entry.claim.side == record.view.source)


# ---- acknowledged and proven ----------------------------------------------------------------------------------------


@forgery("completed", "no acknowledgement by edge-2 is on record")
def a_missing_acknowledgement(record: Record) -> Record:
    """One instance never said that it has the last document."""
    return without(record, last(record, InstanceApplied, lambda entry: entry.claim.instance == "edge-2"))


@forgery("completed", "gateway instance edge-1 has not acknowledged yet")
def a_pending_instance(record: Record) -> Record:
    """The write counted as live although one instance was still waiting."""
    entry = last(record, AllApplied)
    pending = [answer.model_copy(update={"state": Acknowledgement.PENDING}) for answer in entry.samples.answers[:1]]
    return saying(record, entry, answers=(*pending, *entry.samples.answers[1:]))


@forgery("completed", "edge-2 answered from mec-a")
def an_answer_from_the_wrong_side(record: Record) -> Record:
    """One of the proving answers came from the source."""
    entry = last(record, ProvingAnswers, lambda entry: entry.claim.instance == "edge-2")
    answers = list(entry.samples.answers)
    answers[1] = answers[1].model_copy(update={"side": record.view.source})
    return saying(record, entry, answers=tuple(answers))


@forgery("completed", "still answers with epoch")
def an_answer_of_an_older_write(record: Record) -> Record:
    """One of the proving answers carried another epoch."""
    entry = last(record, ProvingAnswers)
    answers = list(entry.samples.answers)
    answers[-1] = answers[-1].model_copy(update={"epoch": "older"})
    return saying(record, entry, answers=tuple(answers))


@forgery("completed", "2 answers came, 3 were needed")
def too_few_answers(record: Record) -> Record:
    """One of the proving answers is missing."""
    entry = last(record, ProvingAnswers)
    return saying(record, entry, answers=entry.samples.answers[1:])


@forgery("completed", "through edge-1 are on record")
def no_answers_through_one_instance(record: Record) -> Record:
    """Nobody asked through one instance before the source was removed."""
    return without(record, last(record, ProvingAnswers, lambda entry: entry.claim.instance == "edge-1"))


@forgery("completed", "edge-1 was waived, and the policy does not name it")
def a_waived_instance(record: Record) -> Record:
    """One instance is excused from acknowledging, and nobody had said so."""
    return saying(record, last(record, CheckedRoutes), waived=("edge-1",))


# ---- fences and weights ---------------------------------------------------------------------------------------------


@forgery("completed", "under an older fence")
def a_stale_fence(record: Record) -> Record:
    """The last document was written by an older step."""
    entry = last(record, WrittenDocument)
    fence = Fence(lease=entry.samples.fence.lease, sequence=1)
    document = entry.samples.document.model_copy(update={"epoch": f"{record.relocation}.{fence.lease}.1"})
    return saying(record, entry, fence=fence, document=document)


@forgery("completed", "which is not of fence")
def an_epoch_of_another_write(record: Record) -> Record:
    """The document carries an epoch that its fence does not make."""
    entry = last(record, WrittenDocument)
    return saying(record, entry, document=entry.samples.document.model_copy(update={"epoch": "rel-0.1.1"}))


@forgery("completed", "had passed its checks")
def weights_raised_before_ready(record: Record) -> Record:
    """The target got weight, and its gate opened only afterwards."""
    raised = of(record, WrittenDocument, lambda entry: entry.samples.weights.get(record.view.target, 0) > 0)[0]
    return moved(record, raised, before=gates_of(record, record.view.target)[0])


@forgery("rolled-back", "since entry")
def a_way_back_that_asked_nobody(record: Record) -> Record:
    """The source got its weight back, and nobody asked whether it was healthy."""
    return without(record, *gates_of(record, record.view.source))


@forgery("completed", "its rounds come to deadline")
def a_gate_that_was_not_stable(record: Record) -> Record:
    """The gate opened at once, without the time in which it has to hold."""
    entry = gates_of(record, record.view.target)[0]
    return saying(record, entry, rounds=entry.samples.rounds[:1])


@forgery("completed", "its rounds come to")
def a_check_that_failed(record: Record) -> Record:
    """One check did not pass in the last round."""
    entry = gates_of(record, record.view.target)[0]
    final = entry.samples.rounds[-1]
    said = {name: verdict.model_copy(update={"readiness": Readiness.NOT_YET}) for name, verdict in final.said.items()}
    return saying(record, entry, rounds=(*entry.samples.rounds[:-1], final.model_copy(update={"said": said})))


# ---- watched --------------------------------------------------------------------------------------------------------


@forgery("completed", "seconds of the prober were judged")
def a_second_left_out(record: Record) -> Record:
    """A second that was judged is not there."""
    judged = last(record, WatchedRoute).samples.rows.seconds
    (vantages,) = judged.values()
    vantage, runs = next(iter(vantages.items()))
    gone = (vantage, runs[0][0])
    return record.model_copy(
        update={"seconds": tuple(row for row in record.seconds if (row.vantage, row.second) != gone)}
    )


@forgery("completed", "holes")
def a_hole_in_the_watch(record: Record) -> Record:
    """A second is not there, and every digest was made anew."""
    watched = last(record, WatchedRoute).samples
    vantage, second = watched.vantages[0], watched.coverage["watched"][0]["since"]
    return watching(record, [row for row in record.seconds if (row.vantage, row.second) != (vantage, second)])


@forgery("completed", "do not sum to that")
def counts_that_do_not_sum(record: Record) -> Record:
    """One request fewer was right, and every digest was made anew."""
    first = record.seconds[0]
    forged = first.model_copy(update={"body": {**first.body, "right": first.body["right"] - 1}})
    return watching(record, [forged, *record.seconds[1:]])


@forgery("rolled-back", "were not right, and")
def a_failure_removed(record: Record) -> Record:
    """The prober's last failure is not told."""
    return telling(record, len(record.failures) - 1)


@forgery("rolled-back", "the seconds come to")
def failures_made_right(record: Record) -> Record:
    """The seconds say that everything was right, and every digest was made anew."""

    def right(body: dict[str, Any]) -> dict[str, Any]:
        sides = {name: {**side, "errors": 0} for name, side in body["by_side"].items()}
        return {**body, "right": body["right"] + body["failed"], "failed": 0, "by_side": sides}

    return watching(record, [row.model_copy(update={"body": right(row.body)}) for row in record.seconds])


@forgery("completed", "the seconds come to")
def a_better_sample(record: Record) -> Record:
    """B is said to have answered more requests than the prober sent."""
    entry = last(record, Judgements)
    return saying(record, entry, sample=entry.samples.sample.model_copy(update={"requests": 10_000}))


@forgery("completed", "it comes to inconclusive")
def too_few_samples(record: Record) -> Record:
    """The policy asks for more samples than there were."""
    entry = last(record, Judgements)
    return saying(record, entry, limits=entry.samples.limits.model_copy(update={"min_samples": 10_000}))


@forgery("completed", "was watched only after it had been changed")
def a_watch_that_began_late(record: Record) -> Record:
    """E4 does not reach back to before the first write."""
    entry = last(record, WatchedRoute)
    return saying(record, entry, since=entry.samples.until)


# ---- drained and removed --------------------------------------------------------------------------------------------


@forgery("completed", "the counts do not show 0.3 s without use")
def a_drain_with_requests_left(record: Record) -> Record:
    """One request was still open on the source at every count."""
    entry = source_drain(record)
    runs = tuple(
        run.model_copy(update={"usage": tuple(one.model_copy(update={"in_flight": 1}) for one in run.usage)})
        for run in entry.samples.counts
    )
    return saying(record, entry, counts=runs)


@forgery("completed", "the counts do not show")
def a_drain_of_unknown_use(record: Record) -> Record:
    """One instance could not be counted, which is not zero."""
    entry = source_drain(record)
    final = entry.samples.counts[-1]
    unknown = final.usage[0].model_copy(update={"in_flight": None})
    runs = (*entry.samples.counts[:-1], final.model_copy(update={"usage": (unknown, *final.usage[1:])}))
    return saying(record, entry, counts=runs)


@forgery("completed", "the counts do not show 0.3 s without use")
def a_window_cut_short(record: Record) -> Record:
    """The counts end before the window does."""
    entry = source_drain(record)
    final = entry.samples.counts[-1]
    return saying(record, entry, counts=(*entry.samples.counts[:-1], final.model_copy(update={"at": final.at[:1]})))


@forgery("completed", "no drain of")
def a_drain_left_out(record: Record) -> Record:
    """Nobody counted whether the source was still used."""
    return without(record, source_drain(record))


@forgery("completed", "nothing was checked once more between the last write and the removal")
def teardown_before_proof(record: Record) -> Record:
    """The source was removed, and everything was checked only afterwards."""
    return moved(record, last(record, Removed), before=of(record, WatchedRoute)[-1])


@forgery("completed", "still named it")
def teardown_of_a_side_that_is_named(record: Record) -> Record:
    """The source was removed while routes still led to it."""
    return moved(record, last(record, Removed), before=last(record, WrittenDocument))


@forgery("completed", "the evidence so far could not be stored")
def teardown_without_stored_evidence(record: Record) -> Record:
    """The check says that it was not stored."""
    entry = last(record, CheckedAll)
    return saying(record, entry, checked=entry.samples.checked.model_copy(update={"evidence_stored": False}))


@forgery("completed", "proof was waived, and the policy does not allow that")
def a_waiver_nobody_gave(record: Record) -> Record:
    """`unproven` stands in the check, and not in the policy."""
    entry = last(record, CheckedAll)
    return saying(record, entry, waivers=entry.samples.waivers.model_copy(update={"unproven": True}))


@forgery("completed", "proof was waived, and the policy does not allow that")
def a_look_that_excuses_a_gateway(record: Record) -> Record:
    """What a gateway's instances say is left out, and nobody had allowed that."""
    entry = last(record, CheckedRoutes)
    looks = tuple(look.model_copy(update={"unproven": True}) for look in entry.samples.looks)
    return saying(record, entry, looks=looks)


@forgery("completed", "it is said to have no routes, and has some")
def an_application_that_is_said_to_have_no_routes(record: Record) -> Record:
    """What routes could have proven is left out."""
    entry = last(record, CheckedAll)
    return saying(record, entry, waivers=entry.samples.waivers.model_copy(update={"unsteered": True}))


@forgery("forced-drain", "a cut was forced, and neither the policy nor an operator allows it")
def a_cut_nobody_allowed(record: Record) -> Record:
    """The policy said hold, and the request said nothing."""
    entry = last(record, Started)
    policy = entry.samples.policy
    drain = policy.drain.model_copy(update={"at_deadline": "hold"})
    return saying(record, entry, policy=policy.model_copy(update={"drain": drain}))


@forgery("forced-drain", "at least 0 requests and streams are said to be cut")
def a_cut_that_is_not_told(record: Record) -> Record:
    """One stream was cut, and the check says none."""
    entry = last(record, CheckedAll)
    checked = entry.samples.checked.model_copy(update={"cut": 0})
    return saying(record, entry, cut=0, checked=checked)


@forgery("settled", "nothing was checked once more")
def a_settlement_nobody_ordered(record: Record) -> Record:
    """The source was removed without proof, and no operator had said so."""
    return without(record, *of(record, Commanded))


# ---- how it ended ---------------------------------------------------------------------------------------------------


@forgery("rolled-back", "it ended as completed; but")
def another_outcome(record: Record) -> Record:
    """It went back, and the record says that it completed."""
    return record.model_copy(update={"view": record.view.model_copy(update={"outcome": Outcome.COMPLETED})})


@forgery("completed", "it ended as rolled_back; but")
def a_success_denied(record: Record) -> Record:
    """It completed, and the record says that it went back."""
    return record.model_copy(update={"view": record.view.model_copy(update={"outcome": Outcome.ROLLED_BACK})})


@forgery("completed", "nothing shows that the instance on mec-a")
def a_removal_left_out(record: Record) -> Record:
    """Nothing says that the source is gone."""
    return without(record, last(record, Removed))


@forgery("rolled-back", "was removed")
def a_target_left_behind(record: Record) -> Record:
    """Nothing says that the target was removed on the way back."""
    return without(record, *of(record, Removed))


@forgery("completed", "the relocation was asked for with another request")
def another_request(record: Record) -> Record:
    """The request in the chain is not that of the relocation."""
    entry = last(record, Started)
    return saying(record, entry, request=entry.samples.request.model_copy(update={"reason": "no reason"}))


@forgery("completed", "its samples cannot be read")
def samples_of_no_kind(record: Record) -> Record:
    """A claim names a rule that does not exist."""
    return claiming(record, last(record, ProvingAnswers), detail={"rule": "trust-me"})


@forgery("completed", "it cannot be recomputed")
def samples_that_make_no_sense(record: Record) -> Record:
    """A period of no time."""
    return saying(record, last(record, WatchedRoute), period_seconds=0.0)


@forgery("completed", "its record cannot be read")
def a_second_that_cannot_be_read(record: Record) -> Record:
    """And every digest was made anew."""
    first = record.seconds[0]
    forged = first.model_copy(update={"body": {**first.body, "sent": "many"}})
    return watching(record, [forged, *record.seconds[1:]])


@forgery("completed", "nothing in its samples speaks against it")
def a_claim_turned_round(record: Record) -> Record:
    """A claim that held is said not to hold."""
    return claiming(record, last(record, CheckedRoutes), holds=False)


@forgery("completed", "it is of rel-another")
def entries_of_another_relocation(record: Record) -> Record:
    """The chain is whole, and was made by another relocation."""
    other = record.model_copy(update={"relocation": "rel-another"})
    return record.model_copy(update={"entries": rechained(other, record.entries).entries})


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_found(name: str) -> None:
    """Whoever has the signing key can sign anything; what he signs still has to follow from itself."""
    start, forge, sentence = FORGERIES[name]
    record = recorded(start)
    assert found(record) == ""
    assert sentence in found(forge(record))


def test_the_entry_is_named_with_what_it_says_and_what_follows() -> None:
    """So that a reader can look it up."""
    record = recorded("completed")
    forged = a_drain_with_requests_left(record)
    number = source_drain(record).seq
    assert f"entry {number} says: {source_drain(record).claim.sentence}; but the counts do not show" in found(forged)


OTHERS: dict[str, tuple[Any, Any]] = {
    "sentence": ("all is well", "nothing was lost"),
    "holds": (True, False),
    "rung": (Rung.WRITTEN, Rung.OBSERVED),
    "phase": (Phase.SELECT, Phase.BAKE),
    "side": ("mec-x", "mec-y"),
    "gateway": ("edge-x", "edge-y"),
    "instance": ("edge-x", "edge-y"),
    "basis": ("said", "counted"),
    "bound": (0.5, 0.6),
    "period_seconds": (0.5, 0.6),
    "detail": ({}, {"forged": 1}),
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_claim_changed_without_chaining_it_anew_is_found_where_it_is(field: str) -> None:
    """The signature may be made again: the chain still says which entry was changed."""
    record = recorded("completed")
    for entry in record.entries:
        one, other = OTHERS[field]
        value = other if getattr(entry.claim, field) == one else one
        changed = entry.model_copy(update={"claim": entry.claim.model_copy(update={field: value})})
        entries = tuple(changed if each.seq == entry.seq else each for each in record.entries)
        forged = record.model_copy(update={"entries": entries})
        assert why_not_kept(forged)[0].entry == entry.seq
