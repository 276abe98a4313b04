# SPDX-License-Identifier: Apache-2.0
"""Single requests: open loop, bounded, each concluded once and sent once."""

import asyncio

import pytest

from relocate.demo.traffic.ledger import Answer, NotRightError, Ticket, failed, wrong
from relocate.demo.traffic.requests import RequestFlow
from tests.unit.demo.doubles import ANSWER, TABLE, Desk, FakeRequester, settle

SLOTS = 6


def flow(desk: Desk, requester: FakeRequester) -> RequestFlow:
    """A flow with six slots, all due already."""
    desk.now_ns = TABLE.due_ns(SLOTS)
    desk.run.stop.now()
    return RequestFlow(desk.run, 0, TABLE, requester)


async def test_each_slot_is_asked_once_and_recorded() -> None:
    """In order, with its own id."""
    desk, requester = Desk(), FakeRequester(lambda _: ANSWER)
    await flow(desk, requester).go()
    assert requester.asked == [f"{TABLE.name}.{slot}" for slot in range(SLOTS)]
    assert set(desk.outcomes().values()) == {"right"}
    assert requester.closed


async def test_what_is_due_does_not_wait_for_what_went_before() -> None:
    """While none is answered, all are sent."""
    desk, requester = Desk(timeout_seconds=30.0), FakeRequester(lambda _: ANSWER)
    requester.held.clear()
    running = asyncio.create_task(flow(desk, requester).go())
    await settle()
    assert len(requester.asked) == SLOTS
    requester.held.set()
    await running
    assert desk.outcomes() == dict.fromkeys(range(SLOTS), "right")


async def test_beyond_the_bound_requests_are_missing_and_not_sent() -> None:
    """They are accounted for all the same."""
    desk, requester = Desk(max_outstanding=2, timeout_seconds=30.0), FakeRequester(lambda _: ANSWER)
    requester.held.clear()
    running = asyncio.create_task(flow(desk, requester).go())
    await settle()
    requester.held.set()
    await running
    assert list(desk.outcomes().values()).count("missing") == SLOTS - 2
    assert len(requester.asked) == 2


@pytest.mark.parametrize(
    ("raised", "outcome", "text"),
    [
        (failed("status 503"), "failed", "status 503"),
        (wrong("another's answer"), "wrong", "another's answer"),
        (TimeoutError(), "failed", "no answer within"),
        (RuntimeError("surprise"), "failed", "RuntimeError: surprise"),
    ],
)
async def test_whatever_a_client_raises_is_an_outcome(raised: Exception, outcome: str, text: str) -> None:
    """Nothing that a client does leaves a request unaccounted for."""

    def behave(_: Ticket) -> Answer:
        raise raised

    desk = Desk(timeout_seconds=30.0)
    await flow(desk, FakeRequester(behave)).go()
    assert set(desk.outcomes().values()) == {outcome}
    assert all(text in (record.error or "") for record in desk.records)


async def test_what_never_ends_is_cancelled_after_the_grace_time_and_missing() -> None:
    """The ledger's close concludes it."""
    desk = Desk(grace_seconds=0.0, timeout_seconds=30.0)
    requester = FakeRequester(lambda _: ANSWER)
    requester.held.clear()
    await flow(desk, requester).go()
    desk.ledger.close()
    assert set(desk.outcomes().values()) == {"missing"}


def test_reasons_are_kept_short() -> None:
    """A long error text is cut before it reaches the record file."""
    desk = Desk()
    desk.ledger.not_right(desk.ledger.enter(0, TABLE, 0), NotRightError(failed("").outcome, "x" * 5000))
    assert len(desk.records[0].error or "") == 200
