# SPDX-License-Identifier: Apache-2.0
import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.containers.postgresql import Server


def test_databases_do_not_mix(postgresql: Server) -> None:
    """A table in one is not in another; a copy of one has it."""
    with postgresql.database("one") as one, postgresql.database("two") as two:
        _run(one, "CREATE TABLE seen (n int)")
        with pytest.raises(Exception, match="does not exist"):
            _run(two, "SELECT * FROM seen")
        with postgresql.database("copy", template=one.rpartition("/")[2]) as copy:
            _run(copy, "SELECT * FROM seen")


def test_the_server_speaks_utf_8(postgresql: Server) -> None:
    """As upstream's does: text is counted in characters."""
    with psycopg.connect(postgresql.url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT length('żółć')").fetchone() == (4,)
        assert connection.info.parameter_status("server_encoding") == "UTF8"


def _run(url: str, statement: str) -> None:
    made = create_engine(url)
    try:
        with made.begin() as connection:
            connection.execute(text(statement))
    finally:
        made.dispose()
