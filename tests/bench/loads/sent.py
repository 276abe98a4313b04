# SPDX-License-Identifier: Apache-2.0
"""What a load generator says about its own requests, and how that is read from its files. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

OK = 200


@dataclass(frozen=True)
class Sent:
    """One generator's own account."""

    name: str
    ids: frozenset[str]
    """Every request that it sent."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Those that failed, and why."""
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Those that got the answer to another request, and whose."""
    unnamed: tuple[str, ...] = ()
    """Why requests failed, where the generator does not say which."""

    @property
    def bad(self) -> int:
        """How many were lost or wrong, as it counts."""
        return len(self.failed) + len(self.wrong) + len(self.unnamed)


def of_vegeta(name: str, lines: Iterable[str]) -> Sent:
    """From what `vegeta encode -to json` prints: each request with its URL, which holds its id, and its answer."""
    ids, failed, wrong = set(), {}, {}
    for result in map(json.loads, lines):
        request = parse_qs(urlsplit(result["url"]).query)["id"][0]
        ids.add(request)
        answered = ((result["headers"] or {}).get("X-Request-Id") or [""])[0]
        if result["code"] != OK:
            failed[request] = result["error"] or f"status {result['code']}"
        elif answered != request:
            wrong[request] = f"got the answer to {answered!r}"
    return Sent(name, frozenset(ids), failed, wrong)


def of_ghz(name: str, prefix: str, report: Mapping[str, Any]) -> Sent:
    """From ghz's JSON report. It numbers its requests from 0, and does not say which of them failed."""
    ids = frozenset(f"{prefix}{number}" for number in range(report["count"]))
    reasons = tuple(f"{one['status']}: {one['error']}" for one in report["details"] or () if one["status"] != "OK")
    return Sent(name, ids, unnamed=reasons)


def joined(name: str, parts: Iterable[Sent]) -> Sent:
    """Several processes of one generator as one."""
    every = list(parts)
    return Sent(
        name,
        frozenset().union(*(one.ids for one in every)),
        {request: reason for one in every for request, reason in one.failed.items()},
        {request: reason for one in every for request, reason in one.wrong.items()},
        tuple(reason for one in every for reason in one.unnamed),
    )
