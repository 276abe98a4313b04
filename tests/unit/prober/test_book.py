# SPDX-License-Identifier: Apache-2.0
"""The book of one vantage: from requests to seconds."""

from hypothesis import given, strategies as st

from relocate.prober.book import FAILURES_PER_SECOND, NAMES_PER_SECOND, Book
from relocate.prober.claim import summed
from relocate.prober.records import Answer, Failure, Result, Second, merged

RIGHT = Answer(Result.RIGHT, "200", "mec-a", "e1")
FAILED = Answer(Result.FAILED, "connection refused")


def book_of(*answers: tuple[float, float, Answer], begins: float = 100.0) -> Book:
    """A book with requests of (due and sent, ended, answer)."""
    book = Book("edge-1", begins)
    for at, _, _ in answers:
        book.due(at)
        book.sent(at, at)
    for at, ended, answer in sorted(answers, key=lambda entry: entry[1]):
        book.answered(at, ended, answer)
    return book


def test_a_request_belongs_to_the_second_it_was_due_in() -> None:
    """However late the answer, it is counted where it was asked, with its whole latency."""
    book = book_of((100.95, 101.2, RIGHT), (101.0, 101.01, RIGHT))
    first, second = book.completed(102.0, next_due=102.0)[0]
    assert (first.second, first.sent, first.right) == (100, 1, 1)
    assert (second.second, second.sent, second.right) == (101, 1, 1)
    latency = first.by_side["mec-a"].histogram.quantile(1)
    assert latency is not None
    assert 237 < latency < 263


def test_only_complete_seconds_are_taken() -> None:
    """A second that is not over, has an open request, or one yet to send, stays."""
    book = Book("edge-1", 100.0)
    book.due(100.5)
    book.sent(100.5, 100.5)
    assert book.completed(100.9, next_due=101.5) == ([], [])
    assert book.completed(101.5, next_due=101.5) == ([], [])
    book.answered(100.5, 101.6, RIGHT)
    assert book.completed(101.6, next_due=100.9) == ([], [])
    assert [record.second for record in book.completed(101.6, next_due=101.7)[0]] == [100]


def test_the_rest_says_what_was_not_waited_for() -> None:
    """At the end, open requests are unfinished: neither right nor failed."""
    book = Book("edge-1", 100.0)
    book.due(100.5)
    book.sent(100.5, 100.5)
    (record,), failures = book.rest(100.7)
    assert (record.sent, record.finished, record.unfinished, failures) == (1, 0, 1, [])


def test_a_demanded_request_that_was_not_sent_shows() -> None:
    """Due counts the schedule, sent what was really sent."""
    book = Book("edge-1", 100.0)
    book.due(100.0)
    book.due(100.5)
    book.sent(100.0, 100.0)
    (record,), _ = book.rest(100.9)
    assert (record.due, record.sent) == (2, 1)


def test_every_second_has_a_record() -> None:
    """Seconds in which nothing was due are recorded, too: a missing record means nobody watched."""
    book = book_of((100.0, 100.1, RIGHT), (105.0, 105.1, RIGHT))
    assert [record.second for record in book.completed(107.0, next_due=110.0)[0]] == list(range(100, 107))


def test_the_gap_is_the_longest_time_without_a_right_answer() -> None:
    """It runs across seconds, and is seen while it is still open."""
    book = book_of((100.0, 100.1, RIGHT), (100.5, 100.6, FAILED), (101.0, 101.1, FAILED), (102.2, 102.3, RIGHT))
    gaps = {record.second: record.max_gap_ms for record in book.completed(103.0, next_due=103.0)[0]}
    assert gaps == {100: 900.0, 101: 1900.0, 102: 2200.0}


def test_the_send_gap_is_how_long_nobody_looked() -> None:
    """Requests sent late leave a gap that a short outage could hide in."""
    book = Book("edge-1", 100.0)
    for at, really in ((100.0, 100.0), (100.1, 100.4), (100.2, 100.41)):
        book.due(at)
        book.sent(at, really)
    assert book.rest(100.9)[0][0].max_send_gap_ms == 400.0


def test_failures_are_kept_word_by_word_up_to_a_bound() -> None:
    """An outage fills no record; what is left out is counted."""
    book = book_of(*((100 + number / 100, 101.0, FAILED) for number in range(50)))
    (record, *_), failures = book.completed(102.0, next_due=102.0)
    assert len(failures) == FAILURES_PER_SECOND
    assert record.left_out == 50 - FAILURES_PER_SECOND
    assert record.failed == 50
    assert (failures[0].words, failures[0].at.timestamp(), failures[0].latency_ms) == (
        "connection refused",
        100.0,
        1000.0,
    )


