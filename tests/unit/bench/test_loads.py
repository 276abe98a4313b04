# SPDX-License-Identifier: Apache-2.0
"""What vegeta and ghz say, and what the instances' logs say about it."""

import json
from typing import Any

import pytest

from tests.bench.loads.reconciled import reconcile
from tests.bench.loads.sent import Sent, joined, of_ghz, of_vegeta


def _result(request: str, code: int = 200, *, answered: str | None = None, error: str = "") -> str:
    headers = None if code == 0 else {"X-Request-Id": [request if answered is None else answered]}
    url = f"https://shop.edge.test:1/whoami?id={request}"
    return json.dumps({"code": code, "url": url, "headers": headers, "error": error})


def _call(status: str = "OK", error: str = "") -> dict[str, Any]:
    return {"status": status, "error": error}


def test_vegeta_names_what_failed_and_what_was_wrong() -> None:
    """No answer and a status that is not 200 failed; another request's answer is wrong."""
    lines = [
        _result("v.0"),
        _result("v.1", 0, error="connection reset"),
        _result("v.2", 503),
        _result("v.3", answered="v.0"),
    ]
    sent = of_vegeta("v", lines)
    assert sent.ids == {"v.0", "v.1", "v.2", "v.3"}
    assert sent.failed == {"v.1": "connection reset", "v.2": "status 503"}
    assert sent.wrong == {"v.3": "got the answer to 'v.0'"}
    assert sent.bad == 3


def test_ghz_says_how_many_failed_and_not_which() -> None:
    """Its requests are numbered; several of its processes are one account."""
    first = of_ghz("g-1.", "g-1.", {"count": 3, "details": [_call(), _call("Unavailable", "reset"), _call()]})
    second = of_ghz("g-2.", "g-2.", {"count": 1, "details": [_call()]})
    sent = joined("g", [first, second])
    assert sent.ids == {"g-1.0", "g-1.1", "g-1.2", "g-2.0"}
    assert (sent.unnamed, sent.bad) == (("Unavailable: reset",), 1)


def test_accounts_that_agree_leave_nothing_unexplained() -> None:
    """Each request answered by one instance, by more than one after a gateway's second try, or among the failures."""
    sent = Sent("v", frozenset({"1", "2", "3", "4"}), failed={"3": "reset", "4": "reset"})
    found = reconcile(sent, {"1": ["a"], "2": ["a", "b"], "4": ["b"]})
    assert (found.answered_once, found.answered_again, found.bad, found.unexplained) == (2, 1, 2, 0)
    assert found.in_spite == ("4",)


def test_contradictions_are_counted_and_named() -> None:
    """An answer that no instance gave, and a request that nobody sent."""
    found = reconcile(Sent("v", frozenset({"1", "2"})), {"1": ["a"], "9": ["a"]})
    assert (found.without_answer, found.never_sent, found.unexplained) == (("2",), ("9",), 2)
    assert "reported right and in no log 1 (2)" in str(found)
    assert "in a log and never sent 1 (9)" in str(found)


@pytest.mark.parametrize(
    ("logged", "without_answer", "in_spite"),
    [({"0", "1", "2"}, 0, 1), ({"0", "1"}, 0, 0), ({"0"}, 1, 0)],
    ids=["as many logged as sent", "one silent", "more silent than failed"],
)
def test_nameless_failures_explain_as_many_silent_requests(
    logged: set[str], without_answer: int, in_spite: int
) -> None:
    """One failure explains one request without an answer, no more; if none is silent, its answer was lost."""
    sent = Sent("g", frozenset({"0", "1", "2"}), unnamed=("Unavailable: reset",))
    found = reconcile(sent, {request: ["a"] for request in logged})
    assert (len(found.without_answer), len(found.in_spite)) == (without_answer, in_spite)
