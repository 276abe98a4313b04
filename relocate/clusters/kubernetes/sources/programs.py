# SPDX-License-Identifier: Apache-2.0
"""Running `helm` and `kubectl kustomize` on the worker, inside the folder that the cluster's settings allow."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from relocate.errors import InvalidWorkload

SECONDS = 20.0
"""Longest time for rendering."""
LONGEST = 500
"""Characters of a program's complaint that are kept."""


def inside(sources: Path | None, path: str, field: str) -> Path:
    """A path of an application's, in the allowed folder.

    Raises:
        InvalidWorkload: it leads out of it, is not there, or the cluster allows none.
    """
    if sources is None:
        raise InvalidWorkload(f"{field}: the cluster's settings name no folder `sources`", field=field)
    root = sources.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise InvalidWorkload(f"{field}: {path} leads out of the cluster's sources", field=field)
    if not found.exists():
        raise InvalidWorkload(f"{field}: {path} is not in the cluster's sources on this worker", field=field)
    return found


async def documents(argv: Sequence[str], field: str, *, stdin: str = "") -> Sequence[dict[str, Any]]:
    """The YAML documents that a program prints.

    Raises:
        InvalidWorkload: it is not installed, fails, takes too long or prints something else.
    """
    program = shutil.which(argv[0])
    if program is None:
        raise InvalidWorkload(f"{field}: the worker has no program {argv[0]}", field=field)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *argv[1:], stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(SECONDS):
            printed, said = await process.communicate(stdin.encode())
    except TimeoutError:
        raise InvalidWorkload(f"{field}: {argv[0]} did not end within {SECONDS:g} s", field=field) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        complaint = " ".join(said.decode(errors="replace").split())[:LONGEST]
        raise InvalidWorkload(f"{field}: {argv[0]}: {complaint}", field=field)
    try:
        found = [one for one in yaml.safe_load_all(printed) if one]
    except yaml.YAMLError as error:
        raise InvalidWorkload(f"{field}: {argv[0]} printed no YAML: {error}", field=field) from error
    if not all(isinstance(one, dict) for one in found):
        raise InvalidWorkload(f"{field}: {argv[0]} printed something that is no object", field=field)
    return found
