# SPDX-License-Identifier: Apache-2.0
"""`relocate verify`, on files alone: no API is asked, and none runs."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from relocate.cli.program import app
from relocate.evidence.keys import as_pem
from tests.evidence.forging import KEY, recorded, signed
from tests.evidence.test_forgeries import a_drain_with_requests_left


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record that agrees, one that does not, and the key; there is no network."""
    record = recorded("completed")
    (tmp_path / "good.json").write_bytes(signed(record))
    (tmp_path / "bad.json").write_bytes(signed(a_drain_with_requests_left(record)))
    (tmp_path / "key.pem").write_text(as_pem(KEY.public_key()))

    def refuse(*_: object) -> None:
        raise AssertionError("verify used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tmp_path


def run(*arguments: object) -> Result:
    """The command."""
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_a_record_that_agrees_ends_with_0(files: Path) -> None:
    """The verdict, the signature, and how much was recomputed."""
    result = run(files / "good.json", "--key", files / "key.pem")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "completed; 2 gateway instances have the last document" in lines[0]
    assert lines[1] == "Signature: signed by a key that was given."
    assert lines[-1] == "The record agrees with its samples."


def test_a_record_that_disagrees_ends_with_1(files: Path) -> None:
    """Each disagreement is a line with the entry's number."""
    result = run(files / "bad.json", "--key", files / "key.pem")
    assert result.exit_code == 1
    assert "The record disagrees with its samples in" in result.stdout
    assert "but the counts do not show 0.3 s without use" in result.stdout


def test_json_is_for_programs(files: Path) -> None:
    """The same as one object."""
    told = json.loads(run(files / "bad.json", "-o", "json").stdout)
    assert told["agrees"] is False
    assert told["disagreements"][0]["entry"] > 0
    assert told["ended"] is True


def test_without_a_key_it_is_said_that_nobody_knows_who_signed(files: Path) -> None:
    """It agrees, and shows only that nothing was changed."""
    result = run(files / "good.json")
    assert result.exit_code == 0
    assert "by the key that it names itself" in result.stdout


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00"])
def test_a_file_that_is_no_record_ends_with_2(files: Path, content: bytes) -> None:
    """The reason is on stderr, and nothing on stdout."""
    (files / "other.json").write_bytes(content)
    result = run(files / "other.json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no DSSE envelope" in result.stderr


def test_a_file_that_is_not_there_ends_with_2(files: Path) -> None:
    """Also a key that is none."""
    assert run(files / "missing.json").exit_code == 2
    result = run(files / "good.json", "--key", files / "bad.json")
    assert result.exit_code == 2
    assert "holds no public key" in result.stderr


def test_a_key_of_somebody_else_ends_with_1(files: Path) -> None:
    """The file is whole, and not signed by whom it should be."""
    envelope = json.loads((files / "good.json").read_text())
    (files / "unsigned.json").write_text(json.dumps({**envelope, "signatures": []}))
    assert run(files / "unsigned.json").exit_code == 1
    assert run(files / "unsigned.json", "--allow-unsigned").exit_code == 0
