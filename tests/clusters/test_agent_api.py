# SPDX-License-Identifier: Apache-2.0
"""The agent's API against callers that are wrong, early, or strangers."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from relocate.clusters.contract import InstanceState
from relocate.clusters.process import ProcessDriver
from relocate.clusters.process.agent import run_agent
from relocate.clusters.process.instance import INHERITED
from relocate.errors import ClusterUnavailable, InvalidRequest, InvalidWorkload
from steering.model import Fence


async def test_many_deploys_at_once_make_one_instance(process):
    """Deploys of one name at the same moment are the same instance."""
    workload = process.workload("echo-1")
    await asyncio.gather(*(process.driver.deploy(workload, Fence(lease=1, sequence=1)) for _ in range(5)))
    await process.reaches("echo-1", InstanceState.RUNNING)


async def test_instances_get_ports_of_their_own(process):
    """No two instances share a port, and a port is not given again after its instance is gone."""
    seen = set()
    for name in ("echo-1", "echo-2", "echo-3"):
        await process.deploy(process.workload(name))
        seen.add((await process.driver.observe("echo", name)).endpoints["http"][0].port)
        await process.remove(name)
        await process.is_gone(name)
    assert len(seen) == 3


async def test_a_name_is_not_free_while_its_instance_is_being_removed(process):
    """A deploy during the removal may be asked again later; it never joins an instance that ends."""
    await process.deploy(process.workload("echo-1", "stubborn", grace_seconds=0.3))
    await process.reaches("echo-1", InstanceState.RUNNING)
    await process.remove("echo-1")
    with pytest.raises(ClusterUnavailable, match="is being removed"):
        await process.deploy(process.workload("echo-1", "stubborn", grace_seconds=0.3))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"command": []}, "workloads.process.command"),
        ({"command": "sleep 1"}, "workloads.process.command"),
        ({"command": ["no-such-program-here"]}, "workloads.process.command"),
        ({"command": ["{python}"], "env": {"A": 1}}, "workloads.process.env.A"),
        ({"command": ["{python}"], "grace_seconds": -1}, "workloads.process.grace_seconds"),
        ({"command": ["{python}"], "restart": "always"}, "workloads.process.restart"),
        ({"command": ["{python}"], "image": "x"}, "workloads.process.image"),
        ({}, "workloads.process.command"),
    ],
)
async def test_a_field_that_makes_no_sense_is_named(process, settings, field):
    """Each wrong field is named by its path, before anything runs."""
    workload = process.workload("echo-1").model_copy(update={"settings": settings})
    with pytest.raises(InvalidWorkload) as error:
        await process.deploy(workload)
    assert error.value.field == field
    assert str(error.value).startswith(field)
    assert (await process.driver.observe("echo", "echo-1")).state is InstanceState.ABSENT


async def test_a_placeholder_for_a_port_that_is_not_there_is_refused(process):
    """The message names the place, the placeholder, and the ports that there are."""
    with pytest.raises(InvalidWorkload, match=r"command\.4: \{port:http\} names no port; .* have grpc"):
        await process.deploy(process.workload("echo-1", ports=("grpc",)))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "", "x" * 129])
async def test_a_name_that_could_leave_the_log_directory_is_refused(process, name):
    """Instance names are checked: they become names of files."""
    with pytest.raises((InvalidWorkload, ClusterUnavailable)):
        await process.deploy(process.workload(name))


async def test_without_the_token_nothing_is_answered(start_agent):
    """An agent with a token refuses callers that lack it, and serves those that have it."""
    agent = start_agent(token="secret")  # noqa: S106 - a test's own
    for settings in ({}, {"token": "wrong"}):
        driver = ProcessDriver.open("mec-a", {"url": agent.url} | settings)
        with pytest.raises(ClusterUnavailable, match=r"answered 401.*wants its token"):
            await driver.observe("echo", "echo-1")
        await driver.close()
    driver = ProcessDriver.open("mec-a", {"url": agent.url, "token": "secret"})
    assert (await driver.observe("echo", "echo-1")).state is InstanceState.ABSENT
    await driver.close()


async def test_a_token_may_stand_in_a_file(start_agent, tmp_path):
    """The driver reads it there, and says which field is wrong when it cannot."""
    agent = start_agent(token="secret")  # noqa: S106 - a test's own
    file = tmp_path / "token"
    with pytest.raises(InvalidRequest, match=r"settings\.token_file: .*No such file"):
        ProcessDriver.open("mec-a", {"url": agent.url, "token_file": str(file)})
    file.write_text("secret\n")
    driver = ProcessDriver.open("mec-a", {"url": agent.url, "token_file": str(file)})
    assert (await driver.observe("echo", "echo-1")).state is InstanceState.ABSENT
    await driver.close()


async def test_a_name_that_somebody_else_controls_does_not_lead_to_the_agent(agent):
    """A page that resolves its own name to loopback (DNS rebinding) is refused."""
    async with httpx.AsyncClient(base_url=agent.url) as client:
        answer = await client.get("/instances", headers={"host": "evil.example"})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[]", 422),
        (b'{"ports": [], "workload": {"command": ["a"]}, "more": 1}', 422),
        (b"x" * 300_000, 422),
    ],
)
async def test_a_body_that_is_no_order_is_refused(agent, body, status):
    """Broken, wrong, and oversized bodies are answered with what is wrong."""
    async with httpx.AsyncClient(base_url=agent.url) as client:
        answer = await client.put("/instances/echo/echo-1", content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]


async def test_the_list_has_every_instance(process, agent):
    """Instances are listed by name with their state."""
    for name in ("echo-2", "echo-1"):
        await process.deploy(process.workload(name))
        await process.reaches(name, InstanceState.RUNNING)
    async with httpx.AsyncClient(base_url=agent.url) as client:
        listed = (await client.get("/instances")).json()
    assert [(status["instance"], status["state"]) for status in listed] == [
        ("echo-1", "running"),
        ("echo-2", "running"),
    ]


def environment_of(process):
    """A process's environment as it was started with it."""
    entries = Path(f"/proc/{process}/environ").read_text().split("\0")
    return dict(entry.partition("=")[::2] for entry in entries if entry)


