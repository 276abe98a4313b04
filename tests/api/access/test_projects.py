# SPDX-License-Identifier: Apache-2.0
"""Projects: what is one's own can be used, what is shared can be stood on, and nothing else is there."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.store.database import Database
from tests.api.conftest import APPLICATION
from tests.api.listening import listening
from tests.api.memory_dispatch import MemoryDispatch
from tests.api.test_intents import APPLIED, BASE
from tests.api.test_invoke import SENT
from tests.api.test_ue_events import EVENT

WORKERS = {"name": "shopping_workflowclient", "task_queue": "SHOPPING", "workflow_type": "Shop", "project": "shopping"}
TOKENS: list[dict[str, Any]] = [
    {"name": "root", "token": "token-of-the-operator", "scopes": ["admin"]},
    {"name": "shop-admin", "token": "token-of-the-shop-admin", "scopes": ["admin"], "projects": ["shopping"]},
    {"name": "shop-user", "token": "token-of-the-shop-user", "scopes": ["write"], "projects": ["shopping"]},
    {"name": "both", "token": "token-of-somebody-of-both", "scopes": ["write"], "projects": ["shopping", "default"]},
]
IN_EMCO = {
    "project": "proj1",
    "composite_app": "capp1",
    "composite_app_version": "v1",
    "deployment_intent_group": "dig1",
}


def _shop(name: str = "shop", **changes: Any) -> Application:
    route = {"name": name, "hosts": [f"{name}.test"], "gateways": ["gw"], "ports": [{"name": "http"}]}
    said = {**APPLICATION, "name": name, "project": "shopping", "routes": [route]}
    return Application.model_validate(said | changes)


def _as(name: str) -> dict[str, str]:
    token = next(one["token"] for one in TOKENS if one["name"] == name)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def shopping(catalogue: Database) -> Database:
    """A project `shopping` with an application, a cluster of its own, and one that is shared with it."""
    catalogue.catalogue.put(Gateway(name="gw", adapter="memory", shared_with=("*",)))
    catalogue.catalogue.put(Cluster(name="mec-b", driver="memory", shared_with=("shopping",)))
    catalogue.catalogue.put(Cluster(name="mall", driver="memory", project="shopping"))
    catalogue.catalogue.put(_shop())
    return catalogue


@pytest.fixture
def app(make_app: Callable[..., FastAPI], shopping: Database) -> FastAPI:
    """The API with tokens of one project, of both, and of all."""
    return make_app(tokens=TOKENS, workflow_clients=[WORKERS])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who asks it."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge.example") as client:
        yield client


async def _names(client: httpx.AsyncClient, what: str, caller: str) -> list[str]:
    answer = await client.get(f"/v1/{what}", headers=_as(caller))
    return [one["name"] for one in answer.json()]


async def test_lists_hold_what_is_ones_own_and_what_is_shared(client: httpx.AsyncClient) -> None:
    """Applications of one's projects; clusters and gateways that these may stand on."""
    assert await _names(client, "applications", "shop-user") == ["shop"]
    assert await _names(client, "clusters", "shop-user") == ["mall", "mec-b"]
    assert await _names(client, "gateways", "shop-user") == ["gw"]
    assert await _names(client, "applications", "root") == ["assist", "maps", "shop"]
    assert await _names(client, "clusters", "both") == ["mall", "mec-a", "mec-b"]


async def test_ones_own_application_is_relocated(client: httpx.AsyncClient) -> None:
    """As by anybody; what stands in lists and streams is the project's."""
    answer = await client.post("/relocate", json={"application": "shop", "target": "mec-b"}, headers=_as("shop-user"))
    assert answer.status_code == 202, answer.text
    await client.post("/relocate", json={"application": "assist"}, headers=_as("root"))
    listed = (await client.get("/v1/relocations", headers=_as("shop-user"))).json()["items"]
    assert [one["application"] for one in listed] == ["shop"]
    assert len((await client.get("/v1/relocations", headers=_as("both"))).json()["items"]) == 2
    view = await client.get(answer.headers["location"], headers=_as("shop-user"))
    assert view.json()["application"] == "shop"
    cancelled = await client.post(f"{answer.headers['location']}/cancel", headers=_as("shop-user"))
    assert cancelled.status_code == 202


