# SPDX-License-Identifier: Apache-2.0
"""What a control plane counts of a connection."""

import pytest
from envoy.service.discovery.v3 import discovery_pb2

from steering.envoy.ads import Stream
from steering.envoy.counts import Counts
from steering.envoy.plan import GatewayPlan
from steering.envoy.settings import GatewaySettings
from steering.envoy.xds import CDS
from steering.store.batches import Batches
from steering.store.gateways import Session


def stream(counts: Counts) -> Stream:
    """A connection of which everything that is said counts."""
    session = Session(gateway="edge", instance="edge-1", id="1", replica="r")
    plan = GatewayPlan(GatewaySettings(listener=None))
    return Stream(session, Batches(lambda words: [True] * len(words)), lambda _: plan, counts)


def request(type_url: str, error: str = "") -> object:
    """What an Envoy sends."""
    said = discovery_pb2.DeltaDiscoveryRequest(type_url=type_url)
    if error:
        said.error_detail.message = error
    return said


async def test_responses_are_counted_by_type() -> None:
    """The first answer to a question, though it is empty."""
    counts = Counts()
    connection = stream(counts)
    connection.hear(request(CDS))
    assert (await anext(connection.responses())).type_url == CDS
    assert counts.sent == {"cluster": 1, "endpoint": 0, "listener": 0, "route": 0}
    assert not any(counts.refused.values())


@pytest.mark.parametrize(("type_url", "number"), [(CDS, 1), ("type.googleapis.com/somebody.else.Type", 0)])
async def test_refusals_are_counted_by_type_of_ours(type_url: str, number: int) -> None:
    """What the other end makes up is no series of ours."""
    counts = Counts()
    stream(counts).hear(request(type_url, "no such thing"))
    assert counts.refused == {"cluster": number, "endpoint": 0, "listener": 0, "route": 0}
