# SPDX-License-Identifier: Apache-2.0
"""Who may take configuration from the control plane."""

import asyncio
from collections.abc import Callable

import pytest

from tests.envoy.rig import Fences, Rig
from tests.envoy.traffic import acknowledged, serving


async def test_instance_is_served_only_under_the_name_in_its_certificate(make_rig: Callable[..., Rig]) -> None:
    """Over mTLS an Envoy gets its routes; one that shows somebody else's certificate gets nothing."""
    rig = make_rig(control_tls=True)
    adapter = rig.adapter()
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100}), fence=Fences()(), base=None)
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e1")
    rig.kill("edge-2")
    await asyncio.to_thread(lambda: rig.start_envoy("edge-2", identity="edge-1"))
    await asyncio.sleep(1.0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", rig.port("edge-2"))
    assert "node.id edge-2 is not a name in its certificate (edge-1)" in rig.log("control")
    await adapter.close()
