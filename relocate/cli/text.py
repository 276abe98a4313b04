# SPDX-License-Identifier: Apache-2.0
"""Relocations, decisions and evidence as lines of text. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from relocate.cli.exits import Exit
from relocate.model.evidence import Claim
from relocate.model.relocation import Outcome, Status, Step, StepState, View
from relocate.phases.draining import given_up
from relocate.targets.contract import Decision

if TYPE_CHECKING:
    from relocate.dispatch import DryRun

HOPED_FOR = frozenset({Outcome.COMPLETED, Outcome.NOTHING_TO_DO})


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows in columns, two blanks apart; the last column is as long as it is."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def code(view: View) -> Exit:
    """The exit code that stands for where a relocation is."""
    if view.status is Status.NEEDS_OPERATOR:
        return Exit.OTHERWISE
    return Exit.DONE if view.outcome is None or view.outcome in HOPED_FOR else Exit.OTHERWISE


def standing(view: View) -> str:
    """Where a relocation is, in one word or two."""
    return (view.outcome or view.status).replace("_", " ")


def way(view: View) -> str:
    """From where to where."""
    return f"{view.source or '?'} -> {view.target or '?'}"


def listing(views: Sequence[View]) -> Iterator[str]:
    """Relocations, one line each."""
    head = ("ID", "APPLICATION", "WAY", "STANDS", "PHASE", "ACCEPTED", "SENTENCE")
    rows = [
        (
            view.id,
            view.application,
            way(view),
            standing(view),
            view.phase or "-",
            moment(view.created_at),
            view.sentence,
        )
        for view in views
    ]
    yield from columns([head, *rows])


def details(view: View) -> Iterator[str]:
    """One relocation with its phases."""
    yield f"{view.id}: {view.application}, {way(view)}: {standing(view)}"
    if view.sentence:
        yield view.sentence
    if view.next_step:
        yield f"Next: {view.next_step}"
    if view.weights:
        yield "Weights: " + ", ".join(f"{side} {weight} %" for side, weight in sorted(view.weights.items()))
    if view.left_on_source is not None:
        yield f"Still open on {view.source}: {view.left_on_source}"
    if view.cut != 0:
        yield f"Cut: {given_up(view.cut)}"
    if view.point_of_no_return:
        yield "The point of no return is passed."
    yield from columns([(step.phase, step.state, lasted(step), step.sentence) for step in view.steps])


def lasted(step: Step) -> str:
    """How long a phase took, in seconds."""
    if step.started_at is None or step.finished_at is None:
        return "-"
    return f"{(step.finished_at - step.started_at).total_seconds():.1f} s"


def decided(decision: Decision) -> Iterator[str]:
    """A decision with every candidate."""
    yield f"Decision ({decision.selector}): {decision.sentence}"
    if decision.fallback and decision.fallback != decision.sentence:
        yield decision.fallback
    scored = [
        (each.cluster, f"{each.score:g}", ", ".join(f"{name} {score:g}" for name, score in each.scores.items()))
        for each in decision.ranked
    ]
    left = [(each.cluster, "-", "; ".join(each.reasons)) for each in decision.rejected]
    if scored or left:
        yield from (f"  {line}" for line in columns([*scored, *left]))


def planned(plan: "DryRun") -> Iterator[str]:
    """What a relocation would do."""
    yield f"It would go {plan.source or '?'} -> {plan.target or '?'}. Nothing was changed."
    yield from decided(plan.decision)
    yield from (f"{number}. {step}" for number, step in enumerate(plan.steps, start=1))
    if plan.makes:
        yield f"On {plan.target} it would make {', '.join(plan.makes)}."
    yield from (f"Problem: {problem}" for problem in plan.problems)


def explained(view: View, decision: Decision | None, against: Sequence[tuple[datetime, Claim]]) -> Iterator[str]:
    """Why a relocation went the way it went."""
    yield f"{view.id}: {view.application}, {way(view)}: {standing(view)}"
    if view.sentence:
        yield view.sentence
    stuck = [step for step in view.steps if step.state is StepState.FAILED]
    yield from (f"It failed in {step.phase}: {step.sentence or 'no reason was given'}" for step in stuck)
    if view.next_step:
        yield f"Next: {view.next_step}"
    yield from _spoken_against(against)
    yield from decided(decision) if decision is not None else ("No decision is on record.",)


def _spoken_against(against: Sequence[tuple[datetime, Claim]]) -> Iterator[str]:
    if not against:
        return
    yield "What spoke against going on:"
    rows = [
        (
            moment(at),
            claim.phase or "-",
            claim.rung,
            claim.instance or claim.gateway or "-",
            claim.basis,
            claim.sentence,
        )
        for at, claim in against
    ]
    yield from (f"  {line}" for line in columns(rows))


def changed(before: View | None, after: View) -> str | None:
    """What is new in `after`, in one line; None if nothing that people see is."""
    shown = (standing(after), after.phase, after.sentence)
    if before is not None and (standing(before), before.phase, before.sentence) == shown:
        return None
    return "  ".join(part for part in (standing(after), after.phase, after.sentence) if part)


def moment(at: datetime) -> str:
    """Local time, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
