# SPDX-License-Identifier: Apache-2.0
"""A lost request is explained by what was broken on its own way and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Event, Outcome as Answered
from relocate.model.chain import chained
from relocate.model.evidence import Claim, Entry
from relocate.model.relocation import Phase
from steering.model import Rung
from tests.chaos.disturbances import Disturbance
from tests.chaos.losses import Circumstances, Steering, Why, steering
from tests.chaos.schedule import Deed
from tests.unit.chaos.traffic import START, at, losses, recording

ON_A = Steering([(0, {"mec-a": 100})])
MOVED = Steering([(0, {"mec-a": 100}), (at(15), {"mec-a": 0, "mec-b": 100})], live=[at(15)], backed=[(at(16), at(40))])


def gateway(name: str, since: float, until: float | None) -> Disturbance:
    """A gateway instance that was killed."""
    return Disturbance(Deed.KILL, gateway=name, since_ns=at(since), until_ns=None if until is None else at(until))


def instance(cluster: str, since: float, until: float | None, deed: Deed = Deed.KILL) -> Disturbance:
    """An instance of the application that was hit."""
    ended = None if until is None else at(until)
    return Disturbance(deed, application="shop", cluster=cluster, since_ns=at(since), until_ns=ended)


def reasons(lost: tuple[float, float], found: Circumstances, **recorded: object) -> set[Why]:
    """Why the requests that were due in `lost` were lost."""
    told = losses(recording(lost, **recorded), found)  # type: ignore[arg-type]
    assert told
    return {one.why for one in told}


def test_a_loss_without_a_fault_on_its_way_is_unexplained() -> None:
    """Whatever else was killed meanwhile: workers, API, Temporal and the database are on nobody's way."""
    assert reasons((20, 20.5), Circumstances(steering=ON_A)) == {Why.UNEXPLAINED}


def test_a_gateway_instance_explains_what_went_through_it_while_it_was_down() -> None:
    """From the kill to a moment after it listens again."""
    assert reasons((20, 21), Circumstances(gateways=[gateway("edge-1", 20, 21)], steering=ON_A)) == {Why.GATEWAY}


@pytest.mark.parametrize(
    "down", [gateway("edge-2", 20, 21), gateway("edge-1", 25, 26), gateway("edge-1", 10, 15)], ids=str
)
def test_a_gateway_explains_no_loss_elsewhere_or_at_another_time(down: Disturbance) -> None:
    """Another instance, or this one before it was hit, or long after it was whole again."""
    assert reasons((20, 21), Circumstances(gateways=[down], steering=ON_A)) == {Why.UNEXPLAINED}


def test_the_only_side_explains_what_was_in_flight_and_what_came_while_it_was_down() -> None:
    """Those that were open when it was killed, and those that came until it was back."""
    found = Circumstances(instances=[instance("mec-a", 20, 24)], steering=ON_A)
    assert reasons((20, 24.5), found) == {Why.IN_FLIGHT, Why.OUTAGE}


def test_an_instance_without_weight_explains_nothing() -> None:
    """While the instance that fails holds no weight, nothing may be lost."""
    found = Circumstances(instances=[instance("mec-b", 20, 24)], steering=ON_A)
    assert reasons((20, 21), found) == {Why.UNEXPLAINED}


def test_an_instance_that_has_lost_its_weight_explains_nothing_any_more() -> None:
    """It never came back, but requests go to the other side since then."""
    found = Circumstances(instances=[instance("mec-a", 5, None)], steering=MOVED)
    assert reasons((30, 31), found, served_by="mec-b") == {Why.UNEXPLAINED}


def test_a_stream_that_stayed_on_a_side_without_weight_is_explained_by_its_end() -> None:
    """Streams stay where they began until they are closed: the weight of their side is zero by then."""
    found = Circumstances(instances=[instance("mec-a", 20, 24)], steering=MOVED)
    lost = reasons((20, 20.2), found, protocol=Protocol.WEBSOCKET, served_by="mec-a")
    assert lost == {Why.IN_FLIGHT}


@pytest.mark.parametrize("protocol", [Protocol.HTTP1, Protocol.HTTP2, Protocol.GRPC])
def test_what_is_safe_to_retry_is_not_lost_while_the_other_side_stands_behind(protocol: Protocol) -> None:
    """B carries and dies, A is whole and was proven to stand behind it: the gateway had somewhere to send it."""
    found = Circumstances(instances=[instance("mec-b", 20, 24)], steering=MOVED)
    assert reasons((20, 20.2), found, protocol=protocol, served_by="mec-b") == {Why.UNEXPLAINED}


def test_messages_in_flight_on_streams_are_explained_and_later_ones_are_not() -> None:
    """The other side stands behind: only what was open at the kill may be lost, as the next stream finds A."""
    found = Circumstances(instances=[instance("mec-b", 20, 24)], steering=MOVED)
    told = losses(recording((20, 22), protocol=Protocol.GRPC_STREAM, served_by="mec-b"), found)
    assert {one.why for one in told if one.due_ns <= at(21)} == {Why.IN_FLIGHT}
    assert {one.why for one in told if one.due_ns > at(21)} == {Why.UNEXPLAINED}


def test_when_both_sides_are_hit_nothing_stands_behind() -> None:
    """Then even what is safe to retry has nowhere to go."""
    found = Circumstances(instances=[instance("mec-b", 20, 24), instance("mec-a", 19, 24)], steering=MOVED)
    assert Why.UNEXPLAINED not in reasons((20, 21), found, served_by="mec-b")


