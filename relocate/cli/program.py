# SPDX-License-Identifier: Apache-2.0
"""The command line, put together."""

from typing import Any

import typer
from typer.core import TyperGroup

from relocate.cli import catalogue, commanding, doctor, looking, processes, starting, verifying, watching
from relocate.cli.exits import Ending, Exit

_CODES = "\n\n".join(f"{code:>3d}  {code.meaning}" for code in Exit)


class Group(TyperGroup):
    """Ends in a sentence and an exit code, never in a traceback for what people can put right."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Ending as ending:
            typer.echo(str(ending), err=True)
            raise typer.Exit(ending.code) from ending
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(Exit.INTERRUPTED) from interrupt


app = typer.Typer(
    name="relocate",
    cls=Group,
    help="Moves edge applications from one cluster to another, and proves that no request was lost.",
    epilog=f"Exit codes:\n\n{_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PANELS = {
    "On one machine": (processes.demo, processes.dev),
    "Processes": (processes.api, processes.worker, processes.gateway_control, processes.process_cluster),
    "Configuration": (catalogue.apply, catalogue.place),
    "Relocations": (starting.start, looking.status, watching.watch, looking.why, looking.evidence, verifying.verify),
    "Commands to a relocation": (
        commanding.cancel,
        commanding.hold,
        commanding.proceed,
        commanding.retry,
        commanding.settle,
        commanding.finish_cleanup,
        commanding.abandon,
    ),
    "Help": (doctor.doctor,),
}

for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
