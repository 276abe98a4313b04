# SPDX-License-Identifier: Apache-2.0
"""Objects by one list and one watch, whole and by a label."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from steering.kubernetes import watching
from steering.kubernetes.api import Api
from steering.kubernetes.errors import Unauthorized, Unreachable
from steering.kubernetes.objects import Kind
from steering.kubernetes.watching import Watched
from tests.unit.steering.kubernetes.server import Server

LABEL, POD = "relocation.edge/instance", Kind("v1", "Pod")


def _pod(name: str, instance: str | None) -> dict[str, Any]:
    labels = {LABEL: instance} if instance else {}
    return {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "7", "labels": labels}}


@pytest.fixture
async def watched(api: Api, server: Server) -> AsyncIterator[Watched]:
    """Two instances and a pod of nobody's; then a pod goes and another one comes."""
    pods = [_pod("a", "echo-1"), _pod("b", "echo-2"), _pod("c", None)]
    server.say(200, {"items": pods, "metadata": {"resourceVersion": "6"}})
    server.say(200, [{"type": "DELETED", "object": pods[0]}, {"type": "ADDED", "object": _pod("d", "echo-2")}])
    server.say(200, [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}])
    made = Watched(api, POD, "apps", "")
    made.start()
    yield made
    await made.stop()


async def _names(watched: Watched) -> dict[str, list[str]]:
    found = await watched.by_label(LABEL, 1)
    return {value: [one["metadata"]["name"] for one in several] for value, several in found.items()}


async def _settled(watched: Watched) -> None:
    """Wait until every change has been seen."""
    async with asyncio.timeout(5):
        while await _names(watched) != {"echo-2": ["b", "d"]}:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)


async def test_what_is_grouped_by_a_label_follows_each_change(watched: Watched) -> None:
    """An object that goes leaves its group, one that comes joins it, and one without the label is in none."""
    await _settled(watched)
    assert sorted(await watched.objects(1)) == ["uid-b", "uid-c", "uid-d"]


async def test_without_a_change_nothing_is_grouped_anew(watched: Watched) -> None:
    """A look costs no more with a thousand instances than with one."""
    await _settled(watched)
    assert await watched.by_label(LABEL, 1) is await watched.by_label(LABEL, 1)


async def test_watches_go_on_whenever_credentials_are_replaced(
    api: Api, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and whatever is asked meanwhile: each is begun anew with the new ones."""
    monkeypatch.setattr(watching, "LONGEST_SECONDS", 0.2)
    server.quiet = True
    file = tmp_path / "kubeconfig"
    made = [Watched(api, POD, f"apps-{number}", "") for number in range(6)]
    for one in made:
        one.start()
    try:
        await _begun(server, len(made))
        for token in ("second", "third", "fourth"):
            old, server.token = server.token, token
            for _ in range(10):
                with suppress(Unauthorized, Unreachable):
                    await api.list(POD, "apps")
                await asyncio.sleep(0.02)
            file.write_text(file.read_text().replace(old, token))
            await _begun(server, len(made))
    finally:
        await asyncio.gather(*(one.stop() for one in made))


async def _begun(server: Server, number: int) -> None:
    async with asyncio.timeout(5):
        while server.watches[server.token] < number:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)
