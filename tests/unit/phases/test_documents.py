# SPDX-License-Identifier: Apache-2.0
"""Which document belongs to which moment."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from relocate.model.application import Route
from relocate.phases import documents
from steering.adapters.memory import MemoryAdapter, MemoryGateway, MemorySettings
from steering.model import Backend, Endpoint, Fence, RouteDocument

EXPIRY = datetime(2026, 1, 2, tzinfo=UTC)
TOKENS = {"mec-a": "a" * 32, "mec-b": "b" * 32}
ROUTE = Route.model_validate(
    {"name": "web", "hosts": ["web.test", "www.web.test"], "gateways": ["edge"], "ports": [{"name": "http"}]}
)


def _side(name: str) -> Backend:
    endpoints = {port: (Endpoint(host="127.0.0.1", port=number),) for port, number in (("http", 8080), ("grpc", 8081))}
    return Backend(name=name, instance=f"{name}-1", endpoints=endpoints)


A, B = _side("mec-a"), _side("mec-b")


def _between(weight: int) -> documents.Sides:
    return documents.between(A, B, weight, tokens=TOKENS, expiry=EXPIRY, failover=True)


def _document(sides: documents.Sides, epoch: str = "e") -> RouteDocument:
    return documents.document("app", ROUTE, sides, epoch)


@given(st.integers(min_value=0, max_value=100))
def test_weights_are_absolute_and_whole(weight: int) -> None:
    """Every middle document names both sides, and their weights sum to 100."""
    assert _document(_between(weight)).weights == {"mec-a": 100 - weight, "mec-b": weight}


def test_both_sides_have_a_probe_path_while_both_are_known() -> None:
    """So that each can be proven healthy whatever its weight."""
    paths = _document(_between(0)).probe_paths
    assert {(path.backend, path.token, path.expires_at) for path in paths} == {
        (n, t, EXPIRY) for n, t in TOKENS.items()
    }


def test_before_and_after_only_one_side_is_known() -> None:
    """No second backend, no probe path, no fail-over."""
    document = _document(documents.only(B))
    assert (document.backends[0].name, document.weights) == ("mec-b", {"mec-b": 100})
    assert (len(document.backends), document.probe_paths, document.failover) == (1, (), False)


@pytest.mark.parametrize("capable", [True, False])
def test_fail_over_is_not_asked_of_a_gateway_that_has_none(capable: bool) -> None:
    """Nothing else of the document is different there."""
    what = MemoryAdapter(MemoryGateway(MemorySettings())).describe().model_copy(update={"failover": capable})
    assert documents.within(_between(50), what) == _between(50).model_copy(update={"failover": capable})


def test_a_route_names_only_its_own_ports() -> None:
    """Endpoints of other routes' ports are left out."""
    assert set(_document(documents.only(A)).backends[0].endpoints) == {"http"}


def test_a_route_keeps_its_own_words() -> None:
    """Hosts, ports and the time-out come from the application."""
    document = _document(documents.only(A))
    assert (document.hosts, document.timeout_seconds, document.ports) == (ROUTE.hosts, 15.0, ROUTE.ports)


FENCES = st.builds(Fence, lease=st.integers(0, 10**6), sequence=st.integers(0, 10**6))


@given(FENCES, FENCES)
def test_an_epoch_belongs_to_one_write(one: Fence, other: Fence) -> None:
    """Different fences give different epochs, the same fence the same one."""
    assert (documents.epoch_of("rel-1", one) == documents.epoch_of("rel-1", other)) == (one == other)


def test_a_first_write_has_nothing_to_compare_with() -> None:
    """Whatever stood there before the relocation is not drift."""
    assert documents.why_drifted(_document(documents.only(A), "placed"), None, "rel-1.1.1") is None


def test_our_last_write_and_a_repeat_are_ours() -> None:
    """The epoch we wrote last, and the one that this very attempt writes."""
    for epoch in ("rel-1.1.3", "rel-1.1.4"):
        assert documents.why_drifted(_document(_between(0), epoch), "rel-1.1.3", "rel-1.1.4") is None


def test_a_write_of_ours_that_failed_half_way_is_ours_too() -> None:
    """A step that was written and not proven is undone: its epoch is of this relocation and lease, so nobody else's."""
    assert documents.why_drifted(_document(_between(100), "rel-1.1.4"), "rel-1.1.3", "rel-1.1.5") is None


def test_somebody_elses_write_is_told_in_words() -> None:
    """The sentence has the route, the epoch and the weights that were found."""
    found = _document(_between(70), "theirs")
    assert documents.why_drifted(found, "rel-1.1.3", "rel-1.1.4") == (
        "route web was changed by somebody else: it is at epoch theirs with mec-a 30 %, mec-b 70 %"
    )


def test_another_lease_is_somebody_else() -> None:
    """The same relocation id under another lease, and ids that begin alike, are not ours."""
    for epoch in ("rel-1.2.1", "rel-10.1.4", "rel-1.11.4"):
        assert documents.why_drifted(_document(_between(0), epoch), "rel-1.1.3", "rel-1.1.4") is not None


@given(st.integers(min_value=0, max_value=100), st.integers(min_value=0, max_value=100))
def test_weights_that_are_kept_are_those_that_stand(ordered: int, standing: int) -> None:
    """Whatever was ordered last, and also where a side is new on the route."""
    kept = documents.keeping(_between(ordered), _document(_between(standing)))
    assert kept == _between(standing)
    assert documents.keeping(_between(ordered), _document(documents.only(B))).weights == {"mec-a": 0, "mec-b": 100}


def test_weights_of_a_stranger_cannot_be_kept() -> None:
    """A side that is not named would lose its traffic, so the weights are not kept but refused."""
    stranger = _document(documents.only(_side("mec-c")))
    with pytest.raises(ValueError, match="gives weight to mec-c, which is no side of this move"):
        documents.keeping(_between(0), stranger)
