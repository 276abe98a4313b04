# SPDX-License-Identifier: Apache-2.0
"""Commands to a relocation that runs: `cancel`, `hold`, `proceed`, and what an operator can do."""

from typing import Annotated

import typer

from relocate.cli.client import Client, read, relocation
from relocate.cli.options import LOCAL, Form, Identity, Output, Server, Token, Why
from relocate.cli.printing import show
from relocate.cli.text import standing
from relocate.cli.watching import watched
from relocate.model.relocation import View


def cancel(
    identity: Identity,
    *,
    why: Why = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end; cancelled exits with 1.")] = False,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Ask for a relocation to be undone. After the point of no return it is too late, and that is recorded."""
    with Client(server, token) as client:
        answer = client.post(relocation(identity, "cancel"), {"why": why})
        if watch:
            raise typer.Exit(watched(client, identity, output))
    view = read(View, answer)
    show(output, answer, [f"{view.id}: asked for; it stands at: {standing(view)}. {view.sentence}".strip()])


def hold(
    identity: Identity, why: Why = "", server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE
) -> None:
    """Stop a relocation from going forward. Going back is never held."""
    _command(identity, "hold", {"why": why}, Client(server, token), output)


def proceed(
    identity: Identity, why: Why = "", server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE
) -> None:
    """Let a relocation go forward after a hold."""
    _command(identity, "proceed", {"why": why}, Client(server, token), output)


def retry(
    identity: Identity, why: Why = "", server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE
) -> None:
    """When an operator is needed: try again what could not be done."""
    _command(identity, "retry", {"why": why}, Client(server, token), output)


def settle(
    identity: Identity,
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="The side to stay on.", show_default=False)],
    *,
    why: Why = "",
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """When an operator is needed: stay on one side. Refused unless that side is proven healthy now."""
    _command(identity, "settle", {"why": why, "cluster": cluster}, Client(server, token), output)


def finish_cleanup(
    identity: Identity, why: Why = "", server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE
) -> None:
    """When an operator is needed: remove what the relocation left behind, and end it."""
    _command(identity, "finish-cleanup", {"why": why}, Client(server, token), output)


def abandon(
    identity: Identity, why: Why = "", server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE
) -> None:
    """When an operator is needed, or Temporal has lost it: end the relocation and leave everything as it is."""
    _command(identity, "abandon", {"why": why}, Client(server, token), output)


def _command(identity: str, name: str, body: dict[str, str], client: Client, output: Form) -> None:
    with client:
        answer = client.post(relocation(identity, name), body)
    show(output, answer, [str(answer.get("sentence", ""))])
