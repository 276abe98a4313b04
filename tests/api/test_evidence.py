# SPDX-License-Identifier: Apache-2.0
"""The proof, and what was watched."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from relocate.errors import InvalidRequest
from relocate.evidence.envelope import Envelope
from relocate.evidence.keys import create_signing_key, public_key
from relocate.evidence.statement import Statement
from relocate.evidence.verification import verify
from relocate.model.evidence import Claim
from relocate.prober.histogram import of
from relocate.prober.records import Second, SideCount
from relocate.store.database import Database
from relocate.store.watched import HandOver, SeenFailure
from relocate.targets.contract import Decision, Ranked


async def test_evidence_is_whole(client: httpx.AsyncClient, database: Database) -> None:
    """Claims in their chain, counts by rung, the last decision, spans with holes, failures verbatim."""
    identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
    claims = [Claim(rung="E0", sentence="written"), Claim(rung="E3", sentence="not yet", holds=False)]
    entries = database.evidence.append(identity, [*claims, Claim(rung="E3", sentence="probed")])
    for best in ("mec-c", "mec-b"):
        decision = Decision(selector="builtin", ranked=(Ranked(cluster=best, score=1),))
        database.relocations.tell(identity, "decision", decision.model_dump(mode="json"))
    failure = SeenFailure("web", "edge-1", datetime(2026, 11, 22, tzinfo=UTC), "connection reset")
    seconds = {("edge-1", at): Second(vantage="edge-1", second=at).model_dump(mode="json") for at in (100, 101, 104)}
    database.watched.put(HandOver(identity, "web", seconds, [failure]))
    found = (await client.get(f"/v1/relocations/{identity}/evidence")).json()
    assert (found["head"], found["broken_link"]) == (entries[-1].digest, None)
    assert (found["by_rung"], found["against"]) == ({"E0": 1, "E3": 1}, 1)
    assert found["decision"]["ranked"][0]["cluster"] == "mec-b"
    assert (found["watched"][0]["seconds"], found["watched"][0]["missing"]) == (3, 2)
    assert found["failures"][0]["text"] == "connection reset"


async def test_a_download_is_the_whole_record_signed(
    make_app: Callable[..., FastAPI], database: Database, tmp_path: Path
) -> None:
    """Every second and every failure, in an envelope that the published key opens; it is a snapshot while it runs."""
    create_signing_key(tmp_path / "key.pem")
    transport = httpx.ASGITransport(make_app(signing_key=tmp_path / "key.pem"))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
        entries = database.evidence.append(identity, [Claim(rung="E0", sentence="written")])
        second = Second(vantage="edge-1", second=100).model_dump(mode="json")
        failures = [SeenFailure("web", "edge-1", datetime.fromtimestamp(100 + n, UTC), "reset") for n in range(1001)]
        database.watched.put(HandOver(identity, "web", {("edge-1", 100): second}, failures))
        answer = await client.get(f"/v1/relocations/{identity}/evidence?download=true")
        published = (await client.get("/v1/evidence/key")).json()
    assert answer.headers["content-disposition"] == f'attachment; filename="evidence-{identity}.json"'
    assert answer.json()["signatures"][0]["keyid"] == published["keyid"]
    verification = verify(answer.content, [public_key(published["pem"])])
    assert (verification.disagreements, verification.ended) == ((), False)
    record = Statement.model_validate_json(Envelope.model_validate(answer.json()).body).predicate
    assert (list(record.entries), len(record.seconds), len(record.failures)) == (entries, 1, 1001)


async def test_without_a_key_a_download_says_that_it_is_not_signed(client: httpx.AsyncClient) -> None:
    """It is an envelope without signatures, and there is no key to publish."""
    identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
    answer = await client.get(f"/v1/relocations/{identity}/evidence?download=true")
    assert answer.json()["signatures"] == []
    assert (await client.get("/v1/evidence/key")).json() == {"keyid": None, "pem": None}


def test_a_signing_key_that_cannot_be_read_is_told_at_the_start(
    make_app: Callable[..., FastAPI], tmp_path: Path
) -> None:
    """Better no API than one that does not sign although it should."""
    with pytest.raises(InvalidRequest, match="signing_key"):
        make_app(signing_key=tmp_path / "missing.pem")


async def test_watched_seconds_are_summed_over_gateways(client: httpx.AsyncClient, database: Database) -> None:
    """In the form of the traffic feed, by the side that answered."""
    identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
    for vantage, side, ms in (("edge-1", "mec-a", 5.0), ("edge-2", "mec-b", 50.0)):
        sides = {side: SideCount(count=20, errors=1, histogram=of([ms] * 19))}
        second = Second(vantage=vantage, second=100, sent=21, right=19, failed=1, by_side=sides)
        database.watched.put(HandOver(identity, "web", {(vantage, 100): second.model_dump(mode="json")}))
    (found,) = (await client.get(f"/v1/relocations/{identity}/watched")).json()
    assert (found["at"], found["sent"], found["right"], found["lost"]) == (101, 40, 38, 2)
    assert {name: side["right"] for name, side in found["clusters"].items()} == {"mec-a": 19, "mec-b": 19}
    assert 4 < found["p50_ms"] < 6
    assert 40 < found["p99_ms"] < 60
    assert (await client.get(f"/v1/relocations/{identity}/watched?since=101")).json() == []
