# SPDX-License-Identifier: Apache-2.0
"""A database that does not answer, or a row that somebody sits on, holds nobody for longer than was said."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import Engine, make_url, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError

from relocate.settings import Settings
from relocate.store.database import Database
from relocate.store.tables import LEASES
from steering.model import Fence
from steering.store.engine import engine
from steering.store.postgresql import MARGIN_SECONDS
from tests.line import Line

PATIENCE_SECONDS = 1.0
MOST_SECONDS = 3 * (PATIENCE_SECONDS + MARGIN_SECONDS)
"""A question that finds its connection dead, a new connection, and some for a busy machine."""

pytestmark = pytest.mark.parametrize("kind", ["postgresql"])


@pytest.fixture
def impatient(url: str) -> Iterator[Engine]:
    """An engine that waits for a second."""
    opened = engine(url, timeout_seconds=PATIENCE_SECONDS)
    yield opened
    opened.dispose()


@pytest.fixture
async def line(url: str) -> AsyncIterator[Line]:
    """A network to the server."""
    carrying = Line(make_url(url).port or 5432)
    await carrying.start()
    yield carrying
    await carrying.close()


@pytest.fixture
def far(url: str, line: Line) -> Iterator[Engine]:
    """As `impatient`, over the network."""
    there = make_url(url).set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False)
    opened = engine(there, timeout_seconds=PATIENCE_SECONDS)
    yield opened
    opened.dispose()


def _ask(made: Engine, statement: str = "SELECT 1") -> float:
    """How long until it failed."""
    begun = time.monotonic()
    with pytest.raises(DBAPIError), made.connect() as connection:
        connection.execute(text(statement))
    return time.monotonic() - begun


def test_a_statement_ends_in_time(impatient: Engine) -> None:
    """By the server, so that its connection can be used again."""
    with impatient.connect() as connection, pytest.raises(OperationalError, match="statement timeout"):
        connection.execute(text("SELECT pg_sleep(60)"))
    with impatient.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_a_row_that_somebody_sits_on_is_not_waited_for_in_vain(impatient: Engine, database: Database) -> None:
    """Whoever was frozen in the middle of a transaction loses it, and others go on; it cannot commit when it wakes."""
    database.leases.take("app", "rel-1")
    frozen = impatient.connect()
    frozen.execute(update(LEASES).values(sequence=7))
    begun = time.monotonic()
    database.leases.advance("app", Fence(lease=1, sequence=3))
    assert time.monotonic() - begun < MOST_SECONDS
    with pytest.raises(DBAPIError):
        frozen.execute(select(LEASES))
    frozen.close()
    database.leases.check("app", Fence(lease=1, sequence=3))


async def test_a_server_that_is_silent_is_given_up(far: Engine, line: Line) -> None:
    """An open connection and a new one fail in time, as when the server was frozen; afterwards all is well again."""

    def answers() -> int:
        with far.connect() as connection:
            return int(connection.execute(text("SELECT 1")).scalar_one())

    assert await asyncio.to_thread(answers) == 1
    async with line.silent():
        for _ in range(2):
            assert await asyncio.to_thread(_ask, far) < MOST_SECONDS
    assert await asyncio.to_thread(answers) == 1


async def test_a_commit_that_is_not_answered_is_given_up(far: Engine, line: Line) -> None:
    """Also where it is the last word that hangs."""
    connection = await asyncio.to_thread(far.connect)
    await asyncio.to_thread(connection.execute, text("CREATE TABLE seen (n int)"))
    async with line.silent():
        begun = time.monotonic()
        with pytest.raises(DBAPIError):
            await asyncio.to_thread(connection.commit)
        assert time.monotonic() - begun < MOST_SECONDS
    await asyncio.to_thread(connection.close)


def test_how_long_that_is_can_be_said(url: str) -> None:
    """By a setting, which reaches every connection."""
    settings = Settings(database_url=url, database_timeout_seconds=17)
    made = engine(settings.database)
    with made.connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar() == "17s"
        assert connection.execute(text("SHOW idle_in_transaction_session_timeout")).scalar() == "17s"
    made.dispose()
