# SPDX-License-Identifier: Apache-2.0
"""A relocation on a terminal, drawn anew at each change."""

from collections.abc import Iterable

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from relocate.cli.text import lasted, standing, way
from relocate.model.relocation import StepState, View

_STYLES = {
    StepState.RUNNING: "bold cyan",
    StepState.DONE: "green",
    StepState.FAILED: "bold red",
    StepState.UNDONE: "yellow",
}


def shown(views: Iterable[View], console: Console | None = None) -> View | None:
    """Draw each view; the last one stays on the screen and is returned."""
    last: View | None = None
    with Live(console=console, auto_refresh=False) as screen:
        for last in views:
            screen.update(picture(last), refresh=True)
    return last


def picture(view: View) -> Group:
    """The phases with their states, between what moves where and the sentence of the moment."""
    table = Table.grid(padding=(0, 2))
    for step in view.steps:
        state = Text(step.state, style=_STYLES.get(step.state, "dim"))
        table.add_row(Text(step.phase), state, Text(lasted(step), justify="right"), Text(step.sentence))
    head = Text(f"{view.id}: {view.application}, {way(view)}: {standing(view)}", style="bold")
    weights = ", ".join(f"{side} {weight} %" for side, weight in sorted(view.weights.items()))
    return Group(head, table, Text("  ".join(part for part in (weights, view.sentence) if part)))
