# SPDX-License-Identifier: Apache-2.0
"""`verify`: a downloaded record, recomputed from its raw samples, without the service, a database or a network."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relocate.cli.exits import Exit, Wrong
from relocate.cli.options import Form, Output
from relocate.cli.printing import show

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from relocate.evidence.verification import Verification


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A record, as it was downloaded.", show_default=False)],
    *,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="FILE", help="Public key of the service, PEM; several while keys are changed."),
    ] = None,
    allow_unsigned: Annotated[bool, typer.Option("--allow-unsigned", help="Take a record without signatures.")] = False,
    output: Output = Form.TABLE,
) -> None:
    """Recompute the verdict of a downloaded record, offline, and say where the record disagrees with its own samples.

    Without a key it shows that nothing was changed since the record was signed, not who signed it. The exit code is 1
    if anything disagrees.
    """
    # Slow to import, and needed by nobody else.
    from relocate.evidence.verification import Unusable, verify as verified  # noqa: PLC0415

    keys = [_key(path) for path in key or ()]
    try:
        found = verified(_read(file), keys, allow_unsigned=allow_unsigned)
    except Unusable as error:
        raise Wrong(f"{file}: {error}.") from error
    show(output, found.model_dump(mode="json"), _lines(found))
    raise typer.Exit(Exit.DONE if found.agrees else Exit.OTHERWISE)


def _lines(found: "Verification") -> Iterator[str]:
    yield f"{found.relocation}: {found.verdict}"
    yield f"Signature: {found.signature}."
    if not found.ended:
        yield "It had not ended: this is a snapshot, and proves no outcome."
    yield f"{found.entries} entries in the chain, {found.recomputed} of them recomputed from samples."
    if found.agrees:
        yield "The record agrees with its samples."
        return
    yield f"The record disagrees with its samples in {_times(found.disagreements)}:"
    yield from (f"  {one}" for one in found.disagreements)


def _times(found: Sequence[object]) -> str:
    return "one place" if len(found) == 1 else f"{len(found)} places"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Wrong(f"{file} cannot be read: {error.strerror}.") from error


def _key(file: Path) -> "Ed25519PublicKey":
    from relocate.evidence.keys import public_key  # noqa: PLC0415

    try:
        return public_key(_read(file).decode())
    except ValueError as error:
        raise Wrong(f"--key: {file} holds no public key: {error}") from error
