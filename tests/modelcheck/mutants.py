# SPDX-License-Identifier: Apache-2.0
"""Mistakes that somebody could make in the code that decides, each with a name; the model check has to catch every one."""

from typing import Any

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.configurations import (
    GIVEN_UP_UNMADE,
    LATE_REMOVAL_OF_A,
    LATE_REMOVAL_OF_B,
    UNPROVEN,
    WAIVED_SECOND,
)
from tests.modelcheck.mutation import Mutant

RELOCATION = "relocate.workflow.relocation:Relocate"
FORWARD = "relocate.workflow.runbook:Runbook"
COMPARISON = "relocate.workflow.comparison:Comparison"
BACK = "relocate.workflow.way_back:WayBack"
MOVE = "relocate.workflow.move:Move"
DESK = "relocate.workflow.desk:Desk"
UNDO = "relocate.workflow.undo:UndoStack"
PROOF = "relocate.phases.proof"
LAST_LOOK = "relocate.phases.teardown"
DOCUMENTS = "relocate.phases.documents"
DRAINING = "relocate.phases.draining"
GATE = "readiness.gate"
FENCING = "steering.memory:decide"
CLUSTER_FENCES = "relocate.clusters.fencing:Fences"


def _mutant(name: str, where: str, old: str, new: str, breaks: str, **bounds: Any) -> Mutant:
    return Mutant(name, where, old, new, Bounds(name, **bounds), breaks)


def _only(*names: str) -> dict[str, Any]:
    """Bounds in which only these events may happen, one of them once."""
    return {"event": 1, "events": frozenset(names)}


TARGET_DIES = _only("the target is dead")
TARGET_SICK = _only("the target is sick")
SOURCE_SICK = _only("the source is sick")
FLAPS = {"event": 2, "events": frozenset({"the target is sick", "the target recovers"})}
DEAF = _only("a gateway instance is deaf")
DIES = _only("a gateway instance dies")
LAGS = _only("a gateway instance lags")
LIES = _only("a gateway instance acknowledges and goes on as before")
CUT_OFF = _only("a gateway instance does not reach the target")
UNCOUNTED = _only("a gateway instance cannot be counted")
THEIRS = _only("somebody else writes")
STREAM = _only("a stream stays on the source", "the stream ends")
REFUSED = _only("evidence is refused", "evidence is taken again")
FEW = _only("too few requests are seen", "enough requests are seen")
ONE_INSTANCE = (("edge", ("edge-1",)),)
SHORT = (("drain", {"at_deadline": "hold", "window_seconds": 1, "deadline_seconds": 3}),)

