# SPDX-License-Identifier: Apache-2.0
"""Bad input: a problem that names the field and what is allowed; nothing is started, and nothing is a 500."""

import json
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from api.problems import KINDS, reference
from api.strict_json import NotJson, parse
from relocate.store.database import Database
from tests.api.memory_dispatch import MemoryDispatch

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "application"),
        ({"application": "Assist"}, "application"),
        ({"application": 7}, "application"),
        ({"application": "assist", "target": "mec-b", "speed": 3}, "speed"),
        ({"application": "assist", "candidates": []}, "candidates"),
        ({"application": "assist", "options": {"bake_seconds": -1}}, "options.bake_seconds"),
        ({"application": "assist", "options": {"drain": {"deadline_seconds": 1e9}}}, "options.drain.deadline_seconds"),
        ({"application": "assist", "options": {"steps": [1, 50]}}, "options.steps"),
        ({"application": "assist", "source": "mec-a", "target": "mec-a"}, "target"),
        ({"application": "assist", "target": "mec-b", "candidates": ["mec-b"]}, "target"),
        ({"application": "assist", "ue": {"type": "SHOE_SIZE", "value": "44"}}, "ue.type"),
        ([], "body"),
        (None, "body"),
    ],
)
async def test_wrong_field_is_named(client: httpx.AsyncClient, database: Database, body: object, field: str) -> None:
    """422 with the dotted field, and nothing is kept."""
    answer = await client.post("/relocate", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "/problems/invalid-request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in problem["errors"]]
    assert database.relocations.list() == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "line 1, column 2"),
        (b'{"application": NaN}', "NaN"),
        (b'{"application": 1e999}', "too large"),
        (b'{"application": ' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"application": "a\\u0000"}', "NUL"),
        (b'{"application": "\\ud800"}', "surrogate"),
        (b'{"application": "a", "application": "b"}', "twice"),
        (b"[" * 5000 + b"]" * 5000, "deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
async def test_body_that_is_not_json_is_refused(client: httpx.AsyncClient, body: bytes, says: str) -> None:
    """400 says where or why."""
    answer = await client.post("/relocate", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/not-json")
    assert says in answer.json()["detail"]


async def test_large_body_is_refused_whether_announced_or_not(client: httpx.AsyncClient) -> None:
    """413 by the announced length, and by counting when none is announced."""
    announced = await client.post("/relocate", content=b" " * 1_048_577, headers=JSON)

    async def chunks():
        for _ in range(20):
            yield b" " * 65_536

    counted = await client.post("/relocate", content=chunks(), headers=JSON)
    assert [one.status_code for one in (announced, counted)] == [413, 413]
    assert announced.json()["type"] == "/problems/body-too-large"


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
async def test_other_media_types_are_refused(client: httpx.AsyncClient, media_type: str) -> None:
    """415 says what to send."""
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client.post("/relocate", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")


@pytest.mark.parametrize("identity", ["%00", "a%0Ab", "x" * 65, "-a", "a b", "%F0%9F%92%A9"])
async def test_malformed_id_is_refused(client: httpx.AsyncClient, identity: str) -> None:
    """422 names the path parameter."""
    answer = await client.get(f"/v1/relocations/{identity}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "path.identity")


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/v1/relocations/r-none", 404, "not-found"),
        ("POST", "/v1/relocations/r-none/hold", 404, "not-found"),
        ("GET", "/v1/relocations/r-none/evidence", 404, "not-found"),
        ("GET", "/v1/relocations/r-none/events", 404, "not-found"),
        ("GET", "/v1/applications/none", 404, "not-found"),
        ("GET", "/nowhere", 404, "no-such-page"),
        ("GET", "/page/secrets.js", 404, "no-such-page"),
        ("GET", "/page/..%2fapp.py", 404, "no-such-page"),
        ("DELETE", "/relocate", 405, "method-not-allowed"),
        ("BREW", "/relocate", 405, "method-not-allowed"),
    ],
)
async def test_unknown_things_are_problems(
    client: httpx.AsyncClient, method: str, path: str, status: int, name: str
) -> None:
    """404 and 405 are problems like all others."""
    answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}")
    assert set(answer.json()) >= {"title", "status", "detail", "instance"}


@pytest.mark.parametrize("application", ["nobody"])
async def test_unknown_application_starts_nothing(
    client: httpx.AsyncClient, dispatch: MemoryDispatch, application: str
) -> None:
    """404, and the orchestrator was not asked to start anything."""
    answer = await client.post("/relocate", json={"application": application})
    assert (answer.status_code, dispatch.actors) == (404, [])
    assert application in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "\u00e9"])
async def test_malformed_key_is_named(client: httpx.AsyncClient, key: str) -> None:
    """422 names the header."""
    headers = {b"Idempotency-Key": key.encode()}
    answer = await client.post("/relocate", json={"application": "assist"}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "header.Idempotency-Key")


async def test_every_problem_explains_itself(client: httpx.AsyncClient) -> None:
    """Each type's address answers its meaning, and each stands in the reference."""
    for name, kind in KINDS.items():
        assert kind.meaning in (await client.get(f"/problems/{name}")).text
        assert f"| `{name}` |" in reference()


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["application", "source", "target", "candidates", "labels", "ue", "cell", "reason", "options"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(JUNK, st.dictionaries(FIELDS, JUNK, max_size=5)))
async def test_junk_is_never_a_500(client: httpx.AsyncClient, body: object) -> None:
    """Whatever JSON comes, the answer is a 4xx problem: no junk happens to be a relocation."""
    answer = await client.post("/relocate", content=json.dumps(body), headers=JSON)
    assert 400 <= answer.status_code < 500
    assert answer.json()["type"].startswith("/problems/")


@settings(max_examples=200, deadline=None)
@given(text=st.binary(max_size=64) | JUNK.map(lambda value: json.dumps(value).encode()))
def test_strict_json_is_json(text: bytes) -> None:
    """What is accepted, the standard library reads the same; what is not raises NotJson and nothing else."""
    try:
        value = parse(text)
    except NotJson:
        return
    assert value == json.loads(text)


def test_reference_is_up_to_date() -> None:
    """`python -m api.problems` writes it."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "problems.md"
    assert page.read_text() == reference()
