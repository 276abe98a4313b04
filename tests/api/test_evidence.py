# SPDX-License-Identifier: Apache-2.0
"""The proof, and what was watched."""

from datetime import UTC, datetime

import httpx

from relocate.model.evidence import Claim
from relocate.prober.histogram import of
from relocate.prober.records import Second, SideCount
from relocate.store.database import Database
from relocate.store.watched import SeenFailure
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
    database.watched.put(identity, "web", seconds, [failure])
    answer = await client.get(f"/v1/relocations/{identity}/evidence?download=true")
    found = answer.json()
    assert answer.headers["content-disposition"] == f'attachment; filename="evidence-{identity}.json"'
    assert (found["head"], found["broken_link"]) == (entries[-1].digest, None)
    assert (found["by_rung"], found["against"]) == ({"E0": 1, "E3": 1}, 1)
    assert found["decision"]["ranked"][0]["cluster"] == "mec-b"
    assert (found["watched"][0]["seconds"], found["watched"][0]["missing"]) == (3, 2)
    assert found["failures"][0]["text"] == "connection reset"


async def test_watched_seconds_are_summed_over_gateways(client: httpx.AsyncClient, database: Database) -> None:
    """In the form of the traffic feed, by the side that answered."""
    identity = (await client.post("/relocate", json={"application": "assist"})).json()["id"]
    for vantage, side, ms in (("edge-1", "mec-a", 5.0), ("edge-2", "mec-b", 50.0)):
        sides = {side: SideCount(count=20, errors=1, histogram=of([ms] * 19))}
        second = Second(vantage=vantage, second=100, sent=21, right=19, failed=1, by_side=sides)
        database.watched.put(identity, "web", {(vantage, 100): second.model_dump(mode="json")})
    (found,) = (await client.get(f"/v1/relocations/{identity}/watched")).json()
    assert (found["at"], found["sent"], found["right"], found["lost"]) == (101, 40, 38, 2)
    assert {name: side["right"] for name, side in found["clusters"].items()} == {"mec-a": 19, "mec-b": 19}
    assert 4 < found["p50_ms"] < 6
    assert 40 < found["p99_ms"] < 60
    assert (await client.get(f"/v1/relocations/{identity}/watched?since=101")).json() == []
