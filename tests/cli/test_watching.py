# SPDX-License-Identifier: Apache-2.0
import json
import threading
import time
from contextlib import contextmanager, suppress
from io import StringIO

import pytest
from rich.console import Console

from relocate.cli.client import Client, Event
from relocate.cli.exits import Unreachable
from relocate.cli.live import shown
from relocate.cli.watching import Story
from relocate.errors import NotFound
from relocate.model.relocation import Phase, Status
from tests.api.memory_dispatch import finish


@pytest.fixture
def running(relocate):
    """A relocation that runs."""
    relocate("start", "assist", "--source", "mec-a", "--target", "mec-b")


def _update(database, **fields):
    database.relocations.change("r-1", lambda view: view.model_copy(update=fields))


@contextmanager
def finishing(database, identity, outcome="completed", *, says=""):
    """While the block waits for it, the relocation ends: some time after it is there and says this, so that it is followed."""

    def later():
        for _ in range(600):
            time.sleep(0.1)
            with suppress(NotFound):
                if says in database.relocations.get(identity).sentence:
                    finish(database, identity, outcome)
                    return

    thread = threading.Thread(target=later)
    thread.start()
    yield
    thread.join()


def test_past_is_told_at_once(relocate, running, database):
    """A relocation that has ended is told from its start to its end; the exit code says how."""
    _update(database, status=Status.RUNNING, phase=Phase.DEPLOY, sentence="mec-b starts an instance.")
    finish(database, "r-1", "rolled_back")
    result = relocate("watch", "r-1")
    assert result.exit_code == 1
    assert [line[21:] for line in result.stdout.splitlines()] == [
        "accepted  Accepted; it will start in a moment.",
        "running  deploy  mec-b starts an instance.",
        "rolled back  deploy  It is done.",
    ]


def test_present_is_followed(relocate, running, database):
    """A relocation that runs is followed until it ends."""
    with finishing(database, "r-1"):
        result = relocate("watch", "r-1")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("completed  It is done.")


def test_need_of_an_operator_ends_the_watch(relocate, running, database):
    """Nothing goes on without an operator: the watch ends with 1 and the next step."""
    _update(database, status=Status.NEEDS_OPERATOR, sentence="Both are bad.", next_step="Settle on mec-a.")
    result = relocate("watch", "r-1")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "Next: Settle on mec-a."


def test_former_need_of_an_operator_does_not_end_it(relocate, running, database):
    """What needed an operator before and went on is followed to its end."""
    _update(database, status=Status.NEEDS_OPERATOR)
    _update(database, status=Status.RUNNING)
    finish(database, "r-1")
    assert relocate("watch", "r-1").exit_code == 0


def test_json_is_one_object_a_change(relocate, running, database):
    """-o json prints one object for each change."""
    finish(database, "r-1")
    lines = [json.loads(line) for line in relocate("watch", "r-1", "-o", "json").stdout.splitlines()]
    assert [line["relocation"]["status"] for line in lines] == ["accepted", "finished"]


@pytest.mark.parametrize("command", [("start", "assist", "--target", "mec-b"), ("cancel", "r-1")])
def test_other_commands_watch_too(relocate, running, database, command):
    """`start` and `cancel` follow to the end when asked to."""
    starts = command[0] == "start"
    if starts:
        finish(database, "r-1")
    with finishing(database, "r-2" if starts else "r-1", "cancelled", says="" if starts else "Undoing"):
        result = relocate(*command, "--watch")
    assert result.exit_code == 1
    assert "cancelled" in result.stdout.splitlines()[-1]


class Flaky(Client):
    """A client whose stream breaks after each event, and cannot be had in between."""

    def __init__(self, server, *, failures):
        super().__init__(server)
        self.asked_after = []
        self.failures = failures

    def events(self, path, after):
        """One event, then nothing."""
        self.asked_after.append(after)
        if after and self.failures:
            self.failures -= 1
            raise Unreachable("gone")
        for event in super().events(path, after):
            yield event
            raise Unreachable("broken")


def test_broken_stream_is_taken_up_where_it_was(running, database, server):
    """No change is told twice or left out, however often the stream breaks."""
    _update(database, sentence="one")
    _update(database, sentence="two")
    finish(database, "r-1")
    with Flaky(server, failures=3) as client:
        story = [seen.view.sentence for seen in Story(client, "r-1", pause_seconds=0)]
    assert story == ["Accepted; it will start in a moment.", "one", "two", "It is done."]
    assert client.asked_after[0] == ""
    assert len(set(client.asked_after)) == 4


def test_stream_that_stays_away_is_given_up(running, server):
    """After many failures in a row the watch ends as unreachable."""
    with Flaky(server, failures=1000) as client, pytest.raises(Unreachable):
        list(Story(client, "r-1", pause_seconds=0))


def test_stream_that_ends_early_is_asked_for_again(running, database, server):
    """A server that closes the stream before the end is asked where the relocation stands."""

    class Short(Client):
        def events(self, *_):
            yield Event("1", "decision", {})
            finish(database, "r-1")

    with Short(server) as client:
        assert [seen.view.status for seen in Story(client, "r-1", pause_seconds=0)] == [Status.FINISHED]


def test_terminal_shows_phases(running, database):
    """On a terminal the phases stand with their states; the last picture stays."""
    _update(database, weights={"mec-a": 90, "mec-b": 10}, sentence="mec-b takes 10 %.")
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    last = shown([database.relocations.get("r-1")], console)
    assert last == database.relocations.get("r-1")
    text = screen.getvalue()
    assert "r-1: assist, mec-a -> mec-b: accepted" in text
    assert "teardown  pending" in text
    assert "mec-a 90 %, mec-b 10 %  mec-b takes 10 %." in text
