# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import example, given, strategies as st
from pydantic import TypeAdapter, ValidationError

from relocate.model.application import Application, Drain, Policy
from relocate.model.cluster import Cluster
from relocate.model.evidence import Claim
from relocate.model.relocation import Overrides, RelocationRequest
from relocate.model.values import Duration, Name
from steering.model import Rung


def _refused(kind, **fields):
    try:
        kind(**fields)
    except ValidationError as error:
        return error.errors()
    return None


@given(st.lists(st.integers(-5, 105), max_size=5))
@example([100])
@example([1, 10, 50, 100])
@example([50, 50, 100])
def test_steps_rise_to_100(steps):
    """Steps are accepted exactly when they rise from above 0 and end at 100, in the policy and in a request alike."""
    good = bool(steps) and steps[-1] == 100 and all(a < b for a, b in zip([0, *steps], steps, strict=False))
    assert (_refused(Policy, steps=steps) is None) is good
    assert (_refused(Overrides, steps=steps) is None) is good


@given(st.floats())
@example(-0.001)
@example(86400.0)
@example(86400.1)
@example(float("nan"))
@example(float("inf"))
def test_durations_are_at_most_a_day(seconds):
    """A duration is a finite number of seconds between 0 and a day."""
    errors = _refused(Drain, deadline_seconds=seconds)
    assert (errors is None) is (0 <= seconds <= 86400)
    if errors is not None:
        assert errors[0]["loc"] == ("deadline_seconds",)
    adapter = TypeAdapter(Duration)
    if errors is None:
        assert adapter.validate_python(seconds) == seconds


@pytest.mark.parametrize("latency", [-1.0, float("nan"), float("inf"), 60_001.0])
def test_latencies_are_measurable(latency):
    """A latency is finite, not negative and at most a minute; the cell whose latency is wrong is named."""
    errors = _refused(Cluster, name="mec-a", driver="memory", latency_ms={"cell-1": latency})
    assert errors[0]["loc"] == ("latency_ms", "cell-1")


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True))
def test_names_are_dns_labels(name):
    """Every DNS label is a name."""
    assert TypeAdapter(Name).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a_b", "a" * 64, "a\n", " a", "ä", "a/../b", "a\x00"])
def test_other_names_are_refused(name):
    """Nothing else is a name: no end of line, no path, no other letters."""
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"target": "mec-a", "source": "mec-a"}, "target: must differ from source"),
        ({"target": "mec-a", "candidates": ["mec-b"]}, "target: stands alone"),
        ({"target": "mec-a", "labels": {"tier": "edge"}}, "target: stands alone"),
        ({"candidates": []}, "at least 1 item"),
        ({"options": {"steps": []}}, "must rise and end at 100"),
    ],
)
def test_contradictions_are_told(fields, told):
    """A request that contradicts itself is refused with what is allowed."""
    errors = _refused(RelocationRequest, application="game", **fields)
    assert errors is not None
    assert told in errors[0]["msg"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"watch": {"port": "grpc"}}, "watch.port: must be one of http"),
        ({"hosts": ["bad host"]}, "should match pattern"),
        ({"hosts": []}, "at least 1 item"),
        ({"gateways": []}, "at least 1 item"),
        ({"ports": []}, "at least 1 item"),
        ({"timeout_seconds": 0}, "greater than 0"),
    ],
)
def test_routes_are_whole(change, told):
    """A route needs hosts, gateways and ports, and watches one of its own ports."""
    route = {"name": "web", "hosts": ["game.example"], "gateways": ["gw"], "ports": [{"name": "http"}], **change}
    readiness = {"probes": [{"kind": "http"}]}
    errors = _refused(Application, name="game", workloads={"memory": {}}, routes=[route], readiness=readiness)
    assert errors is not None
    assert told in errors[0]["msg"]


def test_route_names_differ():
    """Two routes of one application have two names."""
    route = {"name": "web", "hosts": ["game.example"], "gateways": ["gw"], "ports": [{"name": "http"}]}
    readiness = {"probes": [{"kind": "http"}]}
    errors = _refused(Application, name="game", workloads={"memory": {}}, routes=[route, route], readiness=readiness)
    assert "each name may stand once" in errors[0]["msg"]


def test_values_do_not_change():
    """What was checked stays as it was checked."""
    with pytest.raises(ValidationError):
        Policy().bake_seconds = -1


def test_newer_payloads_are_read():
    """A worker reads what a newer one wrote: what it does not know it leaves out."""
    claim = Claim(rung=Rung.WRITTEN, sentence="written")
    assert Claim.model_validate({**claim.model_dump(), "mood": "good"}) == claim
