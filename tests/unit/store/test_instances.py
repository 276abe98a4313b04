# SPDX-License-Identifier: Apache-2.0
"""What is kept of instances for drivers whose clusters keep nothing."""

import pytest

from relocate.store.database import Database
from relocate.store.instances import Key
from steering.model import Fence

KEY = Key("mec-a", "shop", "shop-1")


def at(lease: int, sequence: int) -> Fence:
    """A fence."""
    return Fence(lease=lease, sequence=sequence)


def test_the_highest_fence_is_kept(database: Database) -> None:
    """Also of an instance that there is not; the same fence again is a repeat, a lower one tells what was seen."""
    kept = database.instances
    assert kept.admit(KEY, at(2, 5)) == at(2, 5)
    assert kept.admit(KEY, at(2, 5)) == at(2, 5)
    assert kept.admit(KEY, at(2, 4)) == at(2, 5)
    assert kept.admit(KEY, at(1, 9)) == at(2, 5)
    assert kept.admit(KEY, at(3, 0)) == at(3, 0)
    assert kept.admit(KEY._replace(instance="shop-2"), at(1, 0)) == at(1, 0)


def test_something_is_remembered_under_the_fence_that_was_admitted(database: Database) -> None:
    """Whoever was overtaken, or never let in, changes nothing."""
    kept = database.instances
    assert kept.keep(KEY, at(1, 1), {"one": 1}) == at(0, 0)
    kept.admit(KEY, at(1, 1))
    assert kept.keep(KEY, at(1, 1), {"one": 1}) == at(1, 1)
    kept.admit(KEY, at(1, 2))
    assert kept.keep(KEY, at(1, 1), {"two": 2}) == at(1, 2)
    assert kept.body(KEY) == {"one": 1}
    assert kept.of("shop") == {KEY: {"one": 1}}
    assert kept.keep(KEY, at(1, 2), None) == at(1, 2)
    assert (kept.body(KEY), kept.of("shop")) == (None, {})


def test_of_instances_that_are_gone_the_latest_are_remembered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody may still order is recent; one that is there is never forgotten."""
    monkeypatch.setattr("relocate.store.instances.MOST", 10)
    kept = database.instances
    kept.admit(KEY, at(1, 0))
    kept.keep(KEY, at(1, 0), {"here": True})
    for number in range(2, 14):
        kept.admit(KEY._replace(instance=f"shop-{number}"), at(number, 0))
    assert kept.body(KEY) == {"here": True}
    assert kept.admit(KEY._replace(instance="shop-2"), at(1, 0)) == at(1, 0)
    assert kept.admit(KEY._replace(instance="shop-9"), at(1, 0)) == at(9, 0)
