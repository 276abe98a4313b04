# SPDX-License-Identifier: Apache-2.0
"""The page docs/reference/cli.md, made from the commands: `python -m relocate.cli.reference > docs/reference/cli.md`."""

from collections.abc import Iterator, Sequence
from typing import Any

import typer.main
from typer.core import TyperArgument, TyperGroup, TyperOption

from relocate.cli.exits import Exit
from relocate.cli.program import app

_INTRO = """\
# The command `relocate`

This page is written by `python -m relocate.cli.reference`. `relocate COMMAND --help` says the same.

Errors are one or two sentences on stderr; answers are on stdout. `relocate --install-completion` sets up completion
for your shell. The commands that start processes take their settings from the environment (`RELOCATE_...`, and
Temporal's own `TEMPORAL_...`).

Every command that asks the API takes `--server URL` (from `RELOCATE_SERVER` if not given, else
`http://127.0.0.1:8070`), `--token TOKEN` (from `RELOCATE_TOKEN` if not given), and `-o table` for people or `-o json`
for programs. Where the API speaks TLS, `--ca-file FILE` (from `RELOCATE_CA_FILE`) is the authority of its certificate, where that is
not one of the system's; `--cert-file FILE` and `--key-file FILE` (from `RELOCATE_CERT_FILE` and `RELOCATE_KEY_FILE`) say who you are,
where that is not said by a token. What follows leaves these six out.

## Exit codes
"""

SHARED = frozenset({"--server URL", "--token TOKEN", "-o, --output table\\|json"})
"""Options that the introduction explains."""

FILES = frozenset({"RELOCATE_CA_FILE", "RELOCATE_CERT_FILE", "RELOCATE_KEY_FILE"})
"""Variables of those among them whose names other commands use for files of their own."""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _INTRO
    yield from ("| code | means |", "|---|---|")
    yield from (f"| {code:d} | {code.meaning} |" for code in Exit)
    group = typer.main.get_command(app)
    if not isinstance(group, TyperGroup):  # pragma: no cover - several commands make a group
        raise TypeError("the command line has no commands")
    panel = ""
    for name, command in group.commands.items():
        heading = getattr(command, "rich_help_panel", None)
        if isinstance(heading, str) and heading != panel:
            panel = heading
            yield f"\n## {panel}"
        yield from _command(name, command)
    yield ""


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [found for found in command.params if isinstance(found, TyperArgument)]
    options = [found for found in command.params if isinstance(found, TyperOption)]
    own = [found for found in options if _switch(found) not in SHARED and FILES.isdisjoint(_variables(found))]
    usage = " ".join(["relocate", name, *(_shown(found) for found in arguments), *(["[OPTIONS]"] if options else [])])
    yield f"\n### `{usage}`\n"
    yield (command.help or "").strip()
    rows = [(_shown(found), _meaning(found)) for found in arguments if found.help]
    rows += [(_switch(found), _meaning(found)) for found in own]
    if rows:
        yield from ("", "| | |", "|---|---|")
        yield from (f"| `{left}` | {right} |" for left, right in rows)


def _shown(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name or "").upper().strip("[]")
    return name if argument.required else f"[{name}]"


def _switch(option: TyperOption) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    if option.is_flag:
        return names
    return f"{names} {(option.metavar or 'VALUE')}".replace("|", "\\|")


def _variables(parameter: TyperArgument | TyperOption) -> Sequence[str]:
    given = parameter.envvar or ()
    return (given,) if isinstance(given, str) else given


def _meaning(parameter: TyperArgument | TyperOption) -> str:
    said = [(parameter.help or "").strip()]
    if names := _variables(parameter):
        said.append(f"From {' or '.join(f'`{name}`' for name in names)} if not given.")
    default = parameter.default
    if not parameter.required and default not in (None, "", False, [], ()):
        said.append(f"Default `{getattr(default, 'value', default)}`.")
    if parameter.required and isinstance(parameter, TyperOption):
        said.append("Required.")
    return " ".join(said)


if __name__ == "__main__":
    typer.echo(page(), nl=False)
