# SPDX-License-Identifier: Apache-2.0
"""One writer for what many have to store; here, the words of many control connections."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from steering.store.batches import Batches
from steering.store.gateways import Connected, GatewayStore, Session, Stand, Told, Word

TOO_LARGE = 2**70
"""A version that no database column holds."""


class CountingStore(GatewayStore):
    """The store, which counts its transactions and may be locked."""

    is_locked = False

    def __init__(self, made: Engine) -> None:
        """Args: made: the database."""
        super().__init__(made)
        self.transactions: list[int] = []
        """How many words each had."""

    def record(self, words: Sequence[Word]) -> Sequence[bool]:
        """As the store's."""
        self.transactions.append(len(words))
        if self.is_locked:
            raise OperationalError("insert", {}, Exception("database is locked"))
        return super().record(words)


@pytest.fixture
def store(made: Engine) -> CountingStore:
    """In a database of its own."""
    return CountingStore(made)


def _session(number: int, *, turn: int = 1) -> Session:
    return Session(gateway="edge", instance=f"edge-{number}", id=f"{number}.{turn}", replica="r1")


async def test_what_waits_is_stored_together(store: CountingStore) -> None:
    """A hundred words at once are one transaction."""
    words = Batches(store.record)
    sessions = [_session(number) for number in range(100)]
    await asyncio.gather(*(words.store(Connected(one)) for one in sessions))
    told = [Told(one, {"shop": Stand(applied=1)}) for one in sessions]
    assert await asyncio.gather(*map(words.store, told)) == [True] * 100
    assert store.transactions == [100, 100]
    assert len(store.standing("edge", "shop").stands) == 100


async def test_each_connection_learns_what_became_of_its_word(store: CountingStore) -> None:
    """An older connection's word is refused, in the same transaction in which a newer one's is stored."""
    words = Batches(store.record)
    old, new, other = _session(1), _session(1, turn=2), _session(2)
    await asyncio.gather(*(words.store(Connected(one)) for one in (old, new, other)))
    told = [Told(one, {"shop": Stand(applied=int(one.id[-1]))}) for one in (old, new, other)]
    assert await asyncio.gather(*map(words.store, told)) == [False, True, True]
    stands = store.standing("edge", "shop").stands
    assert {name: one.applied for name, one in stands.items()} == {"edge-1": 2, "edge-2": 1}


async def test_one_bad_word_harms_nobody_else(store: CountingStore) -> None:
    """A word that cannot be stored is told to its connection alone; all others are stored."""
    words = Batches(store.record)
    sessions = [_session(number) for number in range(10)]
    await asyncio.gather(*(words.store(Connected(one)) for one in sessions))
    told = [Told(one, {"shop": Stand(held=TOO_LARGE if one.id == "3.1" else 1)}) for one in sessions]
    outcomes = await asyncio.gather(*map(words.store, told), return_exceptions=True)
    assert [one for one, outcome in enumerate(outcomes) if outcome is not True] == [3]
    assert len(store.standing("edge", "shop").stands) == 9


async def test_locked_database_is_said_to_all_and_the_writer_goes_on(store: CountingStore) -> None:
    """While the database is locked each connection learns it after one attempt, not one for each; then all goes on."""
    words = Batches(store.record)
    store.is_locked = True
    connected = [Connected(_session(number)) for number in range(10)]
    outcomes = await asyncio.gather(*map(words.store, connected), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {OperationalError}
    store.is_locked = False
    assert await asyncio.gather(*map(words.store, connected)) == [True] * 10
    assert store.transactions == [10, 10]
