# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import typer.main

from relocate.cli.program import app
from relocate.cli.reference import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_reference_is_current():
    """The page in the docs is what the commands say; `python -m relocate.cli.reference > docs/reference/cli.md`."""
    assert PAGE.read_text() == page()


def test_every_option_is_explained():
    """Each option of each command has a help text, and each command a sentence."""
    commands = typer.main.get_command(app).commands
    silent = [
        (name, parameter.name)
        for name, command in commands.items()
        for parameter in command.params
        if not parameter.help and parameter.param_type_name == "option"
    ]
    assert silent == []
    assert [name for name, command in commands.items() if not command.help] == []
