# SPDX-License-Identifier: Apache-2.0
"""An instance is removed only when no route names it; the source only after proof, or by name (invariants 3 and 8)."""

from collections.abc import Iterator

from relocate.evidence.disagreement import Disagreement
from relocate.evidence.invariants.story import Story
from relocate.evidence.record import Read
from relocate.evidence.samples import (
    CheckedAll,
    CheckedRoutes,
    Commanded,
    Removed,
    UsageCounts,
    WatchedRoute,
    WrittenDocument,
)
from relocate.phases.draining import given_up
from relocate.phases.teardown import why_not_teardown


def broken(story: Story) -> Iterator[Disagreement]:
    """Removals without what had to come before them."""
    for entry, removed in story.removals:
        reasons = [*_still_named(story, entry, removed)]
        if removed.cluster == story.source:
            reasons += _unproven(story, entry)
        for why in reasons:
            yield Disagreement(
                entry=entry.seq, says=f"{removed.instance} was removed from {removed.cluster}", follows=why
            )


def _still_named(story: Story, entry: Read, removed: Removed) -> Iterator[str]:
    for place in story.places:
        writes = story.writes(place, before=entry.seq)
        named = [wrote.names(removed.cluster, removed.instance) for _, wrote in writes]
        if not any(named) and removed.cluster != story.source:
            continue
        if not writes:
            yield f"no document without it had been written for route {place[1]} at {place[0]}"
        elif named[-1]:
            yield f"route {place[1]} at {place[0]} still named it"
        elif (why := story.why_not_live(place, writes[-1][1], before=entry.seq)) is not None:
            yield f"the document without it had not been proven live for route {place[1]} at {place[0]}: {why}"


def _unproven(story: Story, removal: Read) -> Iterator[str]:
    """What is missing before the point of no return."""
    settled = _settled(story, removal)
    if settled is not None:
        yield from _why_not_settled(story, settled, removal)
        return
    checks = [
        (entry, samples)
        for entry, samples in story.of(CheckedAll, before=removal.seq)
        if samples.source == story.source and entry.seq > _last_write(story, removal)
    ]
    if not checks:
        yield "nothing was checked once more between the last write and the removal"
        return
    entry, last = checks[-1]
    why_not = why_not_teardown(last.checked, last.waivers)
    if why_not is not None:
        yield f"entry {entry.seq} says why not: {why_not}"
    yield from _not_waived(story, last, removal)
    yield from _not_watched(story, removal)


def _settled(story: Story, removal: Read) -> tuple[Read, Commanded] | None:
    """The operator's word that took the place of the proof, if the latest command was one."""
    said = [
        (entry, command)
        for entry, command in story.commands
        if entry.seq < removal.seq and command.command in ("settle", "retry", "finish-cleanup")
    ]
    settling = [each for each in said if each[1].command == "settle"]
    return settling[-1] if settling else None


def _why_not_settled(story: Story, settled: tuple[Read, Commanded], removal: Read) -> Iterator[str]:
    entry, command = settled
    stays = command.cluster or ""
    if stays == story.source:
        yield f"{command.who} settled on it"
        return
    asked = story.asked(stays, before=removal.seq, after=entry.seq)
    if not asked or not asked[-1][1].ready:
        yield f"{command.who} settled on {stays}, and nothing shows that it passed its checks then"


def _not_waived(story: Story, last: CheckedAll, removal: Read) -> Iterator[str]:
    """Exceptions are named in the request, or by an operator in the record."""
    policy = story.started.policy if story.started is not None else None
    looks = [routes for _, routes in story.of(CheckedRoutes, before=removal.seq)]
    unproven = last.waivers.unproven or any(look.unproven for routes in looks for look in routes.looks)
    if unproven and (policy is None or policy.unproven != "allow"):
        yield "proof was waived, and the policy does not allow that"
    waived = {name for routes in looks for name in routes.waived}
    strangers = waived - set(policy.waived_instances if policy is not None else ())
    if strangers:
        yield f"{', '.join(sorted(strangers))} was waived, and the policy does not name it"
    if last.waivers.unsteered:
        if story.expected_places:
            yield "it is said to have no routes, and has some"
    elif last.waivers.force_drain:
        yield from _not_forced(story, last, removal)
    elif not _drained(story, last, removal):
        yield f"no count shows that nobody used {last.source} any more, and nobody waived that"


def _drained(story: Story, last: CheckedAll, removal: Read) -> bool:
    counts = _counts(story, last, removal)
    return last.checked.drained is None and bool(counts) and counts[-1][0].claim.holds


def _not_forced(story: Story, last: CheckedAll, removal: Read) -> Iterator[str]:
    policy = story.started.policy if story.started is not None else None
    counts = _counts(story, last, removal)
    by_policy = policy is not None and policy.drain.at_deadline == "force"
    allowed = [command for entry, command in story.commands if command.command == "proceed" and entry.seq < removal.seq]
    if not by_policy and not allowed:
        yield "a cut was forced, and neither the policy nor an operator allows it"
    if counts and counts[-1][1].left != last.cut:
        left, cut = given_up(counts[-1][1].left), given_up(last.cut)
        yield f"{left} were left on {last.source}, and {cut} are said to be cut"


def _counts(story: Story, last: CheckedAll, removal: Read) -> list[tuple[Read, UsageCounts]]:
    """Drains of the source since the last write that gave it weight."""
    since = max(
        (
            story.written_by(place)[wrote.fence]
            for place in story.places
            for _, wrote in story.writes(place, before=removal.seq)
            if wrote.weights.get(last.source, 0) > 0
        ),
        default=0,
    )
    return [
        (entry, counts)
        for entry, counts in story.of(UsageCounts, before=removal.seq)
        if counts.side == last.source and entry.seq > since
    ]


def _not_watched(story: Story, removal: Read) -> Iterator[str]:
    """E4 has to reach back to before the first write, for every route."""
    claims = {watched.route: watched for _, watched in story.of(WatchedRoute, before=removal.seq)}
    first = min((entry.entry.at.timestamp() for entry, _ in story.of(WrittenDocument)), default=0.0)
    for _, route in story.expected_places:
        if route not in claims:
            yield f"nothing says how route {route} was watched"
        elif claims[route].since > first:
            yield f"route {route} was watched only after it had been changed"


def _last_write(story: Story, removal: Read) -> int:
    return max(
        (
            story.written_by(place)[wrote.fence]
            for place in story.places
            for _, wrote in story.writes(place, before=removal.seq)
        ),
        default=0,
    )
