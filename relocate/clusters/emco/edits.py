# SPDX-License-Identifier: Apache-2.0
"""Carrying edits of app intents out at EMCO. Nothing comes of them before the group is updated."""

from collections.abc import Awaitable, Callable, Sequence, Set as AbstractSet

from relocate.clusters.emco.anchor import Anchor, Edit
from relocate.clusters.emco.group import AppIntent, Group
from relocate.clusters.emco.placement import (
    Intent,
    Labelled,
    NowhereLeft,
    Place,
    app_of,
    mandatory,
    names,
    with_cluster,
    without_cluster,
)
from relocate.clusters.emco.settings import FIELD
from relocate.clusters.emco.status import Status
from relocate.errors import InvalidRequest, InvalidWorkload

GoOn = Callable[[], Awaitable[None]]
"""Called before each request that changes something: raises once it is not our turn any more."""


async def planned(group: Group, place: Place, status: Status) -> Sequence[Edit]:
    """What adding a cluster would change: one intent of each app, the first where there are several.

    Raises:
        InvalidWorkload: the group, or an intent, is not as it would have to be; the text says what.
    """
    intents = await group.intents()
    labelled = await group.labelled([one.body for one in intents])
    edits: dict[str, Edit] = {}
    for path, body in intents:
        app = app_of(body)
        if app not in edits:
            written = with_cluster(body, place, labelled, status.running(app))
            edits[app] = Edit(path=path, before=dict(body), written=dict(written))
        elif names(body, place, labelled):
            raise InvalidWorkload(f"{FIELD}: another intent of EMCO's has {app} on {place} already", field=FIELD)
    return list(edits.values())


async def write(group: Group, edits: Sequence[Edit], place: Place, go_on: GoOn) -> None:
    """Put the intents as they were planned.

    Raises:
        InvalidWorkload: somebody changed one meanwhile; theirs was not overwritten.
    """
    standing = {one.path: one.body for one in await group.intents()}
    labelled = await group.labelled(list(standing.values()))
    for edit in edits:
        now = standing.get(edit.path)
        if now == edit.before:
            await go_on()
            await group.put(AppIntent(edit.path, edit.written))
        elif now != edit.written and (now is None or place not in mandatory(now, labelled)):
            app = app_of(edit.before)
            text = f"{FIELD}: somebody changed EMCO's intent of {app} meanwhile; theirs was not overwritten"
            raise InvalidWorkload(text, field=FIELD)


async def put_back(group: Group, edits: Sequence[Edit], go_on: GoOn) -> None:
    """Put intents as they were before, where they stand as they were written."""
    standing = {one.path: one.body for one in await group.intents()}
    for edit in edits:
        if standing.get(edit.path) == edit.written:
            await go_on()
            await group.put(AppIntent(edit.path, edit.before))


async def leaving(group: Group, anchor: Anchor, stay: Sequence[Anchor], status: Status) -> Sequence[AppIntent]:
    """What has to be put so that no intent of the anchor's apps names its cluster any more.

    Args:
        group: the anchor's.
        anchor: what leaves.
        stay: other instances of the same application.
        status: of the group.

    Raises:
        InvalidRequest: an app would be on no cluster; or an instance that stays would not: somebody took its cluster out.
    """
    intents = {one.path: one.body for one in await group.intents()}
    labelled = await group.labelled(list(intents.values()))
    before = {edit.path: edit for edit in anchor.edits}
    changes: dict[str, Intent] = {}
    for path, body in intents.items():
        edit, running = before.get(path), status.running(app_of(body))
        mine = app_of(body) in anchor.apps and names(body, anchor.place, labelled)
        try:
            if edit is not None and edit.written == body:
                changes[path] = edit.before
            elif mine and (anchor.place in running or anchor.place in mandatory(body, labelled)):
                changes[path] = without_cluster(body, anchor.place, labelled, running)
        except NowhereLeft as error:
            raise InvalidRequest(f"{error}; terminate the group in EMCO instead", field=FIELD) from error
    after = {**intents, **changes}
    for other in stay:
        named = {app_of(one) for one in after.values() if names(one, other.place, labelled)}
        missing = sorted(set(other.apps) - named)
        if missing and other.workload == anchor.workload:
            what = f"somebody took {other.place} out of EMCO's intents of {', '.join(missing)}"
            raise InvalidRequest(f"{what}: an update would end it there, and none is ordered", field=FIELD)
    return [AppIntent(path, body) for path, body in changes.items()]


async def offered(group: Group, anchor: Anchor) -> AbstractSet[str]:
    """Those of the anchor's apps that an intent has on its cluster, or lets EMCO choose it for."""
    intents, labelled = await _standing(group)
    return {app_of(one) for one in intents if names(one, anchor.place, labelled)} & set(anchor.apps)


async def demanded(group: Group, anchor: Anchor) -> AbstractSet[str]:
    """Those of the anchor's apps that an intent has on its cluster whatever EMCO chooses."""
    intents, labelled = await _standing(group)
    return {app_of(one) for one in intents if anchor.place in mandatory(one, labelled)} & set(anchor.apps)


async def _standing(group: Group) -> tuple[Sequence[Intent], Labelled]:
    intents = [one.body for one in await group.intents()]
    return intents, await group.labelled(intents)
