# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from steering.model import Endpoint, Fence, RouteDocument
from tests.unit.model import documents

FENCES = st.builds(Fence, lease=st.integers(0, 3), sequence=st.integers(0, 3))


@given(documents.routes(), st.data())
def test_weights_are_whole(document, data):
    """Weights name every backend, none is negative, and they sum to 100; anything else is refused."""
    sides = list(document["weights"])
    weights = data.draw(st.dictionaries(st.sampled_from([*sides, "stranger"]), st.integers(-10, 110)))
    whole = set(weights) == set(sides) and min(weights.values()) >= 0 and sum(weights.values()) == 100
    if whole:
        assert RouteDocument.model_validate({**document, "weights": weights}).weights == weights
    else:
        with pytest.raises(ValidationError, match="weights: must"):
            RouteDocument.model_validate({**document, "weights": weights})


@given(documents.routes())
def test_backends_offer_every_port(document):
    """A backend without an endpoint for a port of the route is refused by its name."""
    side, port = document["backends"][0], document["ports"][0]["name"]
    lacking = {**side, "endpoints": {**side["endpoints"], port: []}}
    with pytest.raises(ValidationError, match=rf"backends\.{side['name']}\.endpoints: no endpoint for port {port}"):
        RouteDocument.model_validate({**document, "backends": [lacking, *document["backends"][1:]]})


@given(documents.routes())
def test_backends_and_ports_stand_once(document):
    """No backend and no port stands twice."""
    for field in ("backends", "ports"):
        with pytest.raises(ValidationError, match=f"{field}: each name may stand once"):
            RouteDocument.model_validate({**document, field: [*document[field], document[field][0]]})


@given(documents.routes())
def test_probe_paths_lead_to_backends(document):
    """A probe path leads to a backend of the document."""
    path = {"backend": "nobody-x", "token": "0123456789abcdef", "expires_at": "2026-01-01T00:00:00Z"}
    with pytest.raises(ValidationError, match="nobody-x is not a backend"):
        RouteDocument.model_validate({**document, "probe_paths": [path]})


@given(documents.routes())
def test_backends_are_found_by_name(document):
    """Each backend is found by its name, and nothing by another."""
    accepted = RouteDocument.model_validate(document)
    assert all(accepted.backend(found.name) is found for found in accepted.backends)
    assert accepted.backend("nobody-x") is None


@given(FENCES, FENCES, FENCES)
def test_fences_are_in_one_order(one, two, three):
    """Of two fences that differ one is older; the order is that of leases, then of steps."""
    assert (one < two) + (two < one) + (one == two) == 1
    assert (one <= two) == (one < two or one == two)
    assert not (one < two < three) or one < three
    assert (one < two) is ((one.lease, one.sequence) < (two.lease, two.sequence))


def test_addresses_are_written_as_in_urls():
    """IPv6 addresses stand in brackets."""
    assert str(Endpoint(host="127.0.0.1", port=80)) == "127.0.0.1:80"
    assert str(Endpoint(host="::1", port=80)) == "[::1]:80"
