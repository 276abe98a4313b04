# SPDX-License-Identifier: Apache-2.0
"""What commands read that start processes or ask Temporal: settings, and errors that people can do something about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from relocate.cli.exits import Unreachable, Wrong
from relocate.errors import EngineUnavailable, InvalidRequest

if TYPE_CHECKING:
    from pydantic import ValidationError

    from relocate.settings import Settings


def settings() -> "Settings":
    """Of this process; an error names the variable."""
    from pydantic import ValidationError  # noqa: PLC0415
    from pydantic_settings import SettingsError  # noqa: PLC0415

    from relocate.settings import Settings  # noqa: PLC0415

    try:
        return Settings()
    except SettingsError as error:
        raise Wrong(f"The environment: {error}") from error
    except ValidationError as error:
        raise Wrong(first_wrong(error, "RELOCATE_")) from error


def first_wrong(error: "ValidationError", prefix: str) -> str:
    """The first thing that is wrong, by the name of the variable or option that sets it."""
    found = error.errors(include_url=False, include_input=False)[0]
    message = found["msg"].removeprefix("Value error, ")
    if not found["loc"]:
        return f"{prefix}{message}"
    parts = [str(part) for part in found["loc"]]
    name = parts[-1].replace("_", "-") if prefix == "--" else "__".join(parts).upper()
    return f"{prefix}{name}: {message}"


@contextmanager
def in_sentences() -> Iterator[None]:
    """Errors that people can do something about, in a sentence."""
    try:
        yield
    except InvalidRequest as error:
        raise Wrong(str(error)) from error
    except EngineUnavailable as error:
        raise Unreachable(str(error)) from error
    except OSError as error:
        raise Wrong(f"It cannot start: {error}") from error