async def test_a_cluster_that_is_not_shared_is_no_target(client: httpx.AsyncClient) -> None:
    """Neither for those who cannot see it, nor for an operator: the application may not stand there."""
    for caller in ("shop-user", "root"):
        answer = await client.post("/relocate", json={"application": "shop", "target": "mec-a"}, headers=_as(caller))
        assert (answer.status_code, answer.json()["detail"]) == (404, "no cluster is called mec-a")


async def test_a_project_configures_its_applications(client: httpx.AsyncClient, shopping: Database) -> None:
    """Its admin makes, changes and deletes them, in no other project, and nothing that is called like another's."""
    shop = _shop("till").model_dump(mode="json")

    async def put(**changes: Any) -> httpx.Response:
        sent = shop | changes
        return await client.put(f"/v1/applications/{sent['name']}", json=sent, headers=_as("shop-admin"))

    assert [(await put()).status_code, (await put(sharing="shared")).status_code] == [201, 200]
    assert (await put(project="default")).status_code == 404
    taken = await put(name="assist")
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/already-exists")
    assert shopping.catalogue.get(Application, "assist").project == "default"
    assert (await client.delete("/v1/applications/till", headers=_as("shop-admin"))).status_code == 204
    assert (await client.delete("/v1/applications/assist", headers=_as("shop-admin"))).status_code == 404


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("exec", {"argv": ["true"]}),
        ("prometheus", {"url": "http://p.test", "query": "up", "comparison": ">", "threshold": 0}),
    ],
)
async def test_a_project_has_us_ask_its_own_instances_only(
    client: httpx.AsyncClient, kind: str, settings: dict[str, Any]
) -> None:
    """Probes that run programs on our machines, or ask addresses in our network, are the operator's to configure."""
    probe = {"kind": kind, "via": "direct", "settings": settings}
    body = _shop("till", readiness={"probes": [probe]}).model_dump(mode="json")
    answer = await client.put("/v1/applications/till", json=body, headers=_as("shop-admin"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "readiness.probes.0.kind")
    assert (await client.put("/v1/applications/till", json=body, headers=_as("root"))).status_code == 201


async def test_infrastructure_is_for_who_has_all_projects(client: httpx.AsyncClient) -> None:
    """Its settings name files and addresses of our own machines: also a project's own is configured by the operator."""
    body = {"kind": "Cluster", "name": "mall", "driver": "memory", "project": "shopping"}
    answer = await client.put("/v1/clusters/mall", json=body, headers=_as("shop-admin"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert (await client.delete("/v1/clusters/mall", headers=_as("shop-admin"))).status_code == 403
    assert (await client.put("/v1/clusters/mall", json=body, headers=_as("root"))).status_code == 200


async def test_idempotency_keys_of_projects_do_not_meet(client: httpx.AsyncClient) -> None:
    """The same key of two callers stands for two requests; of one caller for one."""
    headers = {"Idempotency-Key": "1"}
    mine = await client.post("/relocate", json={"application": "shop"}, headers=_as("shop-user") | headers)
    theirs = await client.post("/relocate", json={"application": "assist"}, headers=_as("root") | headers)
    again = await client.post("/relocate", json={"application": "shop"}, headers=_as("shop-user") | headers)
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert again.json()["id"] == mine.json()["id"] != theirs.json()["id"]


async def test_the_stream_of_all_is_of_ones_own(app: FastAPI) -> None:
    """Events of other projects are passed over, of the past as of the present."""
    async with listening(app) as address, httpx.AsyncClient(base_url=address, timeout=10) as client:

        async def first(**headers: str) -> str:
            async with client.stream("GET", "/v1/events/stream", headers=_as("shop-user") | headers) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("event: open"):
                        for application in ("assist", "shop"):
                            await client.post("/relocate", json={"application": application}, headers=_as("root"))
                    if line.startswith("data: ") and "relocation" in json.loads(line[6:]):
                        return str(json.loads(line[6:])["data"]["application"])
            raise AssertionError("the stream ended")

        assert await first() == "shop"
        assert await first(**{"Last-Event-ID": "0"}) == "shop"


async def test_an_event_that_was_decided_about_tells_another_project_nothing(client: httpx.AsyncClient) -> None:
    """Source and id of another's event are no way to see what became of it."""
    structured = {"Content-Type": "application/cloudevents+json"}
    assert (await client.post("/v1/events", json=EVENT, headers=_as("root") | structured)).status_code == 202
    mine = {**EVENT, "data": {**EVENT["data"], "app": "shop"}}
    answer = await client.post("/v1/events", json=mine, headers=_as("shop-user") | structured)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-exists")
    assert "assist" not in answer.text


async def _invoked(client: httpx.AsyncClient, caller: str, name: str = "migrate_workflowclient", **start: Any) -> int:
    sent = json.loads(SENT)
    sent["workflowStartOptions"] |= start
    answer = await client.post(f"/invoke/{name}", json=sent, headers=_as(caller))
    return answer.status_code


async def test_emcos_workflows_move_ones_own(
    client: httpx.AsyncClient, shopping: Database, dispatch: MemoryDispatch
) -> None:
    """Whose it is, is kept with the workflow; a group with another's application in it is not there as a whole."""
    assert await _invoked(client, "shop-user") == 404
    shopping.catalogue.put(_shop(workloads={"emco": {**IN_EMCO, "apps": ["web"]}}))
    assert await _invoked(client, "shop-user") == 204
    assert dispatch.workflows.started["migrate-apps-1"].project == "shopping"
    assert await _invoked(client, "root", ID="by-root") == 204
    assert dispatch.workflows.started["by-root"].project == ""
    other = {**APPLICATION, "workloads": {"emco": {**IN_EMCO, "apps": ["db"]}}}
    shopping.catalogue.put(Application.model_validate(other))
    assert await _invoked(client, "shop-user", ID="again") == 404
    assert "again" not in dispatch.workflows.started


@pytest.mark.parametrize("queue", ["MIGRATION_TASK_Q", "RELOCATE_TASK_Q"])
async def test_ours_are_ours_by_whichever_client(
    make_app: Callable[..., FastAPI], shopping: Database, dispatch: MemoryDispatch, queue: str
) -> None:
    """A client whose queue the intent names starts what is called like it: also then others' applications are not there."""
    shopping.catalogue.put(Application.model_validate({**APPLICATION, "workloads": {"emco": IN_EMCO}}))
    free = {"name": "free_workflowclient", "project": "shopping"}
    sent = json.loads(SENT)
    sent["workflowStartOptions"] |= {"ID": "", "TaskQueue": queue}
    sent["workflowParams"]["activityParams"]["all-activities"] |= {
        "emcoOrchEndpoint": "http://emco",
        "targetAppName": "web",
    }
    transport = httpx.ASGITransport(make_app(tokens=TOKENS, workflow_clients=[free]))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://edge.example", headers=_as("shop-user")
    ) as client:
        assert (await client.post("/invoke/free_workflowclient", json=sent)).status_code == 404
    assert dispatch.workflows.started == {}


async def test_somebody_elses_workflows_are_their_projects(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """A workflow client belongs to a project; a workflow id that another has taken is not to be had."""
    assert await _invoked(client, "shop-user", WORKERS["name"], ID="mine") == 204
    assert await _invoked(client, "shop-user", WORKERS["name"], ID="mine") == 204
    assert await _invoked(client, "shop-user", "lcm_workflowclient") == 404
    assert await _invoked(client, "both", "lcm_workflowclient", ID="theirs") == 204
    assert await _invoked(client, "shop-user", WORKERS["name"], ID="theirs") == 409
    assert dispatch.workflows.started["theirs"].project == "default"


async def test_an_intent_reaches_no_workflow_of_another_project(
    client: httpx.AsyncClient, make_app: Callable[..., FastAPI], dispatch: MemoryDispatch
) -> None:
    """Whichever id it names: neither to look at it, nor to cancel or terminate it."""
    tokens = [*TOKENS, {"name": "proj1", "token": "token-of-emcos-proj1", "scopes": ["write"], "projects": ["proj1"]}]
    assert await _invoked(client, "root") == 204
    mine = httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app(tokens=tokens)),
        base_url="http://edge.example",
        headers={"Authorization": "Bearer token-of-emcos-proj1"},
    )
    async with mine:
        assert (await mine.post(BASE, json=APPLIED)).status_code == 201
        assert (await mine.get(f"{BASE}/move/status")).status_code == 404
        for terminates in (False, True):
            spec = {"workflowID": "migrate-apps-1", "terminate": terminates, "reason": "mine"}
            body = {"metadata": {"name": "c"}, "spec": spec}
            assert (await mine.post(f"{BASE}/move/cancel", json=body)).status_code == 404
    assert dispatch.workflows.ended == []
