# SPDX-License-Identifier: Apache-2.0
"""When several want the same application moved, or one asks twice, all at once and through two API processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx
import pytest_asyncio

from relocate.demo.processes import free_ports, listens, own_command
from relocate.demo.system import System
from tests.drills.move import Move
from tests.drills.scene import B, Scene

Stage = Callable[..., Awaitable[Scene]]
Ask = Callable[..., Awaitable[httpx.Response]]
TIMES = 8


@pytest_asyncio.fixture(loop_scope="session")
async def apis(system: System) -> AsyncIterator[Sequence[httpx.AsyncClient]]:
    """Clients of two API processes on the same database."""
    port, metrics = free_ports(2)
    environment = {"RELOCATE_API_PORT": str(port), "RELOCATE_METRICS_PORT": str(metrics)}
    await system.processes.start("second-api", own_command("api"), environment=environment)
    await system.processes.wait_for("second-api", lambda: listens(port))
    second = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)
    async with system.client() as first, second:
        yield first, second
    await system.processes.stop("second-api")


async def test_when_different_requests_for_one_application_come_at_once_one_is_accepted(
    stage: Stage, apis: Sequence[httpx.AsyncClient]
) -> None:
    """The others hear 409 with the address of the one that runs; the application moves once."""
    scene = await stage()
    answers = await at_once(apis, [({**wanted(scene), "reason": f"caller {n}"}, None) for n in range(TIMES)])
    assert sorted(answer.status_code for answer in answers) == [202, *[409] * (TIMES - 1)]
    (accepted,) = (answer for answer in answers if answer.status_code == 202)
    for refused in (answer.json() for answer in answers if answer.status_code == 409):
        assert refused["type"] == "/problems/already-relocating"
        assert refused["relocation"] == accepted.headers["location"]
    await moved_once(scene, apis[0], accepted)


async def test_when_the_same_request_comes_many_times_at_once_it_is_one_relocation(
    stage: Stage, apis: Sequence[httpx.AsyncClient]
) -> None:
    """Under one Idempotency-Key all hear the same; the same key with another body is refused, whoever comes first."""
    scene = await stage()
    same, other = wanted(scene), {**wanted(scene), "reason": "another body"}
    answers = await at_once(apis, [(same, scene.name)] * TIMES)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    reused = await at_once(apis, [(other, scene.name)] * 2)
    assert {answer.status_code for answer in reused} == {422}
    assert {answer.json()["type"] for answer in reused} == {"/problems/idempotency-key-reused"}
    await moved_once(scene, apis[0], answers[0])


async def test_when_one_key_comes_with_two_bodies_at_once_one_of_them_counts(
    stage: Stage, apis: Sequence[httpx.AsyncClient]
) -> None:
    """All with the body that was first hear the same; all with the other one are refused."""
    scene = await stage()
    bodies = [{**wanted(scene), "reason": f"body {n % 2}"} for n in range(TIMES)]
    answers = await at_once(apis, [(body, scene.name) for body in bodies])
    found = {(answer.status_code, body["reason"]) for answer, body in zip(answers, bodies, strict=True)}
    assert found in ({(202, "body 0"), (422, "body 1")}, {(202, "body 1"), (422, "body 0")})
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert len({answer.json()["id"] for answer in accepted}) == 1
    await moved_once(scene, apis[0], accepted[0])


def wanted(scene: Scene) -> dict[str, Any]:
    """The application, on mec-b."""
    return {"application": scene.name, "target": B}


async def at_once(
    apis: Sequence[httpx.AsyncClient], asked: Sequence[tuple[Mapping[str, Any], str | None]]
) -> Sequence[httpx.Response]:
    """Ask all of it at the same moment, each with its key if it has one, taking turns between the processes."""
    return await asyncio.gather(
        *(
            apis[n % len(apis)].post("/relocate", json=body, headers={"idempotency-key": key} if key else {})
            for n, (body, key) in enumerate(asked)
        )
    )


async def moved_once(scene: Scene, api: httpx.AsyncClient, accepted: httpx.Response) -> None:
    """The accepted request completes, and there was no other relocation of this application."""
    move = Move(api, accepted.json()["id"])
    await scene.completed(move)
    listed = (await api.get("/v1/relocations", params={"application": scene.name})).json()["items"]
    assert [one["id"] for one in listed] == [move.id]
    (await scene.losses()).none()
