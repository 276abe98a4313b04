# SPDX-License-Identifier: Apache-2.0
"""Configuring applications, clusters and gateways by the API."""

import httpx
import jsonschema
import pytest

from tests.api.conftest import APPLICATION

CLUSTER = {"kind": "Cluster", "name": "mec-c", "driver": "memory"}


async def test_entry_is_created_replaced_read_and_deleted(client: httpx.AsyncClient) -> None:
    """201, then 200; GET answers what was put; 204, then 404."""
    address = "/v1/clusters/mec-c"
    assert (await client.put(address, json=CLUSTER)).status_code == 201
    assert (await client.put(address, json={**CLUSTER, "cordoned": True})).status_code == 200
    assert (await client.get(address)).json()["cordoned"] is True
    assert [one["name"] for one in (await client.get("/v1/clusters")).json()] == ["mec-a", "mec-b", "mec-c"]
    assert (await client.delete(address)).status_code == 204
    assert (await client.get(address)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("clusters/mec-d", CLUSTER, "name"),
        ("clusters/mec-c", {**CLUSTER, "driver": "abacus"}, "driver"),
        ("clusters/mec-c", {**CLUSTER, "settings": {"speed": 1}}, "settings.speed"),
        ("clusters/mec-c", {**CLUSTER, "kind": "Gateway"}, "kind"),
        ("gateways/gw2", {"name": "gw2", "adapter": "abacus"}, "adapter"),
        ("applications/assist", {**APPLICATION, "readiness": {"probes": []}}, "readiness.probes"),
        ("applications/assist", {**APPLICATION, "readiness": {"probes": [{"kind": "abacus"}]}}, "readiness.probes.0"),
        (
            "applications/assist",
            {**APPLICATION, "readiness": {"probes": [{"kind": "http", "port": "ftp"}]}},
            "readiness.probes.0.port",
        ),
        (
            "applications/assist",
            {**APPLICATION, "routes": [{**APPLICATION["routes"][0], "gateways": ["nowhere"]}]},
            "routes.0.gateways",
        ),
        ("applications/assist", {**APPLICATION, "policy": {"steps": [10, 5, 100]}}, "policy.steps"),
    ],
)
async def test_entry_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, object], field: str
) -> None:
    """422 names the field; the parts that an entry names have checked their own settings."""
    answer = await client.put(f"/v1/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_used_entries_are_not_deleted(client: httpx.AsyncClient) -> None:
    """The text says by whom it is used."""
    answer = await client.delete("/v1/gateways/gw")
    assert (answer.status_code, "assist, maps" in answer.json()["detail"]) == (422, True)


async def test_placing_twice_is_refused(client: httpx.AsyncClient) -> None:
    """The first placement answers where it is; the second is a problem."""
    assert (await client.get("/v1/applications/assist/placement")).json()["active"] is None
    placed = await client.put("/v1/applications/assist/placement", json={"cluster": "mec-a"})
    assert (placed.status_code, placed.json()["active"]) == (200, True)
    assert (await client.get("/v1/applications/assist/placement")).json()["active"] == "mec-a"
    again = await client.put("/v1/applications/assist/placement", json={"cluster": "mec-b"})
    assert again.status_code == 422


@pytest.mark.parametrize("kind", ["application", "cluster", "gateway"])
async def test_schemas_are_published(client: httpx.AsyncClient, kind: str) -> None:
    """Each is a schema by which what the API answers is valid."""
    schema = (await client.get(f"/v1/schemas/{kind}")).json()
    jsonschema.Draft202012Validator.check_schema(schema)
    for entry in (await client.get(f"/v1/{kind}s")).json():
        jsonschema.validate(entry, schema)


async def test_unknown_schema_names_the_known(client: httpx.AsyncClient) -> None:
    """404 lists them."""
    answer = await client.get("/v1/schemas/banana")
    assert (answer.status_code, "application, cluster, gateway" in answer.json()["detail"]) == (404, True)