MUTANTS = (
    # ---- the last look, and the point of no return
    _mutant(
        "teardown without proof",
        f"{FORWARD}._check",
        "if verdict.why_not is not None:",
        "if False:",
        "teardown-without-proof",
        **TARGET_SICK,
    ),
    _mutant(
        "teardown without a last look",
        f"{FORWARD}.teardown",
        "        await self._check()\n",
        "",
        "teardown-without-proof",
    ),
    _mutant(
        "the last look does not mind a sick target",
        f"{LAST_LOOK}:why_not_teardown",
        "checked.target_healthy is not None",
        "False",
        "teardown-without-proof",
        **TARGET_SICK,
    ),
    _mutant(
        "the last look does not mind missing evidence",
        f"{LAST_LOOK}:why_not_teardown",
        "not checked.evidence_stored",
        "False",
        "teardown-without-proof",
        **REFUSED,
    ),
    _mutant(
        "the last look does not mind who may still know the source",
        f"{LAST_LOOK}:why_not_teardown",
        "if unproven is not None and not unsteered:",
        "if False:",
        "teardown-without-proof",
        **THEIRS,
    ),
    _mutant(
        "the last look does not mind what the prober saw fail",
        f"{LAST_LOOK}:why_not_teardown",
        "checked.watched is not None",
        "False",
        "teardown-without-proof",
        **FLAPS,
    ),
    _mutant(
        "what is left on the source is cut without asking",
        f"{FORWARD}.drain",
        'move.policy.drain.at_deadline == "hold"',
        "False",
        "teardown-without-proof",
        policy=SHORT,
        **STREAM,
    ),
    _mutant(
        "a cancel cuts off what follows the point of no return",
        f"{RELOCATION}._conclude",
        "if self.runbook.past_return and self._desk.cancelled_by is not None:",
        "if False:",
        "left-tidy",
        cancel=1,
    ),
    _mutant(
        "the point of no return is passed before the last look",
        f"{FORWARD}.teardown",
        "        await self._check()\n        await self._may_go_on()\n        self.past_return = True\n",
        "        self.past_return = True\n        await self._check()\n",
        "cancel",
        cancel=1,
    ),
    _mutant(
        "the way back is forgotten before the last look",
        f"{FORWARD}.teardown",
        "        await self._check()\n",
        "        self._back.steps.forget()\n        await self._check()\n",
        "left-tidy",
        cancel=1,
    ),
    _mutant(
        "the wrong side is removed",
        f"{FORWARD}.teardown",
        "self._finish_cleanup(source)",
        "self._finish_cleanup(target)",
        "removed-under-users",
    ),
    _mutant(
        "somebody else's instance is removed",
        f"{FORWARD}._finish_cleanup",
        '"instance": source.instance',
        '"instance": "someone-elses"',
        "not-ours",
    ),
    _mutant(
        "the wrong side is put on record",
        f"{FORWARD}._finish_cleanup",
        "serves=self._move.to.name",
        "serves=self._move.from_.name",
        "left-tidy",
    ),
    # ---- what is waived
    _mutant(
        "whoever waives proof waives what can be proven too",
        f"{LAST_LOOK}:why_not_teardown",
        "if unproven is not None and not unsteered:",
        "if unproven is not None and not waivers.unproven:",
        "teardown-without-proof",
        policy=UNPROVEN,
        **THEIRS,
    ),
    _mutant(
        "where proof is waived, answers count for nothing either",
        f"{PROOF}:why_not_seen",
        "a.epoch != epoch",
        "False",
        "unproven-weight",
        policy=UNPROVEN,
        mute=True,
        **LAGS,
    ),
    _mutant(
        "only who is waived has to prove anything",
        f"{PROOF}:alive",
        "a.instance not in waived",
        "a.instance in waived",
        "live-means-all",
        policy=WAIVED_SECOND,
    ),
    _mutant(
        "who is waived excuses everybody",
        f"{PROOF}:alive",
        "a.instance not in waived",
        "not waived",
        "completes",
        policy=WAIVED_SECOND,
    ),
    _mutant(
        "a gateway that can prove nothing is taken all the same",
        "relocate.activities.selection:check_provable",
        "if silent:",
        "if False:",
        "unprovable",
        mute=True,
    ),
    # ---- what counts as proven
    _mutant(
        "vacuous truth: live, with nobody who serves",
        "relocate.activities.steering:Progress.live",
        "bool(self.expected) and ",
        "",
        "live-means-all",
        gateways=ONE_INSTANCE,
        **DIES,
    ),
    _mutant(
        "a deaf gateway instance is left out like a dead one",
        f"{PROOF}:alive",
        "a.state is not Acknowledgement.DEAD",
        "a.state not in (Acknowledgement.DEAD, Acknowledgement.DEAF)",
        "live-means-all",
        **DEAF,
    ),
    _mutant(
        "a lagging gateway instance is left out like a dead one",
        f"{PROOF}:alive",
        "a.state is not Acknowledgement.DEAD",
        "a.state not in (Acknowledgement.DEAD, Acknowledgement.PENDING)",
        "live-means-all",
        **LAGS,
    ),
    _mutant(
        "a write is live though an older one answers",
        f"{PROOF}:why_not_seen",
        "a.epoch != epoch",
        "False",
        "live-means-all",
        **LIES,
    ),
    _mutant(
        "a write is live though its answers fail",
        f"{PROOF}:why_not_seen",
        "if failed:",
        "if False:",
        "live-means-all",
        **TARGET_SICK,
    ),
    _mutant(
        "acknowledged is enough to move traffic",
        f"{MOVE}.steer",
        "seen=seen,",
        "seen=False,",
        "live-means-all",
        **LIES,
    ),
    _mutant(
        "ready though a check was never answered well",
        f"{GATE}:_passes",
        "record.last.ready",
        "True",
        "unproven-weight",
        **TARGET_SICK,
    ),
    _mutant(
        "ready by one way, whatever the others say",
        f"{GATE}:_passing",
        "and all(",
        "and any(",
        "unproven-weight",
        **CUT_OFF,
    ),
    _mutant(
        "ready at once, without a stable time",
        f"{GATE}:judge",
        "steady >= spec.stable_seconds",
        "True",
        "unproven-weight",
    ),
    # ---- the way forward
    _mutant(
        "switch without the gate",
        f"{FORWARD}.first_that_is_ready",
        "                await self.ready()\n",
        "",
        "unproven-weight",
    ),
    _mutant(
        "switch though the gate said no",
        f"{FORWARD}.ready",
        "if not gated.ready:",
        "if False:",
        "unproven-weight",
        **TARGET_SICK,
    ),
    _mutant(
        "traffic before it is proven: prepare gives a share",
        f"{FORWARD}.prepare",
        "move.shares(0, failover=False)",
        "move.shares(1, failover=False)",
        "unproven-weight",
    ),
    _mutant(
        "the shares are exchanged",
        f"{DOCUMENTS}:between",
        "{source.name: 100 - target_weight, target.name: target_weight}",
        "{source.name: target_weight, target.name: 100 - target_weight}",
        "unproven-weight",
    ),
    _mutant(
        "an inconclusive judgement counts as good",
        f"{COMPARISON}.judge",
        "if judged.judgement is Judgement.GOOD:",
        "if True:",
        "teardown-without-proof",
        **FEW,
    ),
    _mutant(
        "proceed goes on instead of judging again",
        f"{COMPARISON}.judge",
        'await self._ask(judged.sentence, "proceed judges again")',
        'await self._ask(judged.sentence, "proceed judges again"); return',
        "teardown-without-proof",
        answer=1,
        **FEW,
    ),
    _mutant(
        "unknown counts as zero",
        f"{DRAINING}:count",
        "(u for u in usage if u.in_flight is None or u.requests_total is None)",
        "iter(())",
        "teardown-without-proof",
        **UNCOUNTED,
    ),
    _mutant(
        "streams are not counted",
        f"{DRAINING}:count",
        "left = sum(u.in_flight for u in usage if u.in_flight is not None)",
        "left = 0",
        "teardown-without-proof",
        **STREAM,
    ),
    _mutant(
        "the next target without undoing the last one",
        f"{FORWARD}.first_that_is_ready",
        'await self._back.undo_all(f"{choice.cluster} will not do: {unfit}")',
        "pass",
        "left-tidy",
        clusters=("a", "b", "c"),
        **TARGET_DIES,
    ),
    # ---- undo
    _mutant(
        "undo is registered after do: deploy",
        f"{FORWARD}.deploy",
        "        self._move.made = where\n",
        "        await self._move.do(calls.DEPLOY, Phase.DEPLOY, **where)\n        self._move.made = where\n",
        "left-tidy",
        cancel=1,
    ),
    _mutant(
        "undo is registered after do: prepare",
        f"{FORWARD}.prepare",
        "        self._back.steps.push(\n",
        "        await move.steer(Phase.PREPARE, move.shares(0, failover=False))\n        self._back.steps.push(\n",
        "left-tidy",
        cancel=1,
    ),
    _mutant(
        "undo is registered after do: switch",
        f"{FORWARD}.switch",
        'self._back.steps.push(Undo(Phase.SWITCH, f"Going back to {move.from_.name}.", self._back.to_source))',
        "pass",
        "unproven-weight",
        cancel=1,
    ),
    _mutant(
        "undo is registered after do: transfer",
        f"{FORWARD}.transfer",
        'self._back.steps.push(Undo(Phase.TRANSFER, f"Letting {self._move.from_.name} resume.", undo))',
        "pass",
        "left-tidy",
        cancel=1,
        transfer=True,
    ),
    _mutant(
        "the first step is undone first",
        f"{UNDO}.push",
        "self._steps.append(undo)",
        "self._steps.insert(0, undo)",
        "removed-under-users",
        cancel=1,
    ),
    _mutant(
        "an undo that failed counts as done",
        f"{UNDO}.undo_last",
        "await self._steps[-1].do()\n        self._steps.pop()",
        "await self._steps.pop().do()",
        "left-tidy",
        cancel=1,
        expiry=1,
        answer=1,
    ),
    _mutant(
        "undo after a stale token",
        f"{MOVE}.order",
        "sequence=self._sequence",
        "sequence=min(self._sequence, 5)",
        "completes",
    ),
    _mutant(
        "an undo does not take a newer token",
        f"{BACK}.undo_all",
        "            await self.steps.undo_last()\n",
        "            self._move._sequence -= 1\n            await self.steps.undo_last()\n",
        "left-tidy",
        cancel=1,
        late=1,
    ),
    # ---- the way back
    _mutant(
        "back to a side that is not healthy",
        f"{BACK}._check_source",
        "if not health.ready:",
        "if False:",
        "unproven-weight",
        cancel=1,
        **SOURCE_SICK,
    ),
    _mutant(
        "back, and the wrong side's health was asked",
        f"{BACK}._check_source",
        "health = await move.healthy(phase, move.from_)",
        "health = await move.healthy(phase, move.to)",
        "unproven-weight",
        cancel=1,
    ),
    _mutant(
        "back without probe paths",
        f"{BACK}._check_source",
        "        await move.ensure_probe_paths(phase)\n",
        "",
        "unproven-weight",
        **REFUSED,
    ),
    _mutant(
        "probe paths are not forgotten",
        f"{FORWARD}.teardown",
        "        move.forget_probe_paths()\n",
        "",
        "unproven-weight",
        **REFUSED,
    ),
    _mutant(
        "probe paths are trusted though their write failed",
        f"{MOVE}.ensure_probe_paths",
        "self.forget_probe_paths()",
        "pass",
        "unproven-weight",
        answer=1,
        **DEAF,
    ),
    _mutant(
        "probe paths are renewed with the weights that were ordered last",
        f"{MOVE}.ensure_probe_paths",
        "keeps=True",
        "keeps=False",
        "live-means-all",
        begins=GIVEN_UP_UNMADE,
    ),
    _mutant(
        "the gateways are not told to forget the target",
        f"{BACK}.from_gateways",
        "        await self._move.steer(Phase.PREPARE, documents.only(self._move.from_))\n",
        "",
        "left-tidy",
        cancel=1,
    ),
    _mutant(
        "the way back ends with a second cancel",
        f"{RELOCATION}.carry_out",
        "while not concluding.done():\n            by_temporal = await self._cancelled_before(concluding.done) or by_temporal\n",
        "await concluding\n",
        "ends-well",
        cancel=2,
    ),
    # ---- somebody else's change
    _mutant(
        "drift is ignored",
        f"{DOCUMENTS}:why_drifted",
        "expected_epoch is None or ours",
        "True or ours",
        "drift",
        **THEIRS,
    ),
    _mutant(
        "what stood there before is not known",
        f"{FORWARD}.select",
        "self._move.source, self._move.written, decision = found.serving, found.written, found.decision",
        "self._move.source, decision = found.serving, found.decision",
        "drift",
        **THEIRS,
    ),
    _mutant(
        "compare-and-set without comparing",
        FENCING,
        "if base != live:",
        "if False:",
        "drift",
        **THEIRS,
    ),
    _mutant(
        "a stale writer is let in",
        FENCING,
        "if fence < current.fence:",
        "if False:",
        "stale-writer",
        late=1,
    ),
    _mutant(
        "removal ignores the cluster's fence",
        f"{CLUSTER_FENCES}.admit",
        "if seen is not None:",
        "if False:",
        "removed-under-users",
        begins=LATE_REMOVAL_OF_B,
        answer=1,
    ),
    _mutant(
        "settle without telling the cluster a newer fence",
        f"{BACK}._settled",
        '        await self._secure(stays, f"settling on {cluster}")\n',
        "",
        "removed-under-users",
        begins=LATE_REMOVAL_OF_B,
        answer=1,
    ),
    _mutant(
        "back without telling the cluster a newer fence",
        f"{BACK}.to_source",
        '        await self._secure(move.from_, f"going back to {move.from_.name}")\n',
        "",
        "removed-under-users",
        begins=LATE_REMOVAL_OF_A,
        answer=1,
    ),
    _mutant(
        "a removal that was given up counts as done",
        f"{MOVE}.remove",
        "        await self.do(calls.REMOVE, phase, **where, serves=serves)\n",
        "        self._doomed.remove(where)\n        await self.do(calls.REMOVE, phase, **where, serves=serves)\n        return\n",
        "removed-under-users",
        begins=LATE_REMOVAL_OF_B,
        answer=1,
    ),
    # ---- people
    _mutant(
        "a question that nobody may answer",
        "relocate.workflow.comparison:ask",
        "desk.ask(frozenset(commands))",
        "desk.ask(frozenset())",
        "liveness",
        **FEW,
    ),
    _mutant(
        "hold does not hold",
        f"{FORWARD}._may_go_on",
        "if self._desk.held_by is not None:",
        "if False:",
        "hold",
        hold=1,
    ),
    _mutant(
        "hold is forgotten",
        f"{DESK}.take",
        "self.held_by = order.actor",
        "self.held_by = None",
        "hold",
        hold=1,
    ),
    _mutant(
        "settle on a side that is not healthy",
        f"{BACK}._settled",
        "if not health.ready:",
        "if False:",
        "unproven-weight",
        cancel=1,
        answer=1,
        **SOURCE_SICK,
    ),
    _mutant(
        "settle removes the side that stays",
        f"{MOVE}.besides",
        'place["cluster"] != stays.name',
        'place["cluster"] == stays.name',
        "teardown-without-proof",
        cancel=1,
        expiry=1,
        answer=1,
    ),
    _mutant(
        "settle leaves what was made and never ran",
        f"{MOVE}.besides",
        "if self.made is not None and self.made not in places:",
        "if False:",
        "left-tidy",
        cancel=1,
        expiry=1,
        answer=1,
    ),
    _mutant(
        "settle leaves the source frozen",
        f"{BACK}._settled",
        "await self.steps.undo(Phase.TRANSFER)",
        "pass",
        "left-tidy",
        transfer=True,
        cancel=1,
        expiry=1,
        answer=1,
    ),
    # ---- the end
    _mutant(
        "the lease is not given back",
        "relocate.model.relocation:View.ended",
        "status=Status.FINISHED,",
        "status=Status.RUNNING,",
        "one-lease",
    ),
    _mutant(
        "the prober is left running",
        f"{COMPARISON}.end",
        "self._watch.cancel()",
        "return",
        "left-tidy",
    ),
)
