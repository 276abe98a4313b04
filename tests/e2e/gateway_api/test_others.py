# SPDX-License-Identifier: Apache-2.0
"""What others have in the cluster, and what they may do to ours."""

import asyncio
import base64
import time
from pathlib import Path

import pytest
import yaml

from steering.adapters.gateway_api import GatewayApiAdapter
from steering.errors import Conflict, Rejected
from steering.gateway_api.names import HTTP_ROUTE
from steering.kubernetes.api import JSON_PATCH, Api
from steering.kubernetes.errors import Forbidden
from steering.kubernetes.objects import Kind
from tests.envoy.rig import DOMAIN, Fences
from tests.gateway_api.asking import SETTLE_SECONDS, acknowledged, document
from tests.gateway_api.site import Site

ROLE = Path(__file__).parents[3] / "docs/reference/gateway-api-role.yaml"

pytestmark = pytest.mark.timeout(120)


async def test_somebody_elses_change_is_told_and_not_overwritten(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """Who writes from what stood before is refused; who has read the change may replace it."""
    fence = Fences()
    version = await adapter.apply(document(site, route, "e1", {"a": 100, "b": 0}), fence=fence(), base=None)
    weight = [{"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 1}]
    await other.patch(HTTP_ROUTE, site.name, route, weight, JSON_PATCH)
    state = await adapter.read(route)
    assert state is not None
    assert "was changed by somebody-else: rule relocate.production.http.backendRefs[0].weight" in str(state.drift)
    after = document(site, route, "e2", {"a": 0, "b": 100})
    with pytest.raises(Conflict, match="somebody-else"):
        await adapter.apply(after, fence=fence(), base=version)
    assert int(await adapter.apply(after, fence=fence(), base=state.version)) == int(version) + 1
    state = await adapter.read(route)
    assert state is not None
    assert (state.document, state.drift) == (after, None)


async def test_what_others_have_in_the_route_stays(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """Their rules, labels and annotations, also while they change them between our writes."""
    fence = Fences()
    version = await adapter.apply(document(site, route, "e1", {"a": 100}), fence=fence(), base=None)
    theirs = {
        "name": "theirs",
        "matches": [{"path": {"type": "Exact", "value": "/theirs"}}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "other.test", "statusCode": 302}}],
    }
    changes = [
        {"op": "add", "path": "/spec/rules/0", "value": theirs},
        {"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}},
        {"op": "add", "path": "/metadata/annotations/note", "value": "mind the gap"},
    ]
    await other.patch(HTTP_ROUTE, site.name, route, changes, JSON_PATCH)
    before = await other.get(HTTP_ROUTE, site.name, route)
    await adapter.apply(document(site, route, "e2", {"a": 0, "b": 100}), fence=fence(), base=version)
    after = await other.get(HTTP_ROUTE, site.name, route)
    assert after["spec"]["rules"][0] == before["spec"]["rules"][0]
    assert after["metadata"]["labels"] == {"team": "shop"}
    assert after["metadata"]["annotations"]["note"] == "mind the gap"


async def test_a_route_that_is_not_ours_is_refused(
    site: Site, adapter: GatewayApiAdapter, other: Api, route: str
) -> None:
    """Nothing is written to it before it has been adopted; it reads as none of this gateway's."""
    spec = {"parentRefs": [{"name": "edge"}], "hostnames": [f"{route}.{DOMAIN}"]}
    made = {"apiVersion": HTTP_ROUTE.api_version, "kind": HTTP_ROUTE.name, "spec": spec}
    await other.create({**made, "metadata": {"name": route, "namespace": site.name}})
    wanted = document(site, route, "e1", {"a": 100})
    assert "route" in {one.field for one in await adapter.validate(wanted) if one.fatal}
    assert await adapter.read(route) is None
    with pytest.raises(Rejected, match="adopt it first"):
        await adapter.apply(wanted, fence=Fences()(), base=None)
    again = document(site, f"{route}-2", "e1", {"a": 100}, hosts=(f"{route}.{DOMAIN}",))
    assert "hosts" in {one.field for one in await adapter.validate(again) if one.fatal}


async def test_the_published_role_is_enough(site: Site, other: Api, route: str, tmp_path: Path) -> None:
    """With the rights of docs/reference/gateway-api-role.yaml alone everything works, and nothing else may be done."""
    text = ROLE.read_text().replace("apps", site.name).replace("infra", site.name)
    secret = {"kubernetes.io/service-account.name": "edge-relocation"}
    for one in yaml.safe_load_all(text):
        await other.apply(one)
    await other.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/service-account-token",
            "metadata": {"name": "token", "namespace": site.name, "annotations": secret},
        }
    )
    kubeconfig = site.hub.as_bearer(await _token(other, site), tmp_path / "kubeconfig")
    settings = {**site.settings, "connection": {"kind": "kubeconfig", "file": str(kubeconfig)}}
    modest = GatewayApiAdapter.open("edge", settings, database_url="")
    try:
        fence, version = Fences(), None
        for epoch, sides in (("e1", "ab"), ("e2", "b"), ("e3", "b")):
            wanted = document(site, route, epoch, dict.fromkeys(sides, 0) | {"b": 100})
            assert [one for one in await modest.validate(wanted) if one.fatal] == []
            version = await modest.apply(wanted, fence=fence(), base=version)
        assert await modest.follow("b-1", site.backend("b").endpoints)
        await acknowledged(modest, route, version or "")
        with pytest.raises(Forbidden):
            await modest._api.list(Kind("v1", "Secret"), site.name)
    finally:
        await modest.close()


async def _token(other: Api, site: Site) -> str:
    """What the cluster puts into the Secret."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        found = (await other.get(Kind("v1", "Secret"), site.name, "token")).get("data", {})
        if "token" in found:
            return base64.b64decode(found["token"]).decode()
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
