# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL server, in a container, and databases on it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count

import docker
import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.containers.fixtures import Containers
from tests.containers.images import POSTGRESQL, ensure

PORT = 5432
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
"""A test's data need not survive the machine."""

_numbers = count(1)


@dataclass(frozen=True)
class Server:
    """A server, and who may do everything on it."""

    url: str
    """SQLAlchemy's form."""
    container: str
    """Its id."""

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, as a copy of another one to which nobody is connected; its URL."""
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, template)
        return self.at(name)

    def drop(self, name: str) -> None:
        """Take a database away, whoever is connected."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def at(self, name: str) -> str:
        """The URL of a database on it."""
        return self._url.set(database=name).render_as_string(hide_password=False)

    @contextmanager
    def database(self, prefix: str, template: str = "template0") -> Iterator[str]:
        """A database of its own for as long as the block runs; its URL."""
        name = f"{prefix}_{next(_numbers)}"
        yield self.create(name, template)
        self.drop(name)

    @property
    def _url(self) -> URL:
        return make_url(self.url)

    def _run(self, statement: str, *names: str) -> None:
        parts = self._url.translate_connect_args(username="user", database="dbname")
        with psycopg.connect(**parts, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def start(containers: Containers, *settings: str, port: int | None = None) -> Server:
    """Start a server that lives as long as the run.

    Args:
        containers: of the run.
        settings: as `postgres -c` takes them.
        port: of this machine, for a server that is to be found there again when it was restarted; None takes a free one.
    """
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415, it reads the environment when imported

    with closing(docker.from_env()) as client:
        ensure(client, POSTGRESQL)
    made = PostgresContainer(POSTGRESQL.name, username="relocate", password="relocate", driver="psycopg")  # noqa: S106
    made.with_kwargs(labels=containers.labels)
    made.with_bind_ports(PORT, port)
    made.with_command(["postgres", *(part for one in settings for part in ("-c", one))])
    made.start()
    return Server(made.get_connection_url(), made.get_container_id())


def shared(containers: Containers) -> Server:
    """The server of this run; the first who asks starts it."""
    with containers.once("postgresql") as file:
        if file.exists():
            return Server(**json.loads(file.read_text()))
        server = start(containers, *FAST)
        file.write_text(json.dumps({"url": server.url, "container": server.container}))
    return server
