# SPDX-License-Identifier: Apache-2.0
"""The control plane may die, lose its database, or come back with an old one: users notice nothing."""

import asyncio
import json
import shutil
import time
from collections.abc import Callable

import pytest

from steering.adapters.envoy import EnvoyAdapter
from steering.model import Acknowledgement
from steering.store.engine import engine
from steering.store.tables import METADATA
from tests.envoy.rig import GATEWAY, Fences, Rig
from tests.envoy.traffic import acknowledged, lost, serving, traffic


async def _placed(rig: Rig, adapter: EnvoyAdapter, fence: Fences, route: str = "shop") -> str:
    version = await adapter.apply(rig.document(route, "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    await acknowledged(adapter, route, version)
    for instance in rig.instances:
        await serving(rig, route, instance, epoch="e1")
    return version


def _replace_database(rig: Rig, copy: str | None) -> None:
    """Put another database file in place: an empty one, or an earlier copy."""
    rig.kill("control")
    for left in rig.folder.glob("steering.db*"):
        left.unlink()
    if copy is not None:
        shutil.copy(copy, rig.folder / "steering.db")
    else:
        METADATA.create_all(engine(rig.database_url))
    rig.start_control()


async def test_killed_and_restarted_without_loss(rig: Rig, adapter: EnvoyAdapter) -> None:
    """SIGKILL and restart under traffic lose nothing; what was written in between takes effect afterwards."""
    fence = Fences()
    version = await _placed(rig, adapter, fence)
    async with traffic(rig, "shop") as seen:
        await asyncio.sleep(0.3)
        rig.kill("control")
        await asyncio.sleep(0.3)
        version = await adapter.apply(rig.document("shop", "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(rig.start_control)
        await acknowledged(adapter, "shop", version)
    assert lost(seen) == {}
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e2")


async def test_without_any_control_plane_instances_are_deaf(rig: Rig, adapter: EnvoyAdapter) -> None:
    """An Envoy that serves on without a control connection is named deaf, even for a version that it had applied."""
    version = await _placed(rig, adapter, Fences())
    rig.kill("control")
    found = await acknowledged(adapter, "shop", version, Acknowledgement.DEAF)
    assert all("no control connection" in one.reason for one in found)


async def test_another_replica_takes_over(make_rig: Callable[..., Rig]) -> None:
    """Several control planes serve one gateway: an Envoy that loses one goes to another, and acknowledges there."""
    rig = make_rig()
    rig.start_control("second")
    rig.kill("edge-1")
    rig.start_envoy("edge-1", controls=("control", "second"))
    adapter, fence = rig.adapter(), Fences()
    version = await _placed(rig, adapter, fence)
    rig.kill("control")
    version = await adapter.apply(rig.document("shop", "e2", {"b": 100}), fence=fence(), base=version)
    deadline = time.monotonic() + 10
    while (await adapter.acknowledged("shop", version))[0].state is not Acknowledgement.APPLIED:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await serving(rig, "shop", "edge-1", epoch="e2")
    await adapter.close()


async def test_empty_database_never_empties_a_gateway(rig: Rig, adapter: EnvoyAdapter) -> None:
    """A database that lost its routes takes nothing from a gateway; routes written anew go on above what it holds."""
    fence = Fences()
    version = await _placed(rig, adapter, fence)
    await adapter.close()
    async with traffic(rig, "shop") as seen:
        _replace_database(rig, None)
        await asyncio.sleep(2.5)
    assert lost(seen) == {}
    reopened = rig.adapter()
    again = await reopened.apply(rig.document("shop", "e2", {"b": 100}), fence=fence(), base=None)
    assert int(again) > int(version)
    await acknowledged(reopened, "shop", again)
    for instance in rig.instances:
        await serving(rig, "shop", instance, epoch="e2")
    await reopened.close()


async def test_older_database_does_not_bring_back_old_weights(rig: Rig, adapter: EnvoyAdapter) -> None:
    """With an earlier copy of the database, gateways keep the newer version that they hold; the next write wins."""
    fence = Fences()
    version = await _placed(rig, adapter, fence)
    await adapter.close()
    with engine(rig.database_url).connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = shutil.copy(rig.folder / "steering.db", rig.folder / "earlier")
    adapter = rig.adapter()
    newer = await adapter.apply(rig.document("shop", "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
    await acknowledged(adapter, "shop", newer)
    await adapter.close()
    async with traffic(rig, "shop") as seen:
        _replace_database(rig, copy)
        await asyncio.sleep(2.0)
    assert {(status, side, epoch) for status, side, epoch in seen} == {(200, "b", "e2")}
    reopened = rig.adapter()
    found = await reopened.acknowledged("shop", version)
    assert {one.state for one in found} == {Acknowledgement.REJECTED}
    assert all("newer than the database's" in one.reason for one in found)
    last = await reopened.apply(rig.document("shop", "e3", {"a": 100}), fence=fence(), base=version)
    await acknowledged(reopened, "shop", last)
    await reopened.close()


async def test_unreadable_configuration_sends_nothing(rig: Rig, adapter: EnvoyAdapter) -> None:
    """While it cannot read, a control plane gives a starting Envoy nothing at all; afterwards it gets everything."""
    await _placed(rig, adapter, Fences())
    rig.gateways.write_text("{")
    await asyncio.sleep(4.0)
    rig.kill("edge-2")
    await asyncio.to_thread(rig.start_envoy, "edge-2")
    await asyncio.sleep(0.5)
    async with rig.client() as client:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", rig.port("edge-2"))
        statistics = await client.get(f"http://127.0.0.1:{rig.port('edge-2.admin')}/stats?filter=cds.update_success")
    assert statistics.text.strip().endswith(": 0")
    rig.gateways.write_text(json.dumps({GATEWAY: rig.settings}))
    await serving(rig, "shop", "edge-2", epoch="e1")
