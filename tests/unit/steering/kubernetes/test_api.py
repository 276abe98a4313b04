# SPDX-License-Identifier: Apache-2.0
"""What an API server may answer, or not, and what becomes of it: against a server that says what the test wants."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from relocate.demo.processes import free_ports
from steering.kubernetes.api import Api
from steering.kubernetes.connection import Kubeconfig
from steering.kubernetes.errors import (
    Conflict,
    Exists,
    Expired,
    FieldConflict,
    Forbidden,
    Invalid,
    KubernetesError,
    NotFound,
    Unauthorized,
    Unreachable,
)
from steering.kubernetes.objects import Kind
from tests.unit.steering.kubernetes.server import Server, kubeconfig

PODS, POD = "/api/v1/namespaces/apps/pods", Kind("v1", "Pod")


async def test_an_object_is_applied_under_our_name_and_never_forced(api: Api, server: Server) -> None:
    """Server-side apply, with the object's own namespace and name."""
    server.say(200, {"kind": "Pod"})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "echo", "namespace": "apps"}}
    assert await api.apply(pod, dry_run=True) == {"kind": "Pod"}
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.content_type) == ("PATCH", f"{PODS}/echo", "application/apply-patch+yaml")
    assert dict(asked.query) == {"fieldManager": "test", "force": "false", "dryRun": "All"}


async def test_a_list_says_of_each_item_what_it_is(api: Api, server: Server) -> None:
    """And the version from which a watch goes on."""
    server.say(200, {"items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "7"}})
    found = await api.list(POD, "apps", labels="app=echo")
    assert found.items == [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]
    assert found.resource_version == "7"
    assert server.asked[0].query["labelSelector"] == "app=echo"


async def test_later_is_heeded(api: Api, server: Server) -> None:
    """429 with `Retry-After`: it is asked again after that time, a write too."""
    server.say(429, Retry_After="0.05")
    server.say(200, {"kind": "Pod"})
    await api.patch(POD, "apps", "echo", {})
    assert len(server.asked) == 2


async def test_a_write_that_failed_inside_is_not_sent_again(api: Api, server: Server) -> None:
    """It may have been done; a read is asked again."""
    server.say(500, {"message": "etcdserver: request timed out"})
    with pytest.raises(Unreachable, match="request timed out"):
        await api.patch(POD, "apps", "echo", {})
    assert len(server.asked) == 1
    server.say(200, {"kind": "Pod"})
    assert await api.get(POD, "apps", "echo") == {"kind": "Pod"}


async def test_a_server_that_always_says_later_is_given_up(api: Api, server: Server) -> None:
    """When the call's time is up."""
    server.say(503, Retry_After="1")
    with pytest.raises(Unreachable, match=r"GET .*/pods/echo: no answer within 2 s"):
        await api.get(POD, "apps", "echo")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {}, Invalid),
        (403, {"message": "cannot get pods"}, Forbidden),
        (404, {}, NotFound),
        (409, {"reason": "AlreadyExists"}, Exists),
        (409, {"reason": "Conflict"}, Conflict),
        (410, {}, Expired),
        (422, {}, Invalid),
    ],
)
async def test_each_refusal_has_an_error_of_its_own(
    api: Api, server: Server, status: int, body: Any, error: type[KubernetesError]
) -> None:
    """With the server's own words."""
    server.say(status, body)
    with pytest.raises(error, match=body.get("message") or f"the API server answered {status}"):
        await api.get(POD, "apps", "echo")


async def test_what_forbids_while_it_starts_is_asked_again_when_it_has_started(api: Api, server: Server) -> None:
    """It has not read its roles yet: `/readyz` is forbidden too, then not ready. A write is safe to repeat, as none was done."""
    server.ready = [403, 500, 200]
    server.say(403, {"message": "cannot patch pods"})
    server.say(200, {"kind": "Pod"})
    assert await api.patch(POD, "apps", "echo", {}) == {"kind": "Pod"}
    assert server.ready == [200]


async def test_a_watch_that_is_forbidden_while_the_server_starts_goes_on(api: Api, server: Server) -> None:
    """As any other request."""
    server.ready = [500, 200]
    server.say(403, {"message": "cannot watch pods"})
    server.say(200, [{"type": "ADDED", "object": {"metadata": {"name": "a"}}}])
    assert (await anext(api.watch(POD, "apps", since="7"))).type == "ADDED"