async def test_an_instance_knows_its_name_and_gets_nothing_secret(process, family):
    """The environment has RELOCATE_* and the workload's own, and of the agent's nothing but PATH and the like."""
    await process.deploy(process.workload("echo-1", env={"PORT": "{port:http}"}))
    await process.reaches("echo-1", InstanceState.RUNNING)
    port = (await process.driver.observe("echo", "echo-1")).endpoints["http"][0].port
    environment = environment_of((await family(process, "echo-1"))[0])
    mark = environment.pop("RELOCATE_MARK")
    ours = {name: value for name, value in environment.items() if name.startswith("RELOCATE_") or name == "PORT"}
    assert ours == {
        "RELOCATE_INSTANCE": "echo-1",
        "RELOCATE_CLUSTER": "mec-a",
        "RELOCATE_PORT_HTTP": str(port),
        "PORT": str(port),
    }
    assert mark.endswith("/echo/echo-1")
    assert set(environment) <= {*ours, *INHERITED, "LC_CTYPE"}


async def test_something_else_at_the_address_is_not_taken_for_an_agent():
    """A server that answers in another language is unavailable, not an absent instance."""
    answered = asyncio.Event()

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()
        answered.set()

    stranger = await asyncio.start_server(answer, "127.0.0.1", 0)
    driver = ProcessDriver.open("mec-a", {"url": f"http://127.0.0.1:{stranger.sockets[0].getsockname()[1]}"})
    with pytest.raises(ClusterUnavailable, match="is no agent"):
        await driver.observe("echo", "echo-1")
    await driver.close()
    stranger.close()
    await answered.wait()


async def test_an_agent_that_does_not_answer_is_unavailable():
    """A call ends with its time-out, not with the caller's patience."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        driver = ProcessDriver.open("mec-a", {"url": url, "timeout_seconds": 0.1})
        with pytest.raises(ClusterUnavailable, match="cannot be asked: ReadTimeout"):
            await driver.observe("echo", "echo-1")
        await driver.close()


@pytest.mark.parametrize(("host", "text"), [("0.0.0.0", "is not loopback"), ("edge.example", "is not loopback")])
def test_an_agent_without_a_token_listens_on_loopback_only(tmp_path, host, text):
    """Another address is refused before anything is made."""
    with pytest.raises(InvalidRequest, match=text):
        run_agent("mec-a", host, 0, tmp_path / "agent")
    assert not (tmp_path / "agent").exists()


@pytest.mark.parametrize("fence", ["", "3", "3.", "a.b", "3.12.1", "-1.2", "1.2 "])
async def test_an_order_without_a_fence_is_refused_in_words(process, agent, fence):
    """What changes something says under which fence; the answer says how."""
    await process.deploy(process.workload("echo-1"))
    async with httpx.AsyncClient(base_url=agent.url) as client:
        answers = [
            await client.delete("/instances/echo/echo-1", params={"fence": fence}),
            await client.post("/instances/echo/echo-1/fence", params={"fence": fence}),
        ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert {answer.json()["detail"][:26] for answer in answers} == {"fence: must be LEASE.SEQUE"}
    await process.reaches("echo-1", InstanceState.RUNNING)
