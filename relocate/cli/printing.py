# SPDX-License-Identifier: Apache-2.0
"""Answers on stdout, for people or for programs."""

import json
from collections.abc import Iterable
from typing import Any

import typer

from relocate.cli.options import Form


def show(form: Form, answer: Any, lines: Iterable[str]) -> None:
    """The server's answer as it is, or `lines`."""
    if form is Form.JSON:
        typer.echo(json.dumps(answer, indent=2))
        return
    for line in lines:
        typer.echo(line)
