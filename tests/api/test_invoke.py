# SPDX-License-Identifier: Apache-2.0
"""EMCO's workflow client: what workflowmgr sends is started, and what makes no sense is refused with a reason."""

import json
import re
from collections.abc import Callable, Mapping

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings, strategies as st
from prometheus_client import CollectorRegistry

from tests.api.memory_dispatch import MemoryDispatch

SENT = (
    b'{"workflowClientName":"migrate_workflowclient","workflowStartOptions":{"ID":"migrate-apps-1","TaskQueue":"MIGRATION_TASK_Q",'
    b'"WorkflowExecutionTimeout":0,"WorkflowRunTimeout":0,"WorkflowTaskTimeout":0,"WorkflowIDReusePolicy":0,'
    b'"WorkflowExecutionErrorWhenAlreadyStarted":false,"RetryPolicy":{"InitialInterval":0,"BackoffCoefficient":0,'
    b'"MaximumInterval":0,"MaximumAttempts":2,"NonRetryableErrorTypes":null},"CronSchedule":"","Memo":null,'
    b'"SearchAttributes":null},"workflowParams":{"activityOptions":{"all-activities":{"TaskQueue":"",'
    b'"ScheduleToCloseTimeout":0,"ScheduleToStartTimeout":0,"StartToCloseTimeout":60000000000,"HeartbeatTimeout":5000000,'
    b'"WaitForCancellation":false,"ActivityID":"","RetryPolicy":{"InitialInterval":10,"BackoffCoefficient":0,'
    b'"MaximumInterval":0,"MaximumAttempts":0,"NonRetryableErrorTypes":null}}},"activityParams":{"all-activities":'
    b'{"compositeApp":"capp1","compositeAppVersion":"v1","deploymentIntentGroup":"dig1","emcoURL":"http://emco:30415",'
    b'"project":"proj1","targetClusterName":"cluster2","targetClusterProvider":"provider2"}}}}'
)
"""As workflowmgr sends the original's sample (its own bytes, recorded; reference: emco.md 8.1)."""

GO = {"User-Agent": "Go-http-client/1.1", "Content-Type": "application/json", "Accept-Encoding": "gzip"}
NAMES = ("migrate_workflowclient", "relocate_workflowclient", "lcm_workflowclient")


GONE = object()
"""In place of a value: the key goes."""


def _with(path: str, value: object) -> bytes:
    """What is sent, with one value changed; the path's parts are keys."""
    body = json.loads(SENT)
    *parents, key = path.split("/")
    into = body
    for parent in parents:
        into = into[parent]
    if value is GONE:
        del into[key]
    else:
        into[key] = value
    return json.dumps(body).encode()


OPTIONS, PARAMS = "workflowStartOptions", "workflowParams"
ALL = "all-activities"


async def _sent(client: httpx.AsyncClient, body: bytes, name: str = NAMES[0]) -> httpx.Response:
    return await client.post(f"/invoke/{name}", content=body, headers=GO)


async def test_what_workflowmgr_sends_is_started(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """Exactly 204 and no body; Temporal is handed the parameters byte for byte."""
    answer = await _sent(client, SENT)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (answer.headers["workflow-id"], answer.headers["run-id"]) == ("migrate-apps-1", "run-of-migrate-apps-1")
    started = dispatch.workflows.started["migrate-apps-1"]
    assert (started.workflow_type, started.task_queue) == ("EmcoMigrateWorkflow", "MIGRATION_TASK_Q")
    assert started.argument == SENT[SENT.index(b'"workflowParams":') + len(b'"workflowParams":') : -1]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{OPTIONS}/RetryPolicy", None),
        (f"{OPTIONS}/RetryPolicy", {}),
        (f"{OPTIONS}/ID", ""),
        (f"{OPTIONS}/TaskQueue", ""),
        (f"{OPTIONS}/WorkflowRunTimeout", "1h30m"),
        (f"{PARAMS}/activityOptions", GONE),
        (f"{PARAMS}/activityOptions/{ALL}/RetryPolicy", None),
        (f"{PARAMS}/activityOptions/{ALL}/RetryPolicy", {}),
        (f"{PARAMS}/activityOptions/{ALL}/HeartbeatTimeout", "5ms"),
        ("workflowClientName", ""),
        ("unknown", {"key": [1]}),
    ],
)
async def test_every_variant_that_occurs_is_started(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, path: str, value: object
) -> None:
    """Nulls, absent options, an empty id, any capitals, unknown keys, and durations in words."""
    assert (await _sent(client, _with(path, value))).status_code == 204
    assert len(dispatch.workflows.started) == 1