def test_names_from_outside_are_bounded() -> None:
    """A side or epoch that changes with each answer fills no record, and every answer is still counted."""
    answers = [(100.0, 100.1, Answer(Result.WRONG, "200", f"side{n}", f"epoch{n}")) for n in range(50)]
    (record,), _ = book_of(*answers).rest(100.5)
    assert len(record.by_side) == len(record.epochs) == NAMES_PER_SECOND + 1
    assert sum(side.count for side in record.by_side.values()) == 50
    assert sum(epoch.count for epoch in record.epochs.values()) == 50


def test_epochs_say_when_each_was_seen() -> None:
    """The first and last moment of each epoch show how long the old one was still answered."""
    other = Answer(Result.RIGHT, "200", "mec-b", "e2")
    (record,), _ = book_of((100.1, 100.2, RIGHT), (100.3, 100.4, other), (100.5, 100.6, RIGHT)).rest(100.9)
    assert (record.epochs["e1"].first_at, record.epochs["e1"].last_at) == (100.1, 100.5)
    assert record.epochs["e2"].count == 1


@st.composite
def requests(draw: st.DrawFn) -> list[tuple[float, float | None, Answer]]:
    """Requests over some seconds; some never end."""
    moments = sorted(draw(st.lists(st.floats(100, 106), max_size=60)))
    sides, results = st.sampled_from(["", "mec-a", "mec-b"]), st.sampled_from(Result)
    return [
        (
            at,
            draw(st.none() | st.floats(0, 3).map(lambda late, at=at: at + late)),
            Answer(draw(results), "x", draw(sides)),
        )
        for at in moments
    ]


def seconds_of(
    entries: list[tuple[float, float | None, Answer]], looks: list[float]
) -> tuple[list[Second], list[Failure]]:
    """What a book gives that is read at `looks` while `entries` happen, and then taken as a whole."""
    book, seconds, failures = Book("edge-1", 100.0), list[Second](), list[Failure]()
    events = [(at, 0, at, None) for at, _, _ in entries]
    events += [(ended, 1, at, answer) for at, ended, answer in entries if ended is not None]
    events += [(look, 2, look, None) for look in looks]
    for now, kind, at, answer in sorted(events, key=lambda event: event[:2]):
        if kind == 0:
            book.due(at)
            book.sent(at, now)
        elif answer is not None:
            book.answered(at, now, answer)
        else:
            taken = book.completed(now, next_due=now)
            seconds += taken[0]
            failures += taken[1]
    taken = book.rest(110.0)
    return seconds + taken[0], failures + taken[1]


@given(requests(), st.lists(st.floats(100, 109), max_size=8))
def test_nothing_is_lost_or_counted_twice(
    entries: list[tuple[float, float | None, Answer]], looks: list[float]
) -> None:
    """Whenever the book is read, its seconds add up to what was sent and what came back."""
    seconds, failures = seconds_of(entries, looks)
    total = summed(seconds)
    assert len({record.second for record in seconds}) == len(seconds)
    assert total.sent == len(entries)
    assert total.unfinished == sum(ended is None for _, ended, _ in entries)
    for result in Result:
        assert getattr(total, result.value) == sum(e is not None and a.result is result for _, e, a in entries)
    for record in seconds:
        assert record.sent == record.finished + record.unfinished
        assert sum(side.count for side in record.by_side.values()) == record.finished
        assert sum(side.count - side.errors for side in record.by_side.values()) == record.right
        assert sum(side.histogram.total for side in record.by_side.values()) == record.right
        assert Second.model_validate_json(record.model_dump_json()) == record
    assert len(failures) + sum(record.left_out for record in seconds) == total.errors


@given(requests(), requests())
def test_two_runs_merge_into_one(
    first: list[tuple[float, float | None, Answer]], second: list[tuple[float, float | None, Answer]]
) -> None:
    """Records of a watch that was interrupted and taken up again add up, in any order."""
    one, two = seconds_of(first, [])[0], seconds_of(second, [])[0]
    together = merged([*one, *two])
    assert merged([*two, *one]) == together
    assert summed(together) == summed([*one, *two])
    assert len({(record.vantage, record.second) for record in together}) == len(together)
