# SPDX-License-Identifier: Apache-2.0
"""Instances that somebody else runs."""

import asyncio

import pytest

from relocate.clusters.contract import InstanceState, Workload
from relocate.clusters.external import ExternalDriver
from relocate.errors import InvalidRequest, InvalidWorkload
from steering.model import Fence

FENCE = Fence(lease=1, sequence=1)


def workload(**settings):
    """The application's part for this driver."""
    return Workload(application="echo", instance="echo-1", ports=("http",), settings=settings)


def settings(port):
    """A cluster that names one endpoint."""
    return {"endpoints": {"echo": {"http": [{"host": "127.0.0.1", "port": port}]}}, "capacity": {"echo": 50}}


@pytest.fixture
async def server():
    """Somebody else's instance."""
    running = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    yield running
    running.close()


async def test_what_accepts_connections_runs(server):
    """An instance is running when every endpoint accepts a connection."""
    port = server.sockets[0].getsockname()[1]
    driver = ExternalDriver.open("mec-x", settings(port))
    await driver.deploy(workload(), FENCE)
    seen = await driver.observe("echo", "any-name")
    assert (seen.state, seen.capacity) == (InstanceState.RUNNING, 50)
    assert [str(endpoint) for endpoint in seen.endpoints["http"]] == [f"127.0.0.1:{port}"]


async def test_what_refuses_connections_is_unknown_with_the_reason(server):
    """We do not judge what is not ours: refused is unknown, and says why."""
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    seen = await ExternalDriver.open("mec-x", settings(port)).observe("echo", "echo-1")
    assert seen.state is InstanceState.UNKNOWN
    assert str(port) in seen.reason
    assert "refused" in seen.reason.lower()


async def test_remove_changes_nothing_and_nothing_of_ours_is_left(server):
    """Whoever runs the instance ends it."""
    driver = ExternalDriver.open("mec-x", settings(server.sockets[0].getsockname()[1]))
    await driver.remove("echo", "echo-1", FENCE)
    assert await driver.gone("echo", "echo-1") is True
    assert (await driver.observe("echo", "echo-1")).state is InstanceState.RUNNING
    assert driver.describe().deploys is False


async def test_a_port_without_an_endpoint_is_refused_by_name():
    """Plan and deploy name the setting that lacks."""
    driver = ExternalDriver.open("mec-x", {"endpoints": {"other": {"http": [{"host": "127.0.0.1", "port": 1}]}}})
    with pytest.raises(InvalidWorkload, match=r"settings\.endpoints\.echo\.http: .* at least one endpoint"):
        await driver.deploy(workload(), FENCE)
    assert (await driver.plan(workload())).problems
    assert (await driver.observe("echo", "echo-1")).state is InstanceState.ABSENT


async def test_a_workload_that_says_something_is_refused():
    """There is nothing to run, so there is nothing to say."""
    with pytest.raises(InvalidWorkload, match=r"workloads\.external\.command"):
        await ExternalDriver.open("mec-x", settings(1)).deploy(workload(command=["x"]), FENCE)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "settings.endpoints"),
        ({"endpoints": {"echo": {"http": []}}}, "settings.endpoints.echo.http"),
        ({"endpoints": {"echo": {"http": [{"host": "h", "port": 0}]}}}, "settings.endpoints.echo.http.0.port"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(wrong, field):
    """The message names the setting."""
    with pytest.raises(InvalidRequest) as error:
        ExternalDriver.open("mec-x", wrong)
    assert error.value.field == field