async def test_a_server_that_hides_whether_it_has_started_is_believed_after_a_while(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it forbids is forbidden, and not "no answer"."""
    monkeypatch.setattr("steering.kubernetes.api.STARTING_SECONDS", 0.3)
    server.ready = [403]
    server.say(403, {"message": "cannot get pods"})
    with pytest.raises(Forbidden, match="cannot get pods"):
        await api.get(POD, "apps", "echo")


async def test_who_owns_a_field_is_told(api: Api, server: Server) -> None:
    """A conflict of field managers names each field and its owner."""
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.replicas"}
    server.say(409, {"reason": "Conflict", "message": "Apply failed", "details": {"causes": [cause]}})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "echo", "namespace": "apps"}}
    with pytest.raises(FieldConflict) as refused:
        await api.apply(pod)
    assert refused.value.fields == {".spec.replicas": 'conflict with "kubectl"'}


async def test_credentials_that_were_replaced_are_read_anew(api: Api, server: Server, tmp_path: Path) -> None:
    """Once: what is still not known is told."""
    server.say(200, {"kind": "Pod"})
    await api.get(POD, "apps", "echo")
    server.token = "new"  # noqa: S105 - a test's
    with pytest.raises(Unauthorized):
        await api.get(POD, "apps", "echo")
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace("right", "new"))
    assert await api.get(POD, "apps", "echo") == {"kind": "Pod"}


async def test_a_watch_ends_with_the_credentials_that_it_was_opened_with(
    api: Api, server: Server, tmp_path: Path
) -> None:
    """Its connection goes with them: whoever listens is told at once, and does not wait for what never comes."""
    server.streams = True
    server.say(200, [{"type": "ADDED", "object": {"metadata": {"name": "a"}}}])
    server.say(200, {})
    told = api.watch(POD, "apps", since="7")
    await anext(told)
    more = asyncio.ensure_future(anext(told))
    server.token = "new"  # noqa: S105 - a test's
    file = tmp_path / "kubeconfig"
    file.write_text(file.read_text().replace("right", "new"))
    await api.ping()
    with pytest.raises(Unreachable):
        await asyncio.wait_for(more, 2)


async def test_a_close_that_is_broken_off_leaves_no_closed_client_behind(api: Api, server: Server) -> None:
    """A step that is cancelled while credentials are read anew takes nobody else's connection with it."""
    server.say(200, {"kind": "Pod"})
    await api.get(POD, "apps", "echo")
    closing = asyncio.ensure_future(api.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    assert await api.get(POD, "apps", "echo") == {"kind": "Pod"}


async def test_a_kind_that_the_cluster_does_not_have_is_named(api: Api) -> None:
    """Before anything is asked of it."""
    with pytest.raises(NotFound, match="the cluster has no kind Tunnel in v1"):
        await api.get(Kind("v1", "Tunnel"), "apps", "t")


async def test_a_watch_tells_what_changes_and_when_it_is_too_far_behind(api: Api, server: Server) -> None:
    """Events in order; an error among them is raised."""
    event = {"type": "ADDED", "object": {"metadata": {"name": "a"}}}
    server.say(200, [event, {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}])
    told = api.watch(POD, "apps", since="7")
    assert (await anext(told)).type == "ADDED"
    with pytest.raises(Expired, match="too old"):
        await anext(told)
    assert server.asked[0].query["resourceVersion"] == "7"


async def test_nobody_there_is_unreachable(tmp_path: Path) -> None:
    """With the address, so that one knows where to look."""
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(kubeconfig(f"http://127.0.0.1:{free_ports(1)[0]}", "t")))
    api = Api(Kubeconfig(file=file), manager="test", seconds=2.0)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        await api.get(POD, "apps", "echo")
    await api.close()


async def test_a_kubeconfig_that_is_missing_is_told(tmp_path: Path) -> None:
    """By its name."""
    api = Api(Kubeconfig(file=tmp_path / "none"), manager="test")
    with pytest.raises(Unauthorized, match=r"no credentials: .*none"):
        await api.get(POD, "apps", "echo")
