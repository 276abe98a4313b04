# SPDX-License-Identifier: Apache-2.0
"""A database of its own for each test, with the schema that migrations make."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from relocate.store.database import Database
from relocate.store.migrate import prepare


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared database, made once."""
    file = tmp_path_factory.mktemp("template") / "relocate.db"
    prepare(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(template: Path, tmp_path: Path) -> str:
    """Where a fresh, prepared database is."""
    file = tmp_path / "relocate.db"
    file.write_bytes(template.read_bytes())
    return f"sqlite:///{file}"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A fresh database."""
    database = Database.open(url)
    yield database
    database.close()
