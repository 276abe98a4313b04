# SPDX-License-Identifier: Apache-2.0
"""Long-lived streams: each slot is a message that is owed, and paid or failed exactly once."""

import asyncio

from relocate.demo.traffic.clients.contract import Life
from relocate.demo.traffic.ledger import Ticket, failed, wrong
from relocate.demo.traffic.streams import Stream, StreamFlow
from tests.unit.demo.doubles import MS, TABLE, Desk, FakeConversation, settle


def name(slot: int) -> str:
    """A slot's request id."""
    return f"{TABLE.name}.{slot}"


class Opened:
    """One stream of some messages, at work."""

    def __init__(self, messages: int, conversation: FakeConversation | None = None) -> None:
        self.desk = Desk()
        self.conversation = conversation or FakeConversation()
        first = Ticket(0, 0, TABLE.due_ns(0), name(0))
        self.stream = Stream(self.desk.run, "ue-1", Life(first, messages, 100.0), self.conversation)
        self.going = asyncio.create_task(self.stream.go())

    async def due(self, *slots: int) -> None:
        """These come due."""
        for slot in slots:
            self.desk.now_ns = TABLE.due_ns(slot)
            self.stream.take(self.desk.ledger.enter(0, TABLE, slot))
        await settle()


async def test_a_stream_closes_properly_when_its_life_is_over() -> None:
    """All messages are paid, none is cut, and the client closes."""
    opened = Opened(messages=2)
    await opened.due(0, 1)
    opened.conversation.answer(name(0))
    opened.conversation.answer(name(1))
    await opened.going
    assert opened.desk.outcomes() == {0: "right", 1: "right"}
    assert opened.conversation.sent == [name(0), name(1)]
    assert opened.conversation.closed
    assert opened.desk.events == []


async def test_a_stream_that_breaks_fails_what_it_owes_and_is_cut() -> None:
    """What was paid before stays right."""
    opened = Opened(messages=10)
    await opened.due(0, 1, 2)
    opened.conversation.answer(name(0))
    opened.conversation.end(failed("reset"))
    await opened.going
    assert opened.desk.outcomes() == {0: "right", 1: "failed", 2: "failed"}
    assert [event.event for event in opened.desk.events] == ["cut"]
    assert not opened.stream.takes_more


async def test_a_stream_that_is_closed_and_owes_nothing_is_not_cut() -> None:
    """A server that goes away properly loses nothing; the next slot opens another stream."""
    opened = Opened(messages=10)
    await opened.due(0)
    opened.conversation.answer(name(0))
    opened.conversation.end()
    await opened.going
    assert opened.desk.outcomes() == {0: "right"}
    assert [event.event for event in opened.desk.events] == ["closed"]


async def test_a_stream_that_cannot_be_opened_fails_its_messages() -> None:
    """It never came about, so nothing was cut."""
    opened = Opened(10, FakeConversation(failed("refused")))
    await opened.due(0)
    await opened.going
    assert opened.desk.outcomes() == {0: "failed"}
    assert opened.desk.events == []


async def test_a_message_owed_for_longer_than_the_time_out_breaks_the_stream() -> None:
    """A connection that hangs is no connection."""
    opened = Opened(messages=100)
    await opened.due(0, 1)
    opened.desk.now_ns = 2001 * MS
    opened.stream.expire()
    await opened.going
    assert opened.desk.outcomes() == {0: "failed", 1: "failed"}
    assert opened.desk.records[0].error == "no answer within 2 s"


async def test_another_requests_answer_is_wrong() -> None:
    """One wrong answer is one wrong request; what else was owed was never answered."""
    opened = Opened(messages=10)
    await opened.due(0, 1)
    opened.conversation.answer(name(77))
    await opened.going
    assert opened.desk.outcomes() == {0: "wrong", 1: "failed"}


async def test_an_answer_that_makes_no_sense_is_wrong() -> None:
    """As with single requests."""
    opened = Opened(messages=10)
    await opened.due(0)
    opened.conversation.end(wrong("the body is not JSON"))
    await opened.going
    assert opened.desk.outcomes() == {0: "wrong"}


async def test_a_server_a_little_ahead_of_our_clock_is_right() -> None:
    """A message that comes just before it is due is paid when it is due; the end after the last one is no cut."""
    opened = Opened(messages=2)
    await opened.due(0)
    opened.conversation.answer(name(0))
    opened.conversation.answer(name(1))
    opened.conversation.end()
    await settle()
    await opened.due(1)
    await opened.going
    assert opened.desk.outcomes() == {0: "right", 1: "right"}
    assert opened.desk.events == []


async def test_messages_read_before_their_slots_are_taken_are_right() -> None:
    """Whoever had to wait for a processor reads first what came meanwhile: nothing broke, and nothing was cut."""
    opened = Opened(messages=4)
    await opened.due(0)
    opened.desk.now_ns = TABLE.due_ns(3)
    for slot in range(4):
        opened.conversation.answer(name(slot))
    await settle()
    assert opened.desk.outcomes() == {0: "right"}
    await opened.due(1, 2, 3)
    await opened.going
    assert opened.desk.outcomes() == dict.fromkeys(range(4), "right")
    assert opened.desk.events == []


async def test_a_message_more_than_a_period_early_breaks_the_stream() -> None:
    """It was sent without regard to when it is due, so it shows nothing about that moment."""
    opened = Opened(messages=4)
    await opened.due(0)
    for slot in range(3):
        opened.conversation.answer(name(slot))
    await opened.going
    assert opened.desk.outcomes() == {0: "right"}
    assert [event.text for event in opened.desk.events] == [f"the answer is for request {name(2)!r}"]


async def test_the_cell_goes_with_each_message() -> None:
    """A UE that moves says so with its next message, on the same stream."""
    opened = Opened(messages=10)
    await opened.due(0)
    opened.desk.run.cells["ue-1"] = "cell-b"
    await opened.due(1)
    assert opened.conversation.cells == ["cell-a", "cell-a", "cell-b"]
    opened.going.cancel()
    await asyncio.gather(opened.going, return_exceptions=True)
    assert opened.conversation.closed


async def test_after_a_break_the_next_slot_opens_another_stream() -> None:
    """Messages due while none can be opened fail one by one, and nothing is sent twice."""
    desk = Desk(grace_seconds=0.0)
    made = [FakeConversation(failed("refused")) for _ in range(3)]
    left = iter(made)
    flow = StreamFlow(desk.run, 0, TABLE, 0.1, lambda: next(left))
    desk.now_ns = TABLE.due_ns(3)
    desk.run.stop.now()
    await flow.go()
    desk.ledger.close()
    assert sorted(desk.outcomes()) == [0, 1, 2]
    assert next(left, None) is None
