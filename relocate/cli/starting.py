# SPDX-License-Identifier: Apache-2.0
"""`start`: ask for a relocation."""

from typing import Annotated, Any

import typer

from relocate.cli.client import Client, read
from relocate.cli.exits import Exit, Wrong
from relocate.cli.options import LOCAL, Form, Output, Server, Token
from relocate.cli.printing import show
from relocate.cli.text import planned, way
from relocate.cli.watching import watched
from relocate.model.relocation import View


def start(
    application: Annotated[str, typer.Argument(metavar="APP", show_default=False)],
    *,
    target: Annotated[str | None, typer.Option(help="The cluster to move to.", metavar="CLUSTER")] = None,
    candidates: Annotated[
        list[str] | None, typer.Option("--candidate", help="A cluster to choose from; repeat it.", metavar="CLUSTER")
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option("--label", help="Choose among clusters that have it; repeat it.", metavar="NAME=VALUE"),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Where you believe it runs; refused if it does not.", metavar="CLUSTER")
    ] = None,
    cell: Annotated[str | None, typer.Option(help="The cell that the user is in now.", metavar="CELL")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the record.", metavar="TEXT", show_default=False)] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; change nothing.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    key: Annotated[
        str | None,
        typer.Option("--idempotency-key", help="The same key and request start one relocation only.", metavar="KEY"),
    ] = None,
    server: Server = LOCAL,
    token: Token = None,
    output: Output = Form.TABLE,
) -> None:
    """Move an application to another cluster.

    With --target to that one; with --candidate or --label to the best of those; with neither to the best of all.
    """
    given = {
        "application": application,
        "target": target,
        "candidates": candidates or None,
        "labels": _labels(labels or []) or None,
        "source": source,
        "cell": cell,
        "reason": reason or None,
    }
    body = {name: value for name, value in given.items() if value is not None}
    with Client(server, token) as client:
        if dry_run:
            _tell_plan(client.post("/v1/relocations", body, dryRun="true"), output)
        answer = client.post("/v1/relocations", body, headers={"idempotency-key": key} if key else None)
        view = read(View, answer)
        if watch:
            raise typer.Exit(watched(client, view.id, output))
        follow = f"Follow it with `relocate watch {view.id}`."
        show(output, answer, [f"{view.id}: {view.application}, {way(view)}: {view.status}. {follow}"])


def _tell_plan(answer: Any, output: Form) -> None:
    from relocate.dispatch import DryRun  # noqa: PLC0415 - the database's library, behind it, is slow to import

    plan = read(DryRun, answer)
    show(output, answer, planned(plan))
    raise typer.Exit(Exit.OTHERWISE if plan.problems else Exit.DONE)


def _labels(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    wrong = next((each for each, (name, sign, _) in zip(given, pairs, strict=True) if not (name and sign)), None)
    if wrong is not None:
        raise Wrong(f"--label: {wrong!r} must be NAME=VALUE")
    return {name: value for name, _, value in pairs}
