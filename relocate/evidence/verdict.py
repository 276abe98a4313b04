# SPDX-License-Identifier: Apache-2.0
"""What a record comes to, in one sentence made from its samples: counted or sampled, and how sure."""

from relocate.evidence.invariants.story import Story
from relocate.evidence.record import Record
from relocate.evidence.rows import readable
from relocate.evidence.samples import AllApplied, CheckedAll, ProvingAnswers, UsageCounts, WatchedRoute
from relocate.model.relocation import Outcome
from relocate.phases import proof
from relocate.phases.draining import given_up
from relocate.prober.claim import CONFIDENCE, Summary, rate_bound, summed


def verdict(record: Record) -> str:
    """The sentence. It says what the samples show; whether they agree with the claims is another question."""
    story = Story(record)
    parts = [_ended(record), _proven(story), _unused(story), _watched(record, story)]
    return "; ".join(part for part in parts if part) + "."


def _ended(record: Record) -> str:
    view = record.view
    way = f"{view.application}, {view.source or '?'} -> {view.target or '?'}"
    if not record.ended:
        return f"{way}: not ended, it stands at {view.status.replace('_', ' ')}"
    cut = "" if view.cut == 0 else f" ({given_up(view.cut)} were cut)"
    return f"{way}: {(view.outcome or 'ended without an outcome').replace('_', ' ')}{cut}"


def _proven(story: Story) -> str:
    """The last document that is on record: who has it, and who answers by it."""
    if not story.places:
        return "no route was written"
    applied: set[tuple[str, str]] = set()
    answers = 0
    for place in story.places:
        last = story.writes(place)[-1][1].document.epoch
        for entry, samples in story.of(AllApplied):
            if samples.epoch == last and entry.claim.gateway == place[0]:
                applied |= {(place[0], name) for name in proof.alive(samples.answers, samples.waived)}
        answers += sum(len(samples.answers) for _, samples in story.of(ProvingAnswers) if samples.epoch == last)
    shares = ", ".join(
        f"{side} {weight} %" for side, weight in sorted(story.writes(story.places[0])[-1][1].weights.items())
    )
    seen = f" and gave {answers} answers by it" if answers else ""
    return f"{len(applied)} gateway instances have the last document ({shares}; counted){seen}"


def _unused(story: Story) -> str:
    """The last drain of the source, where the source was removed."""
    if story.record.view.outcome is not Outcome.COMPLETED:
        return ""
    counts = [(entry, samples) for entry, samples in story.of(UsageCounts) if samples.side == story.source]
    if not counts:
        return f"the use of {story.source} was not counted"
    entry, last = counts[-1]
    if entry.claim.holds:
        return f"nobody used {story.source} for {last.window_seconds:g} s (counted)"
    cut = next((samples.cut for _, samples in reversed(story.of(CheckedAll))), last.left)
    return f"{given_up(cut)} on {story.source} were given up by name (counted)"


def _watched(record: Record, story: Story) -> str:
    seconds = readable(record.seconds)
    if not seconds:
        return "nothing was watched"
    found = summed(seconds)
    bound = rate_bound(found.finished, found.errors) if found.finished else 1.0
    return (
        f"of {found.sent} requests of the prober in {len({second.second for second in seconds})} s"
        f" {found.failed} failed and {found.wrong} were wrong (sampled{_period(story)};"
        f" with {CONFIDENCE:.0%} confidence fewer than {bound:.2%}){_holes(story, found)}"
    )


def _period(story: Story) -> str:
    periods = {route.watch.period_seconds for route in story.started.routes} if story.started is not None else set()
    return f" every {max(periods) * 1000:g} ms" if periods else ""


def _holes(story: Story, found: Summary) -> str:
    holes = sum(len(watched.coverage.get("holes", ())) for _, watched in story.of(WatchedRoute))
    gap = f", longest gap {found.longest_gap_ms:.0f} ms"
    return f"{gap}; {holes} holes in the watch, so that is inconclusive" if holes else gap
