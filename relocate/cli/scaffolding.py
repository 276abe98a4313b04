# SPDX-License-Identifier: Apache-2.0
"""`relocate new-workflow`: a project of one's own that the service's workers serve."""

from pathlib import Path
from typing import Annotated

import typer

from relocate.cli.environment import in_sentences
from relocate.errors import InvalidRequest
from relocate.scaffold.projects import workflow_project


def new_workflow(
    name: Annotated[
        str, typer.Argument(help="Lower-case words with hyphens; the folder, the package and the task queue.")
    ],
    *,
    directory: Annotated[
        Path, typer.Option("--directory", help="Where the project's folder is made.", metavar="DIRECTORY")
    ] = Path(),
) -> None:
    """Begin a project with a workflow of your own: the phases of a relocation in your order, behind /invoke, and tested."""
    with in_sentences():
        project = workflow_project(name)
        folder = directory / name
        if folder.exists():
            raise InvalidRequest(f"name: {folder} is there already; nothing was written", field="name")
        for path, text in project.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            typer.echo(str(file))
