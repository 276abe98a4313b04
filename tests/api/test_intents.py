# SPDX-License-Identifier: Apache-2.0
"""workflowmgr's routes: intents are kept, started, looked at and ended, by its paths and bodies."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.api.memory_dispatch import MemoryDispatch

BASE = "/v2/projects/proj1/composite-apps/capp1/v1/deployment-intent-groups/dig1/temporal-workflow-intents"

APPLIED: Mapping[str, Any] = {
    "metadata": {"description": "description for intent", "name": "move"},
    "spec": {
        "temporal": {
            "workflowClientName": "migrate_workflowclient",
            "workflowParams": {
                "activityOptions": {
                    "all-activities": {
                        "heartbeatTimeout": 5000000,
                        "retryPolicy": {"initialInterval": 10},
                        "startToCloseTimeout": 60000000000,
                    }
                },
                "activityParams": {
                    "all-activities": {
                        "compositeApp": "capp1",
                        "compositeAppVersion": "v1",
                        "deploymentIntentGroup": "dig1",
                        "emcoURL": "http://192.168.1.201:30415",
                        "project": "proj1",
                        "targetClusterName": "cluster2",
                        "targetClusterProvider": "provider2",
                    }
                },
            },
            "workflowStartOptions": {
                "id": "migrate-apps-1",
                "retryPolicy": {"maximumAttempts": 2},
                "taskQueue": "MIGRATION_TASK_Q",
            },
        },
        "workflowClient": {
            "clientEndpointName": "demo-workflowclient.demo.svc.cluster.local",
            "clientEndpointPort": 9090,
        },
    },
}
"""As emcoctl sends the original's sample: keys sorted, in the file's spelling (reference: emco.md 8.2)."""

EMCOCTL = {"User-Agent": "go-resty/2.7.0 (https://github.com/go-resty/resty)", "Accept": "application/json"}
START = {"metadata": {"name": ""}}


def _with(path: str, value: object) -> dict[str, Any]:
    body = copy.deepcopy(dict(APPLIED))
    *parents, key = path.split("/")
    into = body
    for parent in parents:
        into = into[parent]
    into[key] = value
    return body


async def _applied(client: httpx.AsyncClient) -> None:
    assert (await client.post(BASE, json=APPLIED, headers=EMCOCTL)).status_code == 201


async def test_what_emcoctl_applies_is_kept(client: httpx.AsyncClient) -> None:
    """Created with what is stored, read back the same, listed, and gone when deleted."""
    created = await client.post(BASE, json=APPLIED, headers=EMCOCTL)
    assert created.status_code == 201
    stored = created.json()
    assert stored["metadata"] == {
        "name": "move",
        "description": "description for intent",
        "userData1": "",
        "userData2": "",
    }
    assert stored["spec"]["workflowClient"] == APPLIED["spec"]["workflowClient"]
    options = stored["spec"]["temporal"]["workflowStartOptions"]
    assert (options["ID"], options["TaskQueue"], options["RetryPolicy"]["MaximumAttempts"]) == (
        "migrate-apps-1",
        "MIGRATION_TASK_Q",
        2,
    )
    assert (await client.get(f"{BASE}/move")).json() == stored
    assert (await client.get(BASE)).json() == [stored]
    assert (await client.post(BASE, json={**stored, "metadata": {"name": "again"}})).status_code == 201
    assert (await client.delete(f"{BASE}/move")).status_code == 204
    assert [one["metadata"]["name"] for one in (await client.get(BASE)).json()] == ["again"]


async def test_a_group_knows_its_own_intents_only(client: httpx.AsyncClient) -> None:
    """The same name in another group is another intent; a group that nobody knows has none."""
    await _applied(client)
    other = BASE.replace("dig1", "dig2")
    assert (await client.get(other)).json() == []
    assert (await client.get(f"{other}/move")).status_code == 404
    assert (await client.post(other, json=APPLIED)).status_code == 201
    assert (await client.delete(f"{other}/move")).status_code == 204
    assert (await client.get(f"{BASE}/move")).status_code == 200


async def test_a_name_is_taken_once(client: httpx.AsyncClient) -> None:
    """409, where the original answers 500; what is there stays as it is."""
    await _applied(client)
    again = await client.post(BASE, json=_with("metadata/description", "another"))
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-exists")
    assert (await client.get(f"{BASE}/move")).json()["metadata"]["description"] == "description for intent"


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/start"), ("GET", "/status")])
async def test_an_intent_that_is_not_there_is_404(client: httpx.AsyncClient, method: str, path: str) -> None:
    """Where the original answers 500."""
    answer = await client.request(method, f"{BASE}/nope{path}", json=START if method == "POST" else None)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_there_is_no_change_of_an_intent(client: httpx.AsyncClient, method: str) -> None:
    """As in the original: it is deleted and made anew."""
    await _applied(client)
    assert (await client.request(method, f"{BASE}/move", json=APPLIED)).status_code == 405


async def test_start_starts_what_the_intent_says(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """204 and nothing more; again, it is the same workflow."""
    await _applied(client)
    for _ in range(2):
        answer = await client.post(f"{BASE}/move/start", json=START, headers=EMCOCTL)
        assert (answer.status_code, answer.content) == (204, b"")
    (started,) = dispatch.workflows.started.values()
    assert (started.options.id, started.workflow_type) == ("migrate-apps-1", "EmcoMigrateWorkflow")
    assert json.loads(started.argument)["activityOptions"]["all-activities"]["HeartbeatTimeout"] == 5000000


async def test_without_an_id_the_intents_own_path_is_it(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """So a second start is the same workflow, and status and cancel find it; the original starts a random one each time."""
    body = _with("spec/temporal/workflowStartOptions/id", "")
    assert (await client.post(BASE, json=body)).status_code == 201
    await client.post(f"{BASE}/move/start", json=START)
    await client.post(f"{BASE}/move/start", json=START)
    assert list(dispatch.workflows.started) == ["proj1/capp1/v1/dig1/move"]
    assert (await client.get(f"{BASE}/move/status")).json()["workflowID"] == "proj1/capp1/v1/dig1/move"


async def test_status_answers_what_is_asked_for(client: httpx.AsyncClient) -> None:
    """Every flag, with Temporal's address in quotes as the samples have it, and the result that the original leaves out."""
    await _applied(client)
    await client.post(f"{BASE}/move/start", json=START)
    query = (
        "workflowID=migrate-apps-1&runDescribeWfExec=true&waitForResult=true&getWfHistory=true"
        '&temporalServer="192.168.0.33:7233"&queryType=current-state&runID=r1'
    )
    answer = await client.get(f"{BASE}/move/status?{query}", headers=EMCOCTL)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "workflowID": "migrate-apps-1",
            "runID": "r1",
            "workflowExecutionDescription": {"workflow_execution_info": {"status": 1}},
            "workflowHistory": [{"event_id": 1}],
            "workflowResult": {"InParams": {}},
            "workflowQueryResult": "started",
        },
    )


