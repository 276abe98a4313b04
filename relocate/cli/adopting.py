# SPDX-License-Identifier: Apache-2.0
"""`adopt` and `release`: an application that runs already is taken over, and given back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from relocate.cli.client import Client, read
from relocate.cli.exits import Exit
from relocate.cli.options import LOCAL, Form, Output, Server, Token
from relocate.cli.printing import show

if TYPE_CHECKING:
    from relocate.dispatch import Adoption

Patience = Annotated[float, typer.Option("--timeout", min=1, help="How long to wait for it.", metavar="SECONDS")]


def adopt(
    application: Annotated[str, typer.Argument(metavar="APP", show_default=False)],
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", show_default=False)],
    *,
    take: Annotated[bool, typer.Option("--take", help="Do it; without this, nothing is changed.")] = False,
    seconds: Patience = 180,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Look at an application that runs on a cluster already, with its routes; with --take, take both over.

    Says what was found, what would change, and what stops it. Users notice nothing, and `release` gives it back.
    """
    from relocate.dispatch import Adoption  # noqa: PLC0415 - the database's library, behind it, is slow to import

    with Client(server, token) as client:
        if take:
            placed = client.put(f"/v1/applications/{application}/adoption", {"cluster": cluster}, seconds=seconds)
            show(output, placed, [f"{application} serves from {cluster}, and is ours ({placed.get('instance')})."])
            return
        answer = client.get(f"/v1/applications/{application}/adoption", cluster=cluster)
    seen = read(Adoption, answer)
    show(output, answer, _told(seen))
    raise typer.Exit(Exit.OTHERWISE if seen.problems else Exit.DONE)


def release(
    application: Annotated[str, typer.Argument(metavar="APP", show_default=False)],
    *,
    seconds: Patience = 180,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Give an adopted application back as it was. Users notice nothing. What has moved since is not given back."""
    with Client(server, token) as client:
        answer = client.delete(f"/v1/applications/{application}/adoption", seconds=seconds)
    show(output, answer, [f"{application} was given back; nothing of ours is left on it."])


def _told(seen: "Adoption") -> Iterator[str]:
    said = {
        "Found": seen.parts,
        "Not as the application says": seen.differences,
        "Would change": seen.changes,
        "Stops it": seen.problems,
    }
    for heading, lines in said.items():
        if lines:
            yield f"{heading}:"
            yield from (f"  {line}" for line in lines)
    if not seen.problems:
        yield "Nothing was changed. Take it over with --take."
