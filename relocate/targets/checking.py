# SPDX-License-Identifier: Apache-2.0
"""A selector's own settings, checked: the first thing wrong is named with its field and what is allowed."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from relocate.errors import InvalidRequest

SettingsT = TypeVar("SettingsT", bound=BaseModel)


def checked(kind: type[SettingsT], settings: Mapping[str, Any]) -> SettingsT:
    """`settings` as a `kind`.

    Raises:
        InvalidRequest: a setting makes no sense.
    """
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(("selector_settings", *map(str, first["loc"])))
        allowed = f"; allowed are {', '.join(kind.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise InvalidRequest(f"{field}: {first['msg']}{allowed}", field=field) from error
