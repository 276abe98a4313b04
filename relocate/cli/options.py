# SPDX-License-Identifier: Apache-2.0
"""Options and arguments that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

LOCAL = "http://127.0.0.1:8070"


class Form(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"


Server = Annotated[str, typer.Option("--server", envvar="RELOCATE_SERVER", help="Address of the API.", metavar="URL")]

Token = Annotated[
    str | None,
    typer.Option("--token", envvar="RELOCATE_TOKEN", help="Bearer token.", metavar="TOKEN"),
]

Output = Annotated[Form, typer.Option("--output", "-o", help="For people or for programs.", metavar="table|json")]

Identity = Annotated[str, typer.Argument(metavar="ID", help="Id of a relocation.", show_default=False)]

Why = Annotated[str, typer.Option("--why", help="Why; kept in the record.", metavar="TEXT", show_default=False)]
