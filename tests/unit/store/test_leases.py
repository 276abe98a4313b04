# SPDX-License-Identifier: Apache-2.0
"""The fence of an application only rises."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from relocate.errors import AlreadyRelocating, StaleFence
from relocate.store.database import Database
from steering.model import Fence

NUMBERS = itertools.count()
FENCES = st.builds(Fence, lease=st.integers(1, 3), sequence=st.integers(0, 3))


def test_a_step_and_its_repeat_pass(database: Database) -> None:
    """The same attempt again is fine, and so is every later step."""
    lease = database.leases.take("app", "rel-1")
    for sequence in (1, 1, 2, 7):
        database.leases.advance("app", Fence(lease=lease, sequence=sequence))


def test_a_step_that_was_overtaken_is_refused(database: Database) -> None:
    """After an undo the step that it undid comes too late, and the error says where the application is."""
    lease = database.leases.take("app", "rel-1")
    database.leases.advance("app", Fence(lease=lease, sequence=5))
    with pytest.raises(StaleFence, match="app is at lease 1, step 5"):
        database.leases.advance("app", Fence(lease=lease, sequence=4))


def test_a_new_lease_shuts_out_every_step_of_the_old(database: Database) -> None:
    """However far the old one had come."""
    old = database.leases.take("app", "rel-1")
    database.leases.advance("app", Fence(lease=old, sequence=99))
    database.leases.give_back("app", "rel-1")
    new = database.leases.take("app", "rel-2")
    assert new == old + 1
    with pytest.raises(StaleFence):
        database.leases.advance("app", Fence(lease=old, sequence=100))
    database.leases.advance("app", Fence(lease=new, sequence=1))


def test_a_lease_that_was_given_back_lets_nobody_in(database: Database) -> None:
    """What hung until its run had ended comes too late, though nobody has taken the lease since."""
    lease = database.leases.take("app", "rel-1")
    database.leases.advance("app", Fence(lease=lease, sequence=5))
    database.leases.give_back("app", "rel-1")
    with pytest.raises(StaleFence, match="has been given back"):
        database.leases.advance("app", Fence(lease=lease, sequence=5))


def test_a_lease_is_held_by_one(database: Database) -> None:
    """A placement waits for a relocation as a relocation for a placement."""
    database.leases.take("app", "place-1")
    with pytest.raises(AlreadyRelocating):
        database.leases.take("app", "rel-1")
    assert database.leases.holder("app") == "place-1"


def test_only_the_holder_gives_it_back(database: Database) -> None:
    """Somebody else's give_back changes nothing."""
    database.leases.take("app", "rel-1")
    database.leases.give_back("app", "rel-0")
    assert database.leases.holder("app") == "rel-1"
    database.leases.give_back("app", "rel-1")
    assert database.leases.holder("app") is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(FENCES, min_size=1, max_size=8))
def test_what_passes_never_falls(database: Database, fences: list[Fence]) -> None:
    """Whatever order attempts come in, those that pass rise, and one that is refused is below the highest so far."""
    application = f"app-{next(NUMBERS)}"
    database.leases.take(application, "rel")
    highest = Fence(lease=1, sequence=0)
    for fence in fences:
        if fence < highest:
            with pytest.raises(StaleFence):
                database.leases.advance(application, fence)
        else:
            database.leases.advance(application, fence)
            highest = fence
    database.leases.give_back(application, "rel")
