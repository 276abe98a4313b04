# SPDX-License-Identifier: Apache-2.0
"""`builds` and `promote`: which builds of the code workers have to be there for. Both ask Temporal itself (TEMPORAL_...)."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from relocate.cli.environment import in_sentences, settings
from relocate.cli.exits import Refused
from relocate.cli.text import columns
from relocate.errors import EngineUnavailable

if TYPE_CHECKING:
    from relocate.temporal.builds import Build, Builds

Kept = Annotated[
    list[str] | None,
    typer.Option("--keep", help="A build that keeps its workers; repeat it. No other may be needed.", metavar="BUILD"),
]


def builds(
    *,
    keep: Kept = None,
    going_back: Annotated[
        bool, typer.Option("--going-back", help="The current build may go, as another one is promoted at once.")
    ] = False,
) -> None:
    """List the builds of workers (settings: TEMPORAL_...), and what runs on each. With --keep: 3 if another is needed."""
    from relocate.temporal.builds import why_not_without  # noqa: PLC0415

    async def known() -> "Sequence[Build]":
        return await (await _open()).known()

    with in_sentences():
        found = asyncio.run(known())
    for line in columns([_row(one) for one in found]) if found else ["No worker has said a build."]:
        typer.echo(line)
    reasons = why_not_without(found, keep, current_may_go=going_back) if keep else ()
    if reasons:
        raise Refused(" ".join([*reasons, "Keep its workers until `relocate builds` says that nothing runs on it."]))


def promote(
    build: Annotated[str, typer.Argument(metavar="BUILD", show_default=False)],
    *,
    seconds: Annotated[
        float, typer.Option("--within", min=0, help="How long its workers may take to come up.", metavar="SECONDS")
    ] = 120,
) -> None:
    """Let new relocations begin on a build, once its workers ask for work (settings: TEMPORAL_...)."""

    async def promoted() -> None:
        await (await _open()).promote(build, seconds)

    with in_sentences():
        asyncio.run(promoted())
    typer.echo(f"New relocations begin on build {build}.")


async def _open() -> "Builds":
    from relocate.temporal.builds import Builds  # noqa: PLC0415
    from relocate.temporal.connection import Connection  # noqa: PLC0415

    told = settings()
    try:
        return Builds(await Connection(told).open(), told)
    except RuntimeError as error:
        raise EngineUnavailable(f"Temporal cannot be reached: {error}") from error


def _row(build: "Build") -> tuple[str, str, str]:
    return build.name, "current" if build.current else "-", ", ".join(build.relocations) or "nothing runs on it"
