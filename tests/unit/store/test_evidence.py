# SPDX-License-Identifier: Apache-2.0
"""A changed record is found."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import delete, update
from sqlalchemy.exc import SQLAlchemyError

from relocate.errors import StaleFence
from relocate.model.chain import GENESIS, broken_link
from relocate.model.evidence import Claim, Entry
from relocate.store.database import Database
from relocate.store.evidence import Attempt
from relocate.store.tables import EVIDENCE
from steering.model import Fence, Rung
from steering.store.engine import writing


def _claims(count: int = 5) -> list[Claim]:
    return [Claim(rung=Rung.PROBED, sentence=f"claim {number}", detail={"n": number}) for number in range(count)]


@pytest.fixture
def record(database: Database) -> list[Entry]:
    """Five claims, appended in two goes."""
    database.evidence.append("rel-1", _claims()[:2])
    database.evidence.append("rel-1", _claims()[2:])
    return list(database.evidence.of("rel-1"))


def test_a_record_is_one_whole_chain(record: list[Entry]) -> None:
    """Entries are numbered through, each names the digest of the one before, and they read back as they were."""
    assert [entry.seq for entry in record] == [1, 2, 3, 4, 5]
    assert [entry.claim for entry in record] == _claims()
    assert [entry.previous for entry in record] == [GENESIS, *(entry.digest for entry in record[:-1])]
    assert broken_link(record) is None


def test_an_empty_record_is_whole(database: Database) -> None:
    """Nothing was said, so nothing was changed; appending nothing adds nothing."""
    assert database.evidence.append("rel-1", []) == []
    assert broken_link(database.evidence.of("rel-1")) is None


def test_records_do_not_mix(database: Database, record: list[Entry]) -> None:
    """Each relocation has a chain of its own."""
    (first,) = database.evidence.append("rel-2", _claims(1))
    assert (first.seq, first.previous) == (1, GENESIS)
    assert list(database.evidence.of("rel-1")) == record


def test_an_attempt_that_was_given_up_says_nothing_any_more(database: Database) -> None:
    """Neither behind a later attempt of its step, nor behind a newer step; what follows in its turn is taken."""
    lease = database.leases.take("shop", "rel-1")

    def say(sequence: int, attempt: int) -> None:
        fence = Fence(lease=lease, sequence=sequence)
        database.evidence.append("rel-1", _claims(1), Attempt("shop", fence, attempt))

    say(4, 1)
    say(4, 2)
    with pytest.raises(StaleFence, match="attempt 2 of step 4"):
        say(4, 1)
    say(5, 1)
    database.leases.advance("shop", Fence(lease=lease, sequence=6))
    with pytest.raises(StaleFence):
        say(5, 2)
    assert len(database.evidence.of("rel-1")) == 3


CHANGES: dict[str, Any] = {
    "claim": lambda entry: {"claim": entry.claim.model_copy(update={"holds": not entry.claim.holds})},
    "at": lambda entry: {"at": entry.at.replace(year=2020)},
    "digest": lambda _: {"digest": "f" * 64},
    "previous": lambda _: {"previous": "f" * 64},
    "relocation": lambda _: {"relocation": "rel-2"},
}


@pytest.mark.parametrize("field", list(CHANGES))
@pytest.mark.parametrize("place", range(5))
def test_a_changed_entry_is_found_where_it_is(record: list[Entry], place: int, field: str) -> None:
    """Whatever field of whatever entry was changed, its number is the answer."""
    record[place] = record[place].model_copy(update=CHANGES[field](record[place]))
    assert broken_link(record) == record[place].seq


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(5)), st.integers(1, 5))
def test_an_entry_moved_or_missing_in_between_is_found(record: list[Entry], order: list[int], kept: int) -> None:
    """Any order but the true one is broken; a beginning of the true order is whole."""
    changed = [record[place] for place in order[:kept]]
    assert (broken_link(changed) is None) == (order[:kept] == list(range(kept)))


def test_a_row_changed_in_the_database_is_found(database: Database, record: list[Entry]) -> None:
    """Somebody with access to the database cannot change the past unseen."""
    third = (EVIDENCE.c.relocation == "rel-1") & (EVIDENCE.c.seq == 3)
    forged = {**record[2].claim.model_dump(mode="json"), "sentence": "nothing was lost"}
    with writing(database.engine) as connection:
        connection.execute(update(EVIDENCE).where(third).values(claim=forged))
    assert broken_link(database.evidence.of("rel-1")) == 3


def test_a_row_deleted_in_the_database_is_found(database: Database, record: list[Entry]) -> None:
    """The first entry after the hole does not follow."""
    with writing(database.engine) as connection:
        connection.execute(delete(EVIDENCE).where(EVIDENCE.c.seq == 2))
    assert broken_link(database.evidence.of("rel-1")) == 3


FULL = {
    "sqlite": (
        "CREATE TRIGGER too_many BEFORE INSERT ON evidence WHEN NEW.seq = 7 BEGIN SELECT RAISE(ABORT, 'disk_is_full'); END",
        "DROP TRIGGER too_many",
    ),
    "postgresql": (
        "ALTER TABLE evidence ADD CONSTRAINT disk_is_full CHECK (seq <> 7)",
        "ALTER TABLE evidence DROP CONSTRAINT disk_is_full",
    ),
}
"""By database: how the seventh claim is refused, and not any more."""


def test_claims_are_appended_all_or_none(database: Database, record: list[Entry]) -> None:
    """A database that refuses one claim of several keeps none of them, and the chain goes on afterwards."""
    fill, empty = FULL[database.engine.dialect.name]
    with writing(database.engine) as connection:
        connection.exec_driver_sql(fill)
    with pytest.raises(SQLAlchemyError, match="disk_is_full"):
        database.evidence.append("rel-1", _claims(3))
    assert len(database.evidence.of("rel-1")) == 5
    with writing(database.engine) as connection:
        connection.exec_driver_sql(empty)
    database.evidence.append("rel-1", _claims(3))
    assert broken_link(database.evidence.of("rel-1")) is None
