# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from relocate.model.cluster import Cluster

CLUSTERS = """\
kind: Cluster
name: mec-c
driver: memory
zone: east
---
kind: Cluster
name: mec-d
driver: memory
"""


def test_apply_puts_every_document(relocate, database, tmp_path):
    """Each document of a file is configured."""
    file = tmp_path / "all.yaml"
    file.write_text(CLUSTERS)
    result = relocate("apply", "-f", str(file))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "Cluster mec-c applied\nCluster mec-d applied\n"
    assert database.catalogue.get(Cluster, "mec-c").zone == "east"


def test_apply_reads_stdin(relocate, database):
    """A dash means stdin, and -o json prints what the server keeps."""
    result = relocate("apply", "-f", "-", "-o", "json", input=CLUSTERS)
    assert [entry["name"] for entry in json.loads(result.stdout)] == ["mec-c", "mec-d"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: Clutter\nname: x\n", "document 1: kind: must be one of Application, Cluster, Gateway"),
        ("kind: Cluster\nname: UPPER\ndriver: memory\n", "document 1: name: "),
        (
            CLUSTERS + "---\nkind: Cluster\nname: mec-c\ndriver: memory\n",
            "document 3: name: Cluster mec-c stands already",
        ),
        ("{", "is not YAML"),
        ("", "holds no document"),
    ],
)
def test_broken_file_sends_nothing(relocate, database, tmp_path, text, told):
    """A file with a mistake anywhere is refused before anything is sent, naming document and field."""
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    result = relocate("apply", "-f", str(file))
    assert result.exit_code == 2
    assert told in result.stderr
    assert "Nothing was sent." in result.stderr
    assert len(database.catalogue.list(Cluster)) == 2


def test_missing_file_is_told(relocate):
    """A file that is not there is named."""
    result = relocate("apply", "-f", "nowhere.yaml")
    assert result.exit_code == 2
    assert "nowhere.yaml: cannot be read: No such file" in result.stderr


def test_refused_document_says_what_was_kept(relocate, database):
    """When the server refuses a document, those before it are kept, and the error says so."""
    result = relocate(
        "apply", "-f", "-", input=CLUSTERS.replace("name: mec-d\ndriver: memory", "name: mec-d\ndriver: odd")
    )
    assert result.exit_code == 3
    assert "stdin, document 2: The request makes no sense: " in result.stderr
    assert "Kept before it: Cluster mec-c." in result.stderr


def test_place_runs_the_first_instance(relocate, database):
    """A placed application serves from its cluster."""
    result = relocate("place", "assist", "mec-a")
    assert (result.exit_code, result.stdout) == (0, "assist serves from mec-a (assist-1).\n")
    assert database.placements.active("assist").cluster == "mec-a"


def test_place_twice_is_refused(relocate):
    """An application that is placed already is not placed again."""
    relocate("place", "assist", "mec-a")
    result = relocate("place", "assist", "mec-b")
    assert result.exit_code == 3
    assert result.stderr == "The request makes no sense: name: assist is placed already\n"
