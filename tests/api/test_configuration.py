# SPDX-License-Identifier: Apache-2.0
"""Configuration files."""

from pathlib import Path

import pytest
import yaml

from relocate.configuration import apply, load, parse
from relocate.errors import InvalidRequest
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.store.database import Database
from tests.api.conftest import APPLICATION

CLUSTER = "kind: Cluster\nname: mec-a\ndriver: memory\n"
GATEWAY = "kind: Gateway\nname: gw\nadapter: memory\n"


async def test_file_is_applied_in_the_order_of_references(tmp_path: Path, database: Database) -> None:
    """An application may stand before its gateway."""
    path = tmp_path / "edge.yaml"
    path.write_text("---\n" + "---\n".join([yaml.safe_dump(APPLICATION), CLUSTER, GATEWAY]))
    told = await apply(database, load(path), database_url="sqlite://")
    assert told == ["Gateway gw created", "Cluster mec-a created", "Application assist created"]
    assert database.catalogue.get(Application, "assist").routes[0].gateways == ("gw",)
    assert (await apply(database, load(path), database_url="sqlite://"))[0] == "Gateway gw updated"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "edge.yaml: holds no document"),
        ("kind: [", "edge.yaml: is not YAML"),
        ("- a\n", "document 1: must be a mapping"),
        ("kind: Banana\n", "document 1: kind: must be one of Application, Cluster, Gateway"),
        (f"{CLUSTER}---\n{CLUSTER}", "document 2: name: Cluster mec-a stands already in edge.yaml, document 1"),
        (f"{CLUSTER}---\n{GATEWAY}speed: 3\n", "document 2: speed: Extra inputs"),
        (f"{CLUSTER}latency_ms: fast\n", "document 1: latency_ms: "),
        ("kind: Cluster\nname: Mec_A\ndriver: memory\n", "document 1: name: "),
        ("!!python/object:os.system {}\n", "is not YAML"),
        ("a: &a [x]\nkind: *a\n", "kind: must be one of"),
    ],
)
def test_broken_file_names_the_place(text: str, says: str) -> None:
    """File, document and field stand in the message."""
    with pytest.raises(InvalidRequest) as caught:
        parse(text, "edge.yaml")
    assert says in str(caught.value)


def test_missing_file_is_named(tmp_path: Path) -> None:
    """So is one that cannot be read."""
    with pytest.raises(InvalidRequest, match=r"none\.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequest, match="not UTF-8"):
        load(tmp_path / "odd.yaml")


async def test_nothing_is_kept_of_a_file_with_an_error(database: Database) -> None:
    """The second document's driver is unknown, so the first is not kept either."""
    documents = parse(f"{CLUSTER}---\nkind: Cluster\nname: mec-b\ndriver: abacus\n", "edge.yaml")
    with pytest.raises(InvalidRequest, match=r"edge\.yaml, document 2: driver: 'abacus' is unknown"):
        await apply(database, documents, database_url="sqlite://")
    assert database.catalogue.list(Cluster) == []
