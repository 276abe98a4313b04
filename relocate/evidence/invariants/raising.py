# SPDX-License-Identifier: Apache-2.0
"""Weight is raised only on a side that has passed its checks; going back, that passes them now (invariants 1 and 4)."""

from collections.abc import Iterator, Mapping

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.invariants.story import Place, Story


def broken(story: Story) -> Iterator[Disagreement]:
    """Writes that raise a side's weight without a passed gate of that side."""
    for place in story.places:
        yield from _raised(story, place)


def _raised(story: Story, place: Place) -> Iterator[Disagreement]:
    weights: Mapping[str, int] = {} if story.source is None else {story.source: 100}
    lowered: dict[str, int] = {}
    moments = story.written_by(place)
    for entry, wrote in story.writes(place):
        for side, weight in wrote.weights.items():
            theirs = wrote.kept and wrote.accepted is not None
            if weight > weights.get(side, 0) and not theirs:
                why = _why_not_ready(story, side, entry.seq, lowered.get(side, 0))
                if why is not None:
                    says = f"route {place[1]} at {place[0]} gives {side} {weight} %"
                    yield Disagreement(entry=entry.seq, says=says, follows=why)
        lowered |= {
            side: moments[wrote.fence] for side, weight in weights.items() if wrote.weights.get(side, 0) < weight
        }
        weights = wrote.weights


def _why_not_ready(story: Story, side: str, before: int, after: int) -> str | None:
    asked = story.asked(side, before=before, after=after)
    if not asked:
        since = f" since entry {after} took weight from it" if after else ""
        return f"nothing shows that {side} had passed its checks{since}"
    entry, gate = asked[-1]
    return None if gate.ready else f"{side} had not passed its checks in entry {entry.seq}: {gate.sentence}"
