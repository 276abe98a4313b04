# SPDX-License-Identifier: Apache-2.0
"""A run as the page may have to show it: today's order, then two relocations of ours, the second one under way."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from relocate.model.chain import GENESIS, chained
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Phase, RelocationRequest, Status, Step, StepState, View
from relocate.targets.contract import Decision, Ranked, Rejection

START = datetime(2026, 11, 22, 8, 0, 0, tzinfo=UTC)

SENTENCES = {
    Phase.SELECT: "mec-b is the best of 4 candidates: 3 ms from cell-b.",
    Phase.DEPLOY: "The instance navigator-2 runs on mec-b.",
    Phase.PREPARE: "Both gateway instances know mec-b, at weight 0, behind a probe-only path.",
    Phase.READY: "mec-b passed every check for 1.0 s, directly and through both gateways.",
    Phase.TRANSFER: "Nothing to transfer: the application is stateless.",
    Phase.SWITCH: "All new requests go to mec-b: acknowledged and probed through both gateways.",
    Phase.BAKE: "mec-b is as good as mec-a was: no error among 412 samples, p99 7 ms.",
    Phase.DRAIN: "Nobody uses mec-a: nothing in flight and no new request for 1.0 s, counted by both gateways.",
    Phase.TEARDOWN: "mec-a was proven unused, and removed; it is gone.",
}
SECONDS = {
    Phase.SELECT: 0.1, Phase.DEPLOY: 1.4, Phase.PREPARE: 0.6, Phase.READY: 2.2, Phase.TRANSFER: 0.0,
    Phase.SWITCH: 2.4, Phase.BAKE: 5.0, Phase.DRAIN: 4.2, Phase.TEARDOWN: 1.3,
}  # fmt: skip

CLAIMS = (
    Claim(rung="E0", sentence="edge-1 and edge-2 took version 7."),
    Claim(rung="E1", sentence="The control plane of both gateways has seen version 7."),
    Claim(rung="E2", sentence="edge-1 and edge-2 say that they applied version 7.", basis="counted"),
    Claim(rung="E3", sentence="Epoch 7 came back 5 times running from mec-b through edge-1 and edge-2.", basis="sampled", period_seconds=0.02),
    Claim(rung="E4", sentence="No error among 1,844 samples from before prepare until now.", basis="sampled", period_seconds=0.05),
    Claim(rung="E5", sentence="Zero in flight and zero new requests on mec-a for 1.0 s.", basis="counted"),
)  # fmt: skip


def steps(start: datetime, until: Phase | None = None) -> tuple[Step, ...]:
    """Every phase done; or those before `until` done and `until` running."""
    made = []
    for phase in Phase:
        end = start + timedelta(seconds=SECONDS[phase])
        if until is not None and list(Phase).index(phase) >= list(Phase).index(until):
            running = phase is until
            made.append(
                Step(
                    phase=phase,
                    state=StepState.RUNNING if running else StepState.PENDING,
                    started_at=start if running else None,
                )
            )
        elif phase is Phase.TRANSFER:
            made.append(Step(phase=phase, state=StepState.SKIPPED, sentence=SENTENCES[phase]))
        else:
            made.append(
                Step(phase=phase, state=StepState.DONE, sentence=SENTENCES[phase], started_at=start, finished_at=end)
            )
            start = end
    return tuple(made)


def finished(identity: str = "r-1", start: datetime = START + timedelta(seconds=46)) -> View:
    """A relocation that is over."""
    done = steps(start)
    end = done[-1].finished_at
    assert end is not None
    return View(
        id=identity,
        application="navigator",
        status=Status.FINISHED,
        outcome=Outcome.COMPLETED,
        phase=Phase.TEARDOWN,
        sentence=f"navigator runs on mec-b; mec-a was proven unused and removed. It took {(end - start).total_seconds():.0f} s.",
        source="mec-a",
        target="mec-b",
        request=RelocationRequest(application="navigator", cell="cell-b", reason="the UE moved to cell-b"),
        steps=done,
        weights={"mec-a": 0, "mec-b": 100},
        left_on_source=0,
        point_of_no_return=True,
        created_at=start,
        finished_at=end,
    )


def draining(identity: str = "r-2", start: datetime = START + timedelta(seconds=76)) -> View:
    """The way back, in the middle of its drain."""
    under_way = steps(start, until=Phase.DRAIN)
    return View(
        id=identity,
        application="navigator",
        status=Status.RUNNING,
        phase=Phase.DRAIN,
        sentence="Waiting until nobody uses mec-b: 14 streams are left there, and no new work arrives.",
        source="mec-b",
        target="mec-a",
        request=RelocationRequest(application="navigator", cell="cell-a", reason="the UE moved to cell-a"),
        steps=under_way,
        weights={"mec-a": 100, "mec-b": 0},
        left_on_source=14,
        created_at=start,
    )


def decision(target: str = "mec-b") -> Decision:
    """A ranking of two that fit and two that do not."""
    other = "mec-a" if target == "mec-b" else "mec-b"
    return Decision(
        selector="builtin",
        ranked=(
            Ranked(cluster=target, score=91.5, scores={"latency": 100.0, "capacity": 74.5, "stay": 0.0}),
            Ranked(cluster="mec-c", score=58.2, scores={"latency": 52.0, "capacity": 77.0, "stay": 0.0}),
        ),
        rejected=(
            Rejection(cluster=other, reasons=("it is the source",)),
            Rejection(cluster="mec-d", reasons=("it is cordoned", "it has 120 MiB free, 256 are asked for")),
        ),
        sentence=f"{target} is nearest to the UE's cell (3 ms), and has room.",
    )


def evidence(identity: str) -> dict[str, Any]:
    """The record of a relocation, as the API tells it."""
    previous, entries = GENESIS, []
    for number, claim in enumerate(CLAIMS, start=1):
        entries.append(chained(identity, number, previous, claim, START + timedelta(seconds=50 + number)))
        previous = entries[-1].digest
    return {
        "relocation": identity,
        "head": previous,
        "broken_link": None,
        "entries": [entry.model_dump(mode="json") for entry in entries],
        "watched": [
            {"route": "web", "vantage": "edge-1", "first_second": 0, "last_second": 17, "seconds": 18, "missing": 0}
        ],
        "failures": [],
        "decision": None,
    }


def traffic(seconds: int = 96) -> list[dict[str, Any]]:
    """The feed: today's drive loses requests when the old instance is deleted, ours loses none."""
    chance = Random(7)  # noqa: S311 - for looks
    lines: list[dict[str, Any]] = []
    began = START.timestamp()
    for second in range(1, seconds + 1):
        today = second < 40
        lost = {22: 118, 23: 96, 24: 21}.get(second, 0)
        near = second < 8 or 22 <= second < 28 or 54 <= second < 66 or second >= 86
        sent = 158 + chance.randrange(5)
        share = _share_of_b(second)
        right_b = round((sent - lost) * share)
        base = 4.0 if near else 29.0
        lines.append({
            "at": began + second, "sent": sent, "lost": lost, "wrong": 3 if second == 24 else 0, "right": sent - lost,
            "p50_ms": base + chance.random(), "p99_ms": base * 1.3 + 4 * chance.random() + (900 if lost else 0),
            "clusters": {name: {"right": n} for name, n in (("mec-a", sent - lost - right_b), ("mec-b", right_b)) if n},
            "drive": "today" if today else "ours",
        })  # fmt: skip
    marks = {8: "UE enters cell-b", 28: "UE back in cell-a", 45: "UE enters cell-b", 75: "UE back in cell-a"}
    return lines + [{"mark": text, "at": began + second} for second, text in marks.items()]


def _share_of_b(second: int) -> float:
    if 22 <= second < 36:
        return 1.0
    if 50 <= second < 82:
        return 0.93 if second in (50, 51) else 1.0
    return 0.08 if 82 <= second < 86 else 0.0


def snapshot() -> dict[str, Any]:
    """What `api.page.report.render` takes."""
    views = [finished(), draining()]
    return {
        "relocations": [view.model_dump(mode="json") for view in views],
        "evidence": {view.id: evidence(view.id) for view in views},
        "decisions": {"r-1": decision().model_dump(mode="json"), "r-2": decision("mec-a").model_dump(mode="json")},
        "traffic": traffic(),
        "report": {
            "sent": 9120, "lost": 0, "wrong": 0, "longest_gap_ms": 31.0, "passed": True,
            "verdict": "sent 9120, lost 0 (with 95 % confidence fewer than 3/9120), longest gap 31 ms; today's order lost 235",
            "today": {"sent": 6240, "lost": 235, "wrong": 3, "longest_gap_ms": 2140.0},
        },
    }  # fmt: skip
