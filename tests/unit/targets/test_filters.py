# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime, timedelta

import pytest

from relocate.targets import filters

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BACKOFF = timedelta(seconds=300)


def why(offer, found, **asked):
    """Every reason against `found` as a target."""
    request = offer(found, **asked)
    return filters.reasons(found, filters.moving(request, BACKOFF))


@pytest.mark.parametrize(
    ("known", "asked", "reason"),
    [
        ({"cluster": "mec-a"}, {}, "the application runs here now"),
        ({"ready": None}, {}, "whether it answers is unknown"),
        ({"ready": False}, {}, "it does not answer"),
        ({"cordoned": True}, {}, "it is cordoned"),
        ({"labels": {"tier": "core"}}, {"labels": {"tier": "edge"}}, "it lacks the label tier=edge"),
        ({"cells": ("one",)}, {"cell": "two"}, "it serves neither cell two nor its zone"),
        ({"latency_ms": 22.0}, {"max_latency_ms": 15}, "its latency is 22 ms, and at most 15 ms are allowed"),
        ({}, {"max_latency_ms": 15}, "its latency is unknown, and at most 15 ms are allowed"),
        ({"latency_ms": float("nan")}, {"max_latency_ms": 15}, "its latency is unknown, and at most 15 ms are allowed"),
        (
            {"cpu_free_millicores": 1},
            {"cpu_millicores": 2},
            "its free CPU is 1 millicores, and 2 millicores are needed",
        ),
        ({}, {"memory_mib": 2}, "its free memory is unknown, and 2 MiB are needed"),
        (
            {"failed_at": NOW - timedelta(seconds=40)},
            {},
            "a relocation to it failed 40 s ago; it is left alone for 300 s",
        ),
    ],
)
def test_each_filter_says_why(candidate, offer, known, asked, reason):
    """A candidate that breaks one rule gets that rule's reason, and no other."""
    found = candidate(**{"cluster": "mec-b", **known})
    assert why(offer, found, **asked) == (reason,)


def test_every_reason_is_told(candidate, offer):
    """A candidate that breaks several rules gets all the reasons."""
    found = candidate("mec-a", ready=False, cordoned=True)
    assert why(offer, found) == ("the application runs here now", "it does not answer", "it is cordoned")


def test_unknown_passes_where_nothing_is_asked(candidate, offer):
    """With nothing required, nothing needs to be known but that the cluster answers."""
    assert why(offer, candidate("mec-b"), cell="one") == ()


def test_failure_is_forgiven_after_the_backoff(candidate, offer):
    """A failure as old as the back-off no longer counts."""
    assert why(offer, candidate("mec-b", failed_at=NOW - BACKOFF)) == ()


@pytest.mark.parametrize(
    ("known", "fits"),
    [
        ({"cells": ("two",)}, True),
        ({"cells": ("one",), "zone": "east"}, True),
        ({"zone": "east"}, True),
        ({"zone": "west"}, False),
        ({"cells": ("one",)}, False),
        ({}, True),
    ],
)
def test_zone_or_cell_is_served(candidate, offer, known, fits):
    """A cluster serves a cell that it lists, or that lies in its zone; one that lists neither serves all."""
    found = candidate("mec-b", **known)
    near = candidate("mec-c", cells=("two",), zone="east")
    area = filters.Area.of(offer(found, near, cell="two"))
    assert (filters.serves(found, area) is None) is fits


def test_zone_does_not_count_while_the_cells_zone_is_unknown(candidate, offer):
    """A cluster with a zone and no cells is not turned away when nobody knows where the cell is."""
    found = candidate("mec-b", zone="west")
    assert why(offer, found, cell="two") == ()
