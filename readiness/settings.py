# SPDX-License-Identifier: Apache-2.0
"""A probe's own settings: checked once, with an error that names the field."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from readiness.errors import InvalidProbe


class Settings(BaseModel):
    """Base of a probe's settings: immutable, and an unknown field is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


Checked = TypeVar("Checked", bound=Settings)


def checked(kind: str, model: type[Checked], settings: Mapping[str, object]) -> Checked:
    """`settings` as `model`.

    Raises:
        InvalidProbe: one line for each wrong field, such as "http probe: settings.path: should start with /".
    """
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        raise InvalidProbe(f"{kind} probe: {'; '.join(map(_sentence, error.errors()))}") from error


def _sentence(problem: Mapping[str, object]) -> str:
    place = problem["loc"]
    path = ".".join(map(str, place if isinstance(place, tuple) else ()))
    return f"settings{'.' if path else ''}{path}: {str(problem['msg']).removeprefix('Value error, ')}"
