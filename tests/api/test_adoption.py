# SPDX-License-Identifier: Apache-2.0
"""What runs already, by the API: looked at, taken over, given back."""

import httpx

from tests.api.memory_dispatch import MemoryDispatch

ADDRESS = "/v1/applications/assist/adoption"


async def test_a_look_changes_nothing(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """It answers what was found, what would change and what stops it."""
    seen = (await client.get(ADDRESS, params={"cluster": "mec-b"})).json()
    assert (seen["parts"], seen["problems"]) == (
        ["Deployment web"],
        ["Deployment web is kept by Argo CD application shop"],
    )
    assert dispatch.actors == []
    assert (await client.get("/v1/applications/assist/placement")).json()["active"] is None


async def test_what_stops_it_refuses_it(client: httpx.AsyncClient) -> None:
    """With the reason, and nothing is placed."""
    refused = await client.put(ADDRESS, json={"cluster": "mec-b"})
    assert (refused.status_code, "Argo CD application shop" in refused.json()["detail"]) == (422, True)
    assert (await client.get("/v1/applications/assist/placement")).json()["active"] is None


async def test_it_is_taken_and_given_back(client: httpx.AsyncClient) -> None:
    """Both answer with what was adopted; a second time there is nothing to give back."""
    taken = (await client.put(ADDRESS, json={"cluster": "mec-a"})).json()
    assert (taken["active"], taken["created_by"]) == (True, "adopt")
    given = (await client.delete(ADDRESS)).json()
    assert given["instance"] == taken["instance"]
    assert (await client.delete(ADDRESS)).status_code == 422


async def test_an_unknown_application_is_not_found(client: httpx.AsyncClient) -> None:
    """404, for a look as for the rest."""
    for answer in (
        await client.get("/v1/applications/nobody/adoption", params={"cluster": "mec-a"}),
        await client.put("/v1/applications/nobody/adoption", json={"cluster": "mec-a"}),
        await client.delete("/v1/applications/nobody/adoption"),
    ):
        assert answer.status_code == 404