async def test_keys_match_in_any_capitals(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """As Go reads them; what stands in a map is left as it is, and all is handed on in Go's own spelling."""
    fields, in_map = SENT.split(b'"all-activities":{"compositeApp"')
    shouted = re.sub(rb'"[a-zA-Z]+":', lambda key: key[0].upper(), fields)
    assert (await _sent(client, shouted + b'"all-activities":{"compositeApp"' + in_map)).status_code == 204
    assert dispatch.workflows.started["migrate-apps-1"].argument == SENT[SENT.index(b'{"activityOptions') : -1]


async def test_the_same_id_again_starts_nothing(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """Answered as the first time, unless the options say that this is an error."""
    first, second = await _sent(client, SENT), await _sent(client, SENT)
    assert (second.status_code, second.headers["run-id"]) == (204, first.headers["run-id"])
    third = await _sent(client, _with(f"{OPTIONS}/WorkflowExecutionErrorWhenAlreadyStarted", True))
    assert (third.status_code, third.json()["type"]) == (409, "/problems/already-started")
    assert len(dispatch.workflows.started) == 1


@pytest.mark.parametrize(
    ("options", "kind", "queue"),
    [
        ({"name": "approve", "task_queue": "APPROVE_Q", "workflow_type": "Approve"}, "Approve", "APPROVE_Q"),
        ({"name": "approve", "workflow_type": "Approve"}, "Approve", "MIGRATION_TASK_Q"),
        ({"name": "approve"}, "MIGRATION_TASK_Q", "MIGRATION_TASK_Q"),
    ],
)
async def test_configured_names_start_what_is_somebody_elses(
    make_app: Callable[..., FastAPI], dispatch: MemoryDispatch, options: Mapping[str, str], kind: str, queue: str
) -> None:
    """A workflow of any type, on any queue; without a type it is called as its queue. Its parameters are its own business."""
    body = _with(PARAMS, {})
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app(workflow_clients=[options])), base_url="http://localhost"
    ) as client:
        assert (await _sent(client, body, "approve")).status_code == 204
    (started,) = dispatch.workflows.started.values()
    assert (started.workflow_type, started.task_queue, started.argument) == (kind, queue, b"{}")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (OPTIONS, GONE, OPTIONS),
        (f"{OPTIONS}/id", "another", OPTIONS),
        (f"{OPTIONS}/TaskQueue", 7, f"{OPTIONS}.TaskQueue"),
        (f"{OPTIONS}/WorkflowRunTimeout", 1.5, f"{OPTIONS}.WorkflowRunTimeout"),
        (f"{OPTIONS}/WorkflowRunTimeout", True, f"{OPTIONS}.WorkflowRunTimeout"),
        (f"{OPTIONS}/WorkflowRunTimeout", "soon", f"{OPTIONS}.WorkflowRunTimeout"),
        (f"{OPTIONS}/WorkflowIDReusePolicy", 9, f"{OPTIONS}.WorkflowIDReusePolicy"),
        (f"{OPTIONS}/RetryPolicy/MaximumAttempts", 2**31, f"{OPTIONS}.RetryPolicy.MaximumAttempts"),
        (f"{OPTIONS}/Memo", [], f"{OPTIONS}.Memo"),
        (PARAMS, {}, f"{PARAMS}.activityParams"),
        (f"{PARAMS}/activityParams/{ALL}/project", GONE, f"{PARAMS}.activityParams.{ALL}"),
        (f"{PARAMS}/activityParams/{ALL}/project", "", f"{PARAMS}.activityParams.{ALL}"),
        (f"{PARAMS}/activityParams/{ALL}/project", 7, f"{PARAMS}.activityParams.{ALL}.project"),
        (f"{PARAMS}/activityOptions/Nope", {}, f"{PARAMS}.activityOptions"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, path: str, value: object, field: str
) -> None:
    """400 with the field as it stands on the wire, and nothing is started: never a 204 that does nothing."""
    answer = await _sent(client, _with(path, value))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert dispatch.workflows.started == {}


@pytest.mark.parametrize("body", [b"", b"{", SENT[:500], b"null", b"[]", b'"text"', b"\xff", b"{" * 100 + b"}" * 100])
async def test_what_is_no_spec_is_refused(client: httpx.AsyncClient, dispatch: MemoryDispatch, body: bytes) -> None:
    """The original answers an empty body and half of one with 204, and starts a run that fails."""
    answer = await _sent(client, body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert dispatch.workflows.started == {}


async def test_ten_megabytes_are_too_many(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """413, as everywhere."""
    answer = await _sent(client, _with("more", "x" * 10_000_000))
    assert answer.status_code == 413
    assert dispatch.workflows.started == {}


@pytest.mark.parametrize("path", ["/invoke/nobody", "/invoke/", "/invoke", "/invoke/a/b"])
async def test_an_unknown_name_is_404(client: httpx.AsyncClient, dispatch: MemoryDispatch, path: str) -> None:
    """With the names that there are, where it is a name at all."""
    answer = await client.post(path, content=SENT, headers=GO)
    assert answer.status_code == 404
    if path == "/invoke/nobody":
        assert all(name in answer.json()["detail"] for name in NAMES)
    assert dispatch.workflows.started == {}


async def test_without_temporal_it_is_503(client: httpx.AsyncClient, dispatch: MemoryDispatch) -> None:
    """It says that nothing was started."""
    dispatch.workflows.down = True
    answer = await _sent(client, SENT)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/engine-unavailable")
    assert "not started" in answer.json()["detail"]


async def test_what_became_of_each_is_counted(
    app: FastAPI, client: httpx.AsyncClient, dispatch: MemoryDispatch
) -> None:
    """By workflow client and result; a name that nobody knows makes no series of its own."""
    await _sent(client, SENT)
    await _sent(client, SENT)
    await _sent(client, SENT, "nobody")
    dispatch.workflows.down = True
    await _sent(client, SENT)
    registry: CollectorRegistry = app.state.registry

    def counted(name: str, result: str) -> float | None:
        return registry.get_sample_value("relocate_workflow_invocations_total", {"client": name, "result": result})

    assert [counted(NAMES[0], result) for result in ("started", "already", "refused", "unavailable")] == [1, 1, 0, 1]
    assert counted("", "refused") == 1
    assert counted("nobody", "refused") is None


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(SENT) - 1), byte=st.integers(0, 255))
async def test_no_byte_makes_it_fail(client: httpx.AsyncClient, cut: int, byte: int) -> None:
    """Whatever one byte of the request is changed to, it is started or refused, and never a 500."""
    answer = await _sent(client, SENT[:cut] + bytes([byte]) + SENT[cut + 1 :])
    assert answer.status_code in (204, 400)
