# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer must look like."""

import httpx
import pytest
from hypothesis import given, strategies as st

from readiness.probes.http_expectation import Expectation

BODY = '{"ready": true, "count": 1, "items": [{"name": "a/b"}], "a/b": {"~": null}}'


def problem(body: str = BODY, **expected: object) -> str | None:
    """What is wrong with an answer that has the body above and one header."""
    headers = httpx.Headers({"x-relocate-side": "mec-b"})
    return Expectation.model_validate(expected).problem(200, headers, body)


@pytest.mark.parametrize(
    ("allowed", "status", "fine"),
    [
        (200, 200, True),
        ([200, "300-399"], 399, True),
        ([200, "300-399"], 400, False),
        ("200-299", 199, False),
        ("200-299", 300, False),
    ],
)
def test_status(allowed: object, status: int, fine: bool) -> None:
    """Single codes and ranges, both ends included."""
    assert (Expectation.model_validate({"status": allowed}).problem(status, {}, "") is None) is fine


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ({"body_contains": '"ready": true'}, None),
        ({"body_contains": "nope"}, "the body does not contain 'nope'"),
        ({"body_matches": r"count.: \d,"}, None),
        ({"body_matches": r"^x"}, "the body does not match '^x'"),
        ({"header_equals": {"X-Relocate-Side": "mec-b"}}, None),
        ({"header_equals": {"x-relocate-side": "mec-a"}}, "header x-relocate-side is 'mec-b', expected 'mec-a'"),
        ({"header_equals": {"x-epoch": "1"}}, "header x-epoch is None, expected '1'"),
        ({"json_equals": {"/ready": True, "/items/0/name": "a/b", "/a~1b/~0": None}}, None),
        ({"json_equals": {"/count": True}}, "JSON at '/count' is 1, expected true"),
        ({"json_equals": {"/items/1": 1}}, "the JSON body has nothing at '/items/1'"),
        ({"json_equals": {"/ready/x": 1}}, "the JSON body has nothing at '/ready/x'"),
    ],
)
def test_headers_and_body(expected: dict[str, object], sentence: str | None) -> None:
    """What is named must hold, and the sentence says what was found."""
    assert problem(**expected) == sentence


@given(st.text(max_size=200))
def test_any_body_gets_an_answer(body: str) -> None:
    """Whatever a target sends, the judgement is a sentence or None."""
    sentence = problem(body=body, json_equals={"/a/0": 1})
    assert sentence is not None