async def test_status_without_flags_says_the_id(client: httpx.AsyncClient) -> None:
    """Taken from the intent, where the original wants it given."""
    await _applied(client)
    await client.post(f"{BASE}/move/start", json=START)
    answer = await client.get(f"{BASE}/move/status")
    assert answer.json() == {"workflowID": "migrate-apps-1", "workflowExecutionDescription": {}}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bogus=1", "query.bogus"),
        ("waitForResult=yes", "query.waitForResult"),
        ("queryType=nope", "query.queryType"),
    ],
)
async def test_a_wrong_status_query_is_400(client: httpx.AsyncClient, query: str, field: str) -> None:
    """With the parameter's name; the original takes a wrong boolean as false."""
    await _applied(client)
    await client.post(f"{BASE}/move/start", json=START)
    answer = await client.get(f"{BASE}/move/status?{query}")
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])


async def test_status_of_what_was_not_started_is_404(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """And 503 while Temporal is away."""
    await _applied(client)
    assert (await client.get(f"{BASE}/move/status?runDescribeWfExec=true")).status_code == 404
    dispatch.workflows.down = True
    assert (await client.get(f"{BASE}/move/status?runDescribeWfExec=true")).status_code == 503
    assert (await client.post(f"{BASE}/move/start", json=START)).status_code == 503


@pytest.mark.parametrize(
    ("spec", "ended"),
    [
        ({"temporalServer": "192.168.0.33:7233"}, ("migrate-apps-1", "", "cancel")),
        ({"temporalServer": "t:1", "runID": "r1"}, ("migrate-apps-1", "r1", "cancel")),
        ({"terminate": True, "reason": "upgrade", "details": [7]}, ("migrate-apps-1", "", "upgrade 7")),
    ],
)
async def test_cancel_ends_the_intents_workflow(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, spec: Mapping[str, Any], ended: tuple[str, ...]
) -> None:
    """By its own means, or at once; emcoctl sends an empty name with it. In emco's main each cancel is a 500."""
    await _applied(client)
    await client.post(f"{BASE}/move/start", json=START)
    answer = await client.post(f"{BASE}/move/cancel", json={"metadata": {"name": ""}, "spec": spec}, headers=EMCOCTL)
    assert (answer.status_code, answer.content) == (204, b"")
    assert dispatch.workflows.ended == [ended]


async def test_what_has_ended_cannot_be_terminated(client: httpx.AsyncClient) -> None:
    """409, where the original answers 500; what never ran is 404."""
    await _applied(client)
    body = {"spec": {"terminate": True}}
    assert (await client.post(f"{BASE}/move/cancel", json=body)).status_code == 404
    await client.post(f"{BASE}/move/start", json=START)
    await client.post(f"{BASE}/move/cancel", json=body)
    assert (await client.post(f"{BASE}/move/cancel", json=body)).status_code == 409


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("metadata/name", "", "metadata.name"),
        ("metadata/name", "-x", "metadata.name"),
        ("metadata/name", "x" * 129, "metadata.name"),
        ("metadata", None, "metadata"),
        ("spec/workflowClient", None, "spec.workflowClient"),
        ("spec/workflowClient/clientEndpointPort", "9090", "spec.workflowClient.clientEndpointPort"),
        ("spec/temporal", None, "spec.temporal"),
        ("spec/temporal/workflowStartOptions", None, "spec.temporal.workflowStartOptions"),
        ("spec/temporal/workflowStartOptions/taskQueue", 7, "spec.temporal.workflowStartOptions.TaskQueue"),
    ],
)
async def test_an_intent_that_makes_no_sense_is_400(
    client: httpx.AsyncClient, path: str, value: object, field: str
) -> None:
    """With the field, and nothing is kept."""
    answer = await client.post(BASE, json=_with(path, value))
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field])
    assert (await client.get(BASE)).json() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"metadata":{"name":"a","NAME":"b"},"spec":{}}'])
@pytest.mark.parametrize("path", ["", "/move/cancel"])
async def test_what_is_no_document_is_400(client: httpx.AsyncClient, path: str, body: bytes) -> None:
    """An empty body, half of one, and a key in two spellings."""
    await _applied(client)
    answer = await client.post(f"{BASE}{path}", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [BASE.replace("proj1", "-"), f"{BASE}/{'x' * 129}"])
async def test_a_path_that_cannot_be_is_400(client: httpx.AsyncClient, path: str) -> None:
    """Names are EMCO's own, up to 128 characters."""
    assert (await client.get(path)).status_code == 400
