# SPDX-License-Identifier: Apache-2.0
"""An Envoy with a listener of its own takes only its routes from us."""

import json
from collections.abc import Callable
from typing import Any

from steering.envoy.bootstrap import bootstrap
from steering.envoy.listener import filter_chain
from steering.envoy.settings import GatewaySettings
from steering.model import Endpoint
from tests.envoy.rig import GATEWAY, Fences, Rig, of, told
from tests.envoy.traffic import acknowledged, serving


def _with_own_listener(rig: Rig, body: dict[str, Any]) -> dict[str, Any]:
    """What somebody has already: a TLS listener whose connection manager asks for routes by name, and another path."""
    settings = GatewaySettings.model_validate(rig.settings | {"listener": {}})
    chain = filter_chain(rig.document("shop", "e1", {"a": 100}), settings)
    listener = {
        "name": "theirs",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": rig.port("edge-1")}},
        "listener_filters": [
            {
                "name": "tls",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
                },
            }
        ],
        "filter_chains": [chain],
    }
    body["static_resources"]["listeners"] = [listener]
    del body["dynamic_resources"]["lds_config"]
    return body


async def test_routes_are_served_beside_an_existing_listener(make_rig: Callable[..., Rig]) -> None:
    """Without a listener of ours, a listener that was there carries the route through all its versions, and survives it."""
    rig = make_rig(count=1, extra={"listener": None})
    rig.kill("edge-1")
    adapter, fence = rig.adapter(), Fences()
    version = await adapter.apply(rig.document("shop", "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    body = bootstrap(
        GATEWAY,
        "edge-1",
        control=(Endpoint(host="127.0.0.1", port=rig.port("control")),),
        admin=Endpoint(host="127.0.0.1", port=rig.port("edge-1.admin")),
    )
    rig.run_envoy("edge-1", json.loads(json.dumps(_with_own_listener(rig, body))))
    await acknowledged(adapter, "shop", version)
    await serving(rig, "shop", "edge-1", epoch="e1")
    version = await adapter.apply(rig.document("shop", "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
    await acknowledged(adapter, "shop", version)
    async with rig.client() as client:
        assert told(await client.get(rig.url("edge-1"), **of("shop"))) == (200, "b", "e2")
        await adapter.remove("shop", fence=fence(), base=version)
        while (await client.get(rig.url("edge-1"), **of("shop"))).status_code != 404:
            pass
    await adapter.close()