def test_a_frozen_side_is_given_up_after_its_health_checks() -> None:
    """What hangs on it until then is lost; what comes later goes to the other side."""
    found = Circumstances(instances=[instance("mec-b", 20, 35, Deed.FREEZE)], steering=MOVED)
    told = losses(recording((20, 30), served_by="mec-b"), found)
    assert Why.UNEXPLAINED not in {one.why for one in told if one.due_ns <= at(24)}
    assert {one.why for one in told if one.due_ns > at(24)} == {Why.UNEXPLAINED}


def test_a_stall_of_this_machine_explains_time_outs_alone() -> None:
    """A client that did not run cannot have been answered in time; an error is an answer."""
    found = Circumstances(steering=ON_A, stalls=[(at(19), at(22))])
    assert reasons((20, 20.2), found, error="no answer within 5 s") == {Why.MACHINE}
    assert reasons((20, 20.2), found, error="status 503") == {Why.UNEXPLAINED}


def test_a_stream_that_a_removal_cuts_is_unexplained() -> None:
    """A is removed while somebody still uses it, and nobody had broken anything: the teardown did not wait."""
    recorded = recording((20, 20.1), protocol=Protocol.WEBSOCKET, error="the connection ended")
    cut = Event("cut", at(20), 0, "the connection ended")
    found = losses(replace(recorded, events=(cut, *recorded.events)), Circumstances(steering=MOVED))
    assert [(one.outcome, one.why) for one in found] == [("failed", Why.UNEXPLAINED), ("cut", Why.UNEXPLAINED)]


def test_a_wrong_answer_is_explained_by_nothing() -> None:
    """A gateway that is down answers nothing; it does not answer with somebody else's answer."""
    found = Circumstances(gateways=[gateway("edge-1", 20, 21)], steering=ON_A)
    assert reasons((20, 21), found, outcome=Answered.WRONG) == {Why.UNEXPLAINED}


def test_the_record_says_where_requests_went_and_when_each_side_stood_behind_the_other() -> None:
    """From the proof of a step that gave weight to another side, until the next write."""
    record = [
        _entry(1, 10, Rung.WRITTEN, Phase.PREPARE, {"mec-a": 100, "mec-b": 0}),
        _entry(2, 11, Rung.PROBED, Phase.PREPARE, {}),
        _entry(3, 20, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 0, "mec-b": 100}, falls_back=True),
        _entry(4, 21, Rung.ACKNOWLEDGED, Phase.SWITCH, {}),
        _entry(5, 21, Rung.PROBED, Phase.SWITCH, {}),
        _entry(6, 30, Rung.WRITTEN, Phase.TEARDOWN, {"mec-b": 100}),
        _entry(7, 31, Rung.PROBED, Phase.TEARDOWN, {}),
    ]
    found = steering("mec-a", [record])
    assert found.backed == [(at(21), at(29))]
    assert found.carried("mec-a", at(12), at(13))
    assert not found.carried("mec-a", at(25), at(26))
    assert found.carried("mec-b", at(40), at(41))
    assert not found.carried("mec-b", at(12), at(13))


def test_until_every_gateway_instance_follows_a_write_requests_may_go_where_the_one_before_says() -> None:
    """The control plane was killed in the switch: users go to A for as long as that is not known to be over."""
    record = [
        _entry(1, 20, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 0, "mec-b": 100}),
        _entry(2, 25, Rung.ACKNOWLEDGED, Phase.SWITCH, {}, holds=False),
        _entry(3, 30, Rung.ACKNOWLEDGED, Phase.SWITCH, {}),
    ]
    found = steering("mec-a", [record])
    assert [found.carried("mec-a", at(since), at(since + 1)) for since in (19, 28, 32)] == [True, True, False]
    assert found.carried("mec-b", at(21), at(22))


def test_the_way_back_has_nothing_behind_it() -> None:
    """Giving all weight back to the source is written without a fall-back."""
    record = [
        _entry(1, 10, Rung.WRITTEN, Phase.PREPARE, {"mec-a": 100, "mec-b": 0}),
        _entry(2, 20, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 50, "mec-b": 50}, falls_back=True),
        _entry(3, 30, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 100, "mec-b": 0}),
        _entry(4, 31, Rung.PROBED, Phase.SWITCH, {}),
        _entry(5, 40, Rung.WRITTEN, Phase.PREPARE, {"mec-a": 100}),
    ]
    assert steering("mec-a", [record]).backed == []


def test_a_proof_that_failed_is_none() -> None:
    """The claim is on record all the same."""
    record = [
        _entry(1, 20, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 0, "mec-b": 100}, falls_back=True),
        _entry(2, 21, Rung.PROBED, Phase.SWITCH, {}, holds=False),
        _entry(3, 30, Rung.WRITTEN, Phase.SWITCH, {"mec-a": 100, "mec-b": 0}),
    ]
    assert steering("mec-a", [record]).backed == []


def _entry(seq: int, seconds: float, rung: Rung, phase: Phase, weights: dict[str, int], **said: bool) -> Entry:
    document = {"weights": weights, "document": {"failover": said.get("falls_back", False)}}
    detail = document if rung is Rung.WRITTEN else {}
    claim = Claim(rung=rung, phase=phase, sentence="x", detail=detail, holds=said.get("holds", True))
    return chained("r", seq, "", claim, datetime.fromtimestamp((START + seconds * 1e9) / 1e9, UTC))
