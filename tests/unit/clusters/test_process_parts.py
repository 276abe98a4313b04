# SPDX-License-Identifier: Apache-2.0
"""Parts of the process cluster that need no process."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from relocate.clusters.process import marks
from relocate.clusters.process.instance import describe_end
from relocate.clusters.process.ports import FIRST, LAST, NoPortLeft, Ports
from relocate.clusters.process.wire import Order, ProcessWorkload


def order(*command, ports=("http",), **env):
    """An order for this command."""
    return Order(ports=ports, workload=ProcessWorkload(command=command, env=env))


def test_placeholders_name_ports_that_exist():
    """In the command and in the environment; other braces are the program's own business."""
    order("{python}", "{port:http}", '{"a": {}}', URL="http://h:{port:http}")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [((("x", "{port:web}"), {}), "command.1"), ((("x",), {"URL": "{port:}"}), "env.URL")],
)
def test_a_placeholder_for_another_port_is_refused(wrong, field):
    """The message names the place."""
    command, env = wrong
    with pytest.raises(ValidationError, match=rf"{field}: .* names no port; the application's routes have http"):
        order(*command, **env)


def test_ports_lie_below_those_of_outgoing_connections_and_are_never_given_twice():
    """Port by port, until none is left."""
    ports = Ports("127.0.0.1")
    given = [ports.take(["http"])["http"] for _ in range(50)]
    assert len(set(given)) == 50
    assert all(FIRST <= port <= LAST for port in given)
    with pytest.raises(NoPortLeft, match=str(LAST)):
        ports.take(str(number) for number in range(LAST))


@pytest.mark.parametrize(
    ("status", "stderr", "sentence"),
    [
        (3, b"first\nlast words\n\n", "exited with status 3 after 1.2 s: last words"),
        (0, b"", "exited with status 0 after 1.2 s"),
        (-9, b"x" * 9000, "was ended by SIGKILL after 1.2 s: " + "x" * 300),
        (1, b"\xff\n", "exited with status 1 after 1.2 s: \ufffd"),
    ],
)
def test_an_end_is_described_in_one_sentence(tmp_path, status, stderr, sentence):
    """Status or signal, age, and the last line of stderr."""
    (tmp_path / "echo.stderr").write_bytes(stderr)
    assert describe_end(status, 1.23, tmp_path / "echo") == sentence


def test_an_end_without_a_log_is_described_all_the_same(tmp_path):
    """A log that is not there takes nothing from the rest."""
    assert describe_end(1, 0, tmp_path / "echo") == "exited with status 1 after 0.0 s"


def test_a_signal_without_a_name_is_described_by_its_number(tmp_path):
    """Real-time signals have no name."""
    assert describe_end(-40, 0, tmp_path / "echo") == "was ended by signal 40 after 0.0 s"


def test_this_process_is_never_among_the_marked(monkeypatch):
    """Whoever looks for a mark does not find, and so never kills, itself."""
    name = Path(f"/proc/{os.getpid()}/environ").read_text().partition("=")[0]
    monkeypatch.setattr(marks, "VARIABLE", name)
    assert os.getpid() not in list(marks.marked(os.environ[name]))
