# SPDX-License-Identifier: Apache-2.0
"""What an Envoy's counters say about one side of a route. Pure; the admin interface is asked by the adapter."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from steering.envoy import names
from steering.model import InstanceUsage

_OPEN = ("upstream_rq_active", "upstream_rq_pending_active")
"""Requests and streams under way, WebSockets included, and those that wait for a connection (reference: envoy.md, 6)."""

_SENT = "upstream_rq_total"
_BROKEN = ("upstream_rq_pending_failure_eject", "upstream_rq_rx_reset")
"""Attempts that found no connection, or that the instance broke off; also those that a second attempt made good."""

_ANSWERED = "upstream_rq_5xx"
"""Answers 5xx. Under fail-over Envoy counts them on the aggregate that the request was meant for, not on the side."""


def pattern(route: str, backend: str) -> str:
    """The admin interface's `filter` (RE2): the side's clusters on every port and its aggregates, never its probes'."""
    counters = "|".join((*_OPEN, _SENT, *_BROKEN, _ANSWERED))
    return rf"^cluster\.{re.escape(route)}/[^/]+/{re.escape(backend)}(>[^/.]+)?\.({counters})$"


def usage(instance: str, answer: Mapping[str, Any], route: str, backend: str, ports: Iterable[str]) -> InstanceUsage:
    """Add up what one instance counts.

    A cluster that Envoy knows always has its gauges, so a side without them is one that this Envoy does not know:
    unknown, not zero. Counters of answers come into being with the first answer of the kind: without one there was none.
    A request that failed for good counts as a broken attempt and as an answer, and one that found no connection as an attempt
    that was never sent: errors are an upper bound. They are not cut to what was sent: whoever compares two moments would
    take each good answer for an error, from when the sum has once been higher.

    Args:
        instance: the gateway instance's id.
        answer: the JSON of `/stats?format=json` under `pattern`.
        route: the route's name.
        backend: the side's name.
        ports: the route's ports; each must be known.
    """
    values = {found["name"]: int(found["value"]) for found in answer.get("stats", []) if "value" in found}
    open_now = sent = failed = 0
    for port in ports:
        cluster = f"cluster.{names.side(route, port, backend)}"
        if any(f"{cluster}.{name}" not in values for name in (*_OPEN, _SENT)):
            reason = f"this Envoy does not know {names.side(route, port, backend)}"
            return InstanceUsage(instance=instance, in_flight=None, requests_total=None, reason=reason)
        open_now += sum(values[f"{cluster}.{name}"] for name in _OPEN)
        sent += values[f"{cluster}.{_SENT}"]
        failed += sum(values.get(f"{cluster}.{name}", 0) for name in (*_BROKEN, _ANSWERED))
        failed += sum(
            value for name, value in values.items() if name.startswith(f"{cluster}>") and name.endswith(_ANSWERED)
        )
    return InstanceUsage(instance=instance, in_flight=open_now, requests_total=sent, errors_total=failed)
