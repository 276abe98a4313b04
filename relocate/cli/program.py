# SPDX-License-Identifier: Apache-2.0
"""The command line, put together."""

import inspect
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from relocate.cli import (
    adopting,
    builds,
    catalogue,
    commanding,
    doctor,
    healthy,
    looking,
    processes,
    scaffolding,
    starting,
    verifying,
    watching,
)
from relocate.cli.exits import Ending, Exit
from relocate.cli.tls import taking_files

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


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("edge-relocation"))
        raise typer.Exit


app = typer.Typer(
    name="relocate",
    cls=Group,
    help="Moves edge applications from one cluster to another, and proves that no request was lost.",
    epilog=f"Exit codes:\n\n{_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def say_version(
    *,
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="Say which version this is, and end."),
    ] = False,
) -> None:
    """Moves edge applications from one cluster to another, and proves that no request was lost."""


_PANELS = {
    "On one machine": (processes.demo, processes.dev),
    "Processes": (
        processes.migrate,
        processes.api,
        processes.worker,
        processes.gateway_control,
        processes.process_cluster,
        processes.emco_sim,
        healthy.healthy,
    ),
    "Builds of workers": (builds.builds, builds.promote),
    "Configuration": (catalogue.apply, catalogue.place, adopting.adopt, adopting.release),
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
    "Building on it": (scaffolding.new_workflow,),
    "Help": (doctor.doctor,),
}

for _panel, _commands in _PANELS.items():
    for _command in _commands:
        asks = "server" in inspect.signature(_command).parameters
        app.command(rich_help_panel=_panel)(taking_files(_command) if asks else _command)
