# SPDX-License-Identifier: Apache-2.0
"""Strategies: valid documents of each kind, and documents with one thing wrong or strange."""

from typing import Any

from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
SECONDS = st.floats(0, 86400)
STEPS = st.sets(st.integers(1, 99), max_size=4).map(lambda found: [*sorted(found), 100])

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Whatever JSON can hold."""

DRAINS = st.fixed_dictionaries(
    {},
    optional={
        "window_seconds": SECONDS,
        "deadline_seconds": SECONDS,
        "at_deadline": st.sampled_from(["wait", "hold", "force"]),
    },
)

REQUESTS = st.fixed_dictionaries(
    {"application": NAMES},
    optional={
        "source": st.none() | st.just("from-here"),
        "candidates": st.lists(NAMES, min_size=1, max_size=3),
        "labels": st.dictionaries(NAMES, st.text(max_size=8), max_size=2),
        "ue": st.fixed_dictionaries({"type": st.just("GPSI"), "value": st.text(min_size=1, max_size=8)}),
        "cell": st.text(min_size=1, max_size=8),
        "reason": st.text(max_size=8),
        "options": st.fixed_dictionaries({}, optional={"steps": STEPS, "hold_seconds": SECONDS, "drain": DRAINS}),
    },
)

APPLICATIONS = st.fixed_dictionaries(
    {
        "name": NAMES,
        "workloads": st.dictionaries(
            NAMES, st.dictionaries(NAMES, st.text(max_size=3), max_size=1), min_size=1, max_size=2
        ),
        "routes": st.just(
            [{"name": "web", "hosts": ["game.example"], "gateways": ["gw"], "ports": [{"name": "http"}]}],
        ),
        "readiness": st.fixed_dictionaries(
            {"probes": st.just([{"kind": "http"}])}, optional={"stable_seconds": st.floats(0, 9)}
        ),
    },
    optional={
        "policy": st.fixed_dictionaries({}, optional={"steps": STEPS, "bake_seconds": SECONDS, "drain": DRAINS}),
        "requirements": st.fixed_dictionaries({}, optional={"max_latency_ms": st.floats(0.1, 1000)}),
    },
)

CLUSTERS = st.fixed_dictionaries(
    {"name": NAMES, "driver": NAMES},
    optional={
        "cells": st.lists(st.text(max_size=4), max_size=2),
        "latency_ms": st.dictionaries(st.text(max_size=4), st.floats(0, 1000), max_size=2),
        "cpu_millicores": st.none() | st.integers(0, 10**6),
        "labels": st.dictionaries(NAMES, st.text(max_size=8), max_size=2),
    },
)


@st.composite
def routes(draw: st.DrawFn) -> dict[str, Any]:
    """A route document with one to four backends and one or two ports."""
    sides = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    ports = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(sides) - 1, max_size=len(sides) - 1)))
    weights = [upper - lower for lower, upper in zip([0, *cuts], [*cuts, 100], strict=True)]
    endpoints = {port: [{"host": "127.0.0.1", "port": 8080}] for port in ports}
    return {
        "route": draw(NAMES),
        "application": draw(NAMES),
        "hosts": ["game.example"],
        "ports": [{"name": port} for port in ports],
        "backends": [{"name": side, "instance": f"{side}-1", "endpoints": endpoints} for side in sides],
        "weights": dict(zip(sides, weights, strict=True)),
        "epoch": draw(st.text("abc", min_size=1, max_size=4)),
    }


@st.composite
def altered(draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]]) -> Any:
    """A document in which one value, somewhere, is anything."""
    return _altered(draw, draw(documents))


def _altered(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: _altered(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _altered(draw, value[place]), *value[place + 1 :]]
    return draw(ANYTHING)
