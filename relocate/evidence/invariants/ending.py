# SPDX-License-Identifier: Apache-2.0
"""The outcome follows from the claims: where users are, what is left, and who decided."""

from collections.abc import Iterator

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.invariants.story import Story
from relocate.model.relocation import Outcome

NOTHING_DONE = frozenset({Outcome.NOTHING_TO_DO, Outcome.NO_TARGET})


def broken(story: Story) -> Iterator[Disagreement]:
    """Why the outcome does not follow. A relocation that has not ended has none."""
    view = story.record.view
    if not story.record.ended or view.outcome is None:
        return
    says = f"it ended as {view.outcome}"
    for why in _reasons(story, view.outcome):
        yield Disagreement(says=says, follows=why)


def _reasons(story: Story, outcome: Outcome) -> Iterator[str]:
    if outcome in NOTHING_DONE:
        if story.places or story.removals:
            yield "routes were written or instances removed"
        return
    abandoned = any(command.command == "abandon" for _, command in story.commands)
    if outcome is Outcome.COMPLETED:
        yield from _why_not_on(story, story.target)
        if not abandoned and not _removed(story, story.source):
            yield f"nothing shows that the instance on {story.source} was removed"
    elif not abandoned:
        yield from _why_not_on(story, story.source)
        yield from _left_behind(story)


def _why_not_on(story: Story, side: str | None) -> Iterator[str]:
    """Every route, at every gateway, gives everything to one side, and that was proven live."""
    written = set(story.places)
    if written or story.record.view.outcome is Outcome.COMPLETED:
        missing = [place for place in story.expected_places if place not in written]
        yield from (f"route {route} at {gateway} was never written" for gateway, route in missing)
    for place in story.places:
        _, last = story.writes(place)[-1]
        if last.weights != {side: 100}:
            shares = ", ".join(f"{name} {weight} %" for name, weight in sorted(last.weights.items()))
            yield f"route {place[1]} at {place[0]} was last written with {shares}"
        elif (why := story.why_not_live(place, last)) is not None:
            yield f"the last document of route {place[1]} at {place[0]} was not proven live: {why}"


def _left_behind(story: Story) -> Iterator[str]:
    """Targets that routes named, and whose instance nobody removed afterwards."""
    named: dict[tuple[str, str], int] = {}
    for place in story.places:
        moments = story.written_by(place)
        for _, wrote in story.writes(place):
            for one in wrote.document.backends:
                named[one.name, one.instance] = max(named.get((one.name, one.instance), 0), moments[wrote.fence])
    gone = {(removed.cluster, removed.instance): entry.seq for entry, removed in story.removals}
    for (side, instance), seq in named.items():
        if side != story.source and gone.get((side, instance), 0) <= seq:
            yield f"nothing shows that the instance on {side} was removed"


def _removed(story: Story, side: str | None) -> bool:
    return any(removed.cluster == side for _, removed in story.removals)
