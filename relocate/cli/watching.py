# SPDX-License-Identifier: Apache-2.0
"""`watch`: follow a relocation to its end, over server-sent events."""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import typer
from pydantic import BaseModel

from relocate.cli.client import Client, read, relocation
from relocate.cli.exits import Exit, Unreachable
from relocate.cli.options import LOCAL, Form, Identity, Output, Server, Token
from relocate.cli.text import changed, code, moment
from relocate.model.relocation import Status, View

ATTEMPTS = 10
"""How often in a row a broken stream is taken up again before giving up."""

PAUSE_SECONDS = 1.0
"""Between two attempts."""


class Seen(NamedTuple):
    """A relocation as it stood at a moment."""

    at: datetime
    view: View


class Told(BaseModel):
    """What a `view` event carries."""

    at: datetime
    data: View


def watch(identity: Identity, server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE) -> None:
    """Follow a relocation until it ends or needs an operator. The exit code says how it ended.

    Live on a terminal; otherwise one line for each change, or one JSON object for each with -o json.
    """
    with Client(server, token) as client:
        raise typer.Exit(watched(client, identity, output))


def watched(client: Client, identity: str, output: Form) -> Exit:
    """Follow and show a relocation; how it ended."""
    story = iter(Story(client, identity))
    if output is Form.JSON:
        last = _objects(story)
    elif sys.stdout.isatty():
        from relocate.cli.live import shown  # noqa: PLC0415 - drawing is needed on a terminal only

        last = shown(seen.view for seen in story)
    else:
        last = _lines(story)
    if last is None:
        raise Unreachable(f"The server told nothing of {identity}.")
    if last.next_step and output is Form.TABLE:
        typer.echo(f"Next: {last.next_step}")
    return code(last)


class Story:
    """A relocation's changes from its start on, until it ends or needs an operator *now*.

    A stream that breaks is taken up where it was. Raises Unreachable when that fails too often in a row.
    """

    def __init__(self, client: Client, identity: str, pause_seconds: float = PAUSE_SECONDS) -> None:
        """Args: client: whom to ask; identity: of the relocation; pause_seconds: between two attempts."""
        self._client = client
        self._identity = identity
        self._pause = pause_seconds
        self._after = ""
        self._failures = 0
        self._over = False

    def __iter__(self) -> Iterator[Seen]:
        while not self._over:
            try:
                yield from self._streamed()
                yield from self._ended()
            except Unreachable:
                self._failures += 1
                if not self._after or self._failures >= ATTEMPTS:
                    raise
            if not self._over:
                time.sleep(self._pause)

    def _streamed(self) -> Iterator[Seen]:
        """What the stream tells, until it ends. One that needed an operator long ago may go on."""
        for event in self._client.events(relocation(self._identity, "events"), self._after):
            self._after, self._failures = event.id, 0
            if event.kind != "view":
                continue
            told = read(Told, event.data)
            yield Seen(told.at, told.data)
            if told.data.status is Status.NEEDS_OPERATOR:
                self._over = self._now().status is Status.NEEDS_OPERATOR
            if self._over or told.data.status is Status.FINISHED:
                self._over = True
                return

    def _ended(self) -> Iterator[Seen]:
        """The stream ended by itself: the relocation may have done so too."""
        view = self._now()
        if not self._over and view.status in {Status.FINISHED, Status.NEEDS_OPERATOR}:
            self._over = True
            yield Seen(datetime.now(UTC), view)

    def _now(self) -> View:
        return read(View, self._client.get(relocation(self._identity)))


def _lines(story: Iterator[Seen]) -> View | None:
    before: View | None = None
    for at, view in story:
        line = changed(before, view)
        if line is not None:
            typer.echo(f"{moment(at)}  {line}")
        before = view
    return before


def _objects(story: Iterator[Seen]) -> View | None:
    last: View | None = None
    for at, last in story:
        typer.echo(json.dumps({"at": at.isoformat(), "relocation": last.model_dump(mode="json")}))
    return last
