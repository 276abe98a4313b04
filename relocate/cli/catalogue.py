# SPDX-License-Identifier: Apache-2.0
"""`apply` and `place`: what is configured, and where an application first runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relocate.cli.client import Client
from relocate.cli.exits import Ending, Wrong
from relocate.cli.options import LOCAL, Form, Output, Server, Token
from relocate.cli.printing import show
from relocate.errors import InvalidRequest

if TYPE_CHECKING:
    from relocate.configuration import Document

_ORDER = ("Gateway", "Cluster", "Application")
"""What others refer to comes first."""


def apply(
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="YAML of one or many documents; - is stdin.")
    ],
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Configure applications, clusters and gateways from YAML.

    The whole file is checked before anything is sent; then each document is put, gateways and clusters first. If the
    server refuses one, those before it are kept, and the error says so.
    """
    documents = sorted(_read(file), key=lambda found: _ORDER.index(found.entry.kind))
    answers: list[object] = []
    lines: list[str] = []
    with Client(server, token) as client:
        for document in documents:
            entry = document.entry
            path = f"/v1/{entry.kind.lower()}s/{entry.name}"
            try:
                answers.append(client.put(path, entry.model_dump(mode="json", exclude_unset=True)))
            except Ending as error:
                kept = f"\nKept before it: {', '.join(lines)}." if lines else "\nNothing was changed."
                raise type(error)(f"{document.place}: {error}{kept}") from error
            lines.append(f"{entry.kind} {entry.name}")
    show(output, answers, [f"{line} applied" for line in lines])


def place(
    application: Annotated[str, typer.Argument(metavar="APP", show_default=False)],
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", show_default=False)],
    *,
    seconds: Annotated[
        float, typer.Option("--timeout", min=1, help="How long to wait until it serves.", metavar="SECONDS")
    ] = 120,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Run the first instance of an application on a cluster, and wait until it serves."""
    with Client(server, token) as client:
        placed = client.put(f"/v1/applications/{application}/placement", {"cluster": cluster}, seconds=seconds)
    show(output, placed, [f"{application} serves from {cluster} ({placed.get('instance')})."])


def _read(file: str) -> "Sequence[Document]":
    from relocate.configuration import load, parse  # noqa: PLC0415 - drivers and database are slow to import

    try:
        return parse(sys.stdin.read(), "stdin") if file == "-" else load(Path(file))
    except InvalidRequest as error:
        raise Wrong(f"{error}\nNothing was sent.") from error
    except UnicodeDecodeError as error:
        raise Wrong("stdin: is not UTF-8. Nothing was sent.") from error
