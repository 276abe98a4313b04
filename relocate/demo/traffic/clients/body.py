# SPDX-License-Identifier: Apache-2.0
"""What the sample application's answers say, in every protocol: `id`, `instance` and `cluster` in a JSON object."""

import json
from typing import Any

from relocate.demo.traffic.ledger import Answer, failed, wrong

OK = 200
SERVER_ERROR = 500

REQUEST_ID_HEADER = "x-request-id"
CELL_HEADER = "x-ue-cell"


def read_object(body: str | bytes) -> dict[str, Any]:
    """The body as a JSON object; anything else is a wrong answer."""
    try:
        value = json.loads(body)
    except ValueError:
        raise wrong("the body is not JSON") from None
    if not isinstance(value, dict):
        raise wrong("the body is not a JSON object")
    return value


def read_answer(value: dict[str, Any], side: str | None) -> Answer:
    """Who answered; an answer without a name is not from an instance of the application."""
    instance, cluster = value.get("instance"), value.get("cluster")
    if not isinstance(instance, str) or not instance or not isinstance(cluster, str):
        raise wrong("no instance of the application answered")
    return Answer(instance, cluster, side)


def checked_answer(body: str | bytes, request_id: str, side: str | None) -> Answer:
    """The answer to this very request; another's is wrong."""
    value = read_object(body)
    answered = value.get("id", value.get("request"))
    if answered != request_id:
        raise wrong(f"the answer is for request {answered!r}")
    return read_answer(value, side)


def checked_response(status: int, body: bytes, request_id: str, side: str | None) -> Answer:
    """The answer of an HTTP response: 5xx is no answer, and everything else but 200 is a wrong one."""
    if status >= SERVER_ERROR:
        raise failed(f"status {status}")
    if status != OK:
        raise wrong(f"status {status}")
    return checked_answer(body, request_id, side)
