# SPDX-License-Identifier: Apache-2.0
"""`status`, `why` and `evidence`: what is known of relocations."""

import base64
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from relocate.cli.client import Client, read, relocation
from relocate.cli.exits import Exit, Refused, Wrong
from relocate.cli.options import LOCAL, Form, Identity, Output, Server, Token
from relocate.cli.printing import show
from relocate.cli.text import code, details, explained, listing
from relocate.model.chain import broken_link
from relocate.model.evidence import Entry
from relocate.model.relocation import Status, View
from relocate.targets.contract import Decision


def status(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="One relocation, with its phases.")] = None,
    *,
    application: Annotated[
        str | None, typer.Option("--application", help="Only of this application.", metavar="APP")
    ] = None,
    state: Annotated[
        Status | None, typer.Option("--status", help="Only those that stand so.", metavar="STATUS")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many, newest first.", metavar="NUMBER")] = 20,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Show one relocation, or the newest ones. For one that ended otherwise than hoped for the exit code is 1."""
    with Client(server, token) as client:
        if identity is None:
            page = client.get("/v1/relocations", application=application, status=state, limit=limit)
            views = [read(View, each) for each in _items(page)]
            show(output, page, listing(views) if views else ["There are none."])
            return
        answer = client.get(relocation(identity))
    view = read(View, answer)
    show(output, answer, details(view))
    raise typer.Exit(code(view))


def why(identity: Identity, server: Server = LOCAL, token: Token = None, output: Output = Form.TABLE) -> None:
    """Explain a relocation: the decision, and if it went back or needs an operator, what spoke against going on."""
    with Client(server, token) as client:
        answer = client.get(relocation(identity))
        record = client.get(relocation(identity, "evidence"))
    view = read(View, answer)
    against = [entry for entry in _entries(record) if not entry.claim.holds]
    decision = None if record.get("decision") is None else read(Decision, record["decision"])
    told = {
        "relocation": answer,
        "decision": record.get("decision"),
        "against": [entry.model_dump(mode="json") for entry in against],
    }
    show(output, told, explained(view, decision, [(entry.at, entry.claim) for entry in against]))


def evidence(
    identity: Identity,
    file: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")] = None,
    server: Server = LOCAL,
    token: Token = None,
) -> None:
    """Fetch the signed record of a relocation, and check its chain of digests. The exit code is 1 if it is broken.

    `relocate verify FILE` checks everything else, without the service.
    """
    with Client(server, token) as client:
        signed = client.get(relocation(identity, "evidence"), download=True)
    entries = _entries(_predicate(signed))
    text = json.dumps(signed, separators=(",", ":"))
    if file is None:
        typer.echo(text)
    else:
        _write(file, text)
    broken = broken_link(entries)
    chain = f"the chain is broken at entry {broken}" if broken is not None else "the chain is whole"
    typer.echo(f"{len(entries)} claims; {chain}{'' if file is None else f'; written to {file}'}.", err=True)
    raise typer.Exit(Exit.DONE if broken is None else Exit.OTHERWISE)


def _items(page: Any) -> list[Any]:
    if not isinstance(page, dict) or not isinstance(page.get("items"), list):
        raise Refused("The server's answer cannot be read (items); see `relocate doctor`.")
    return list(page["items"])


def _predicate(signed: Any) -> Any:
    """The record inside an envelope."""
    try:
        return json.loads(base64.b64decode(signed["payload"]))["predicate"]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("The server's answer cannot be read (payload); see `relocate doctor`.") from error


def _entries(record: Any) -> list[Entry]:
    if not isinstance(record, dict) or not isinstance(record.get("entries"), list):
        raise Refused("The server's answer cannot be read (entries); see `relocate doctor`.")
    return [read(Entry, entry) for entry in record["entries"]]


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(f"{text}\n")
    except OSError as error:
        raise Wrong(f"--output: {file} cannot be written: {error.strerror}") from error
