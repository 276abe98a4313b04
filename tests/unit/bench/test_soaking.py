# SPDX-License-Identifier: Apache-2.0
"""What a soak adds up to."""

import json
from typing import Any

from relocate.demo.report.model import ProtocolAccount
from relocate.demo.traffic.plan import Protocol
from relocate.model.relocation import Outcome
from tests.bench.soaking import LEGS, Leg, Soak


def _leg(sent: int = 10, *, outcome: Outcome = Outcome.COMPLETED, failed: int = 0, wrong: int = 0) -> Leg:
    accounts = {protocol: ProtocolAccount(sent=sent, right=sent) for protocol in Protocol}
    right = sent - failed - wrong
    accounts[Protocol.GRPC] = ProtocolAccount(sent=sent, right=right, failed=failed, lost=failed, wrong=wrong)
    return Leg("r", outcome, 90.0, accounts)


def _soak(*legs: Leg) -> Soak:
    soak = Soak(wanted_relocations=2, wanted_requests=20)
    for leg in legs:
        soak = soak.with_begun().with_leg(leg)
    return soak


def test_all_that_was_asked_for_and_nothing_bad_has_passed() -> None:
    """Every protocol has its number, every relocation was completed."""
    soak = _soak(_leg(), _leg())
    assert soak.why_not_passed() is None
    assert soak.total().sent == 20 * len(Protocol)


def test_one_loss_in_one_protocol_is_enough() -> None:
    """Lost or wrong, in any leg: the protocol is named."""
    assert _soak(_leg(failed=1), _leg()).why_not_passed() == "grpc: 1 lost and 0 wrong of 20"
    assert _soak(_leg(), _leg(wrong=1)).why_not_passed() == "grpc: 0 lost and 1 wrong of 20"


def test_less_than_was_asked_for_has_not_passed() -> None:
    """Nothing sent, too little sent, too few completed: nothing bad among too little shows nothing."""
    assert "0 of 20 requests" in str(_soak().why_not_passed())
    assert "10 of 20 requests" in str(_soak(_leg()).why_not_passed())
    assert "1 of 2 relocations" in str(_soak(_leg(), _leg(outcome=Outcome.ROLLED_BACK)).why_not_passed())


def test_progress_says_how_long_it_goes_on() -> None:
    """From the legs so far."""
    assert _soak(_leg()).progress().endswith("about 2 min to go")
    assert "1 of 2 relocations, 10 of 20 requests in each protocol; lost 0" in _soak(_leg()).progress()


def _written(soak: Soak) -> dict[str, Any]:
    return json.loads(json.dumps({"begun": soak.begun, "legs": LEGS.dump_python(tuple(soak.legs), mode="json")}))


def test_an_interrupted_soak_goes_on_with_all_that_it_had() -> None:
    """A loss stays a loss, and the leg that was interrupted is told."""
    earlier = _soak(_leg(failed=1)).with_begun()
    resumed = _soak().resumed(_written(earlier))
    assert resumed == earlier
    assert resumed.interrupted == 1
    assert resumed.with_begun().with_leg(_leg()).why_not_passed() == "grpc: 1 lost and 0 wrong of 20"


def test_a_soak_that_came_to_its_end_is_begun_anew() -> None:
    """There is nothing to go on with."""
    assert _soak().resumed(_written(_soak(_leg(), _leg()))) == _soak()
